"""`python -m tests.fuzz.by_bytes TARGET INPUTS SEED FOLDER`: atheris on one target.

Coverage-guided: an input that reaches a new branch is kept and changed further. Begins with the
corpus; prints what became of the inputs as JSON; an input that breaks the target is left in the
folder. Needs the dependency group `fuzz`.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections import Counter
from pathlib import Path

import atheris
import structlog

with atheris.instrument_imports(include=["core", "events", "migrator"]):
    from tests.fuzz.corpus import seeds
    from tests.fuzz.targets import IDLE_FACTOR, LIMIT_SECONDS, TARGETS


def main() -> None:
    """Fuzz one target; the exit code is libFuzzer's."""
    target, inputs, seed, folder = sys.argv[1:]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    corpus = Path(folder) / "corpus"
    corpus.mkdir(parents=True)
    for number, data in enumerate(seeds(target)):
        (corpus / f"{number:05}").write_bytes(data)
    check, wanted = TARGETS[target], int(inputs)
    became: Counter[str] = Counter()
    since = time.monotonic()

    def one(data: bytes) -> None:
        became[check(data)] += 1
        if became.total() >= wanted:
            told = {"became": became, "seconds": round(time.monotonic() - since, 1)}
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()
            os._exit(0)

    arguments = [
        f"-seed={seed}",
        f"-timeout={IDLE_FACTOR * LIMIT_SECONDS}",
        "-rss_limit_mb=4096",
        "-max_len=20000",
        f"-artifact_prefix={folder}/",
        str(corpus),
    ]
    atheris.Setup([sys.argv[0], *arguments], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
