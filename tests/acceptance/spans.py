"""When what was done on a machine: `make prove-iam` holds it against the emulator's record."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def span(name: str) -> Iterator[None]:
    """Write down from when to when; SITEFLEET_SPANS names the file, and without it nothing is."""
    began = time.time()
    try:
        yield
    finally:
        if path := os.environ.get("SITEFLEET_SPANS"):
            line = json.dumps({"scenario": name, "from": began, "to": time.time()})
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
