"""What the fuzzers begin with: samples, queued messages of recorded runs, dumps, policies."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from simulation.in_flight.recordings import FOLDER, read
from tests.fuzz.targets import PLACES
from tests.migrator_rewrite.dumps import LAYOUTS, dump

ROOT = Path(__file__).parents[2]
FOUND = Path(__file__).parent / "found"
"""Inputs that once broke something, one folder for each target."""
CASES = ROOT / "tests" / "migrator_rewrite" / "cases.json"


@cache
def seeds(target: str) -> list[bytes]:
    """Return what a target begins with, in a fixed order, each once."""
    found = {
        "decode": _messages,
        "consumer": _arrivals,
        "rewrite": _dumps,
        "policy": _policies,
    }[target]()
    return list(dict.fromkeys([*found, *(data for _, data in regressions(target))]))


def regressions(target: str) -> list[tuple[str, bytes]]:
    """Return the name and the bytes of what once broke a target."""
    return [(path.name, path.read_bytes()) for path in sorted((FOUND / target).glob("*"))]


# --- inside --------------------------------------------------------------------------------------


def _messages() -> Iterator[bytes]:
    for path in sorted((ROOT / "events" / "samples").glob("*.json")):
        yield path.read_bytes()
    for name, _ in PLACES:
        yield from _queued(name)


def _queued(name: str) -> Iterator[bytes]:
    """Yield the bodies that lay on the queues in a recorded run."""
    for moment in read(FOLDER / "0.1.0" / f"{name}.jsonl.gz").moments:
        for path, message in moment.flat.items():
            if path.startswith("queues/"):
                yield message["body"].encode()
        yield from (body.encode() for body in moment.flat["wakeUps"])


def _arrivals() -> Iterator[bytes]:
    """Each sample at every place, and what was queued in the middle of a run where it was."""
    samples = sorted((ROOT / "events" / "samples").glob("*.json"))
    for number, (name, _) in enumerate(PLACES):
        for path in samples:
            yield bytes([number]) + json.dumps(json.loads(path.read_bytes())).encode()
        for body in _queued(name):
            yield bytes([number]) + body


def _dumps() -> Iterator[bytes]:
    values = [base64.b64decode(c["input"]["b64"]) for c in _cases() if "b64" in c.get("input", {})]
    values += [c["input"]["text"].encode() for c in _cases() if "text" in c.get("input", {})]
    for layout in LAYOUTS:
        yield b"\x07" + dump(values[:40], layout=layout)
        yield b"\x0b" + dump([b'a:1:{i:0;s:3:"abc";}', b"nothing to do here"], layout=layout)
        for value in values:
            if len(value) <= 2000:
                yield b"\x1f" + dump([value], layout=layout)


def _cases() -> list[dict[str, dict[str, str]]]:
    cases: list[dict[str, dict[str, str]]] = json.loads(CASES.read_text(encoding="utf-8"))["cases"]
    return cases


def _policies() -> Iterator[bytes]:
    for path in sorted((ROOT / "policy").glob("*.toml")):
        text = path.read_bytes()
        yield text
        lines = [line for line in text.splitlines(keepends=True) if not line.startswith(b"#")]
        yield b"".join(lines)
