"""When what was done on a machine: `make prove-iam` holds it against the emulator's record."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.adapters.system import SystemClock


@contextmanager
def span(name: str) -> Iterator[None]:
    """Write down from when to when; SITEFLEET_SPANS names the file, and without it nothing is."""
    clock = SystemClock()
    began = clock.now().timestamp()
    try:
        yield
    finally:
        if path := os.environ.get("SITEFLEET_SPANS"):
            line = json.dumps({"scenario": name, "from": began, "to": clock.now().timestamp()})
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
