"""A recording: one run of one release, moment by moment, as a compressed text file.

The first line tells what the run was; every further line is a moment: what has been set since the
one before it, and what is gone.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from simulation.fleet import SimulatedFleet
from simulation.in_flight.forms import Flat, difference
from simulation.in_flight.stories import Troubles

FOLDER = Path(__file__).parents[2] / "tests" / "in_flight"
"""One folder below it for each release."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One state of a run, with what is in flight in it."""

    number: int
    now: str
    steps: Mapping[str, str | None]
    """Operation that has not ended -> the step at its cursor."""
    claims: tuple[str, ...]
    """Ids of the queued messages that entitle to a step."""
    told: Mapping[str, list[str]]
    """Operation -> ids of the facts about its end that subscribers had been told."""
    flat: Flat = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a run was, and how it ended."""

    release: str
    story: str
    environment: str
    against: str
    job_seconds: float
    most_running: int | None
    troubles: Troubles
    plans: Mapping[str, list[str]]
    """Operation -> the names of its steps."""
    ends: Mapping[str, str]
    """Operation -> how it ended."""
    told: Mapping[str, int]
    """Operation -> how many facts told of its end, or of its standing still."""
    left: Mapping[str, Any]
    """What the run left behind."""


@dataclass(kw_only=True)
class Recording:
    """A run and its moments."""

    header: Header
    moments: list[Moment] = field(default_factory=list)


def write(recording: Recording, folder: Path) -> Path:
    """Write a recording into a release's folder; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    name = recording.header.story.replace(",", "").replace(" ", "-")
    path = folder / f"{name}.jsonl.gz"
    lines = [_line(asdict(recording.header))]
    before: Flat = {}
    for moment in recording.moments:
        changed, gone = difference(before, moment.flat)
        told = {name: value for name, value in asdict(moment).items() if name != "flat"}
        lines.append(_line({**told, "set": changed, "gone": gone}))
        before = moment.flat
    path.write_bytes(gzip.compress("".join(lines).encode(), mtime=0))
    return path


def read(path: Path) -> Recording:
    """Read a recording; raises ValueError when it is none."""
    first, *others = gzip.decompress(path.read_bytes()).decode().splitlines()
    values = json.loads(first)
    header = Header(**{**values, "troubles": Troubles(**values["troubles"])})
    return Recording(header=header, moments=list(_moments(others)))


def recordings_of(release: str, folder: Path = FOLDER) -> list[Path]:
    """Return the files of a release, in order."""
    return sorted((folder / release).glob("*.jsonl.gz"))


def releases(folder: Path = FOLDER) -> list[str]:
    """Return the releases that there are recordings of."""
    return sorted(path.name for path in folder.iterdir() if any(path.glob("*.jsonl.gz")))


def told_of(fleet: SimulatedFleet) -> dict[str, list[str]]:
    """Return the facts that subscribers have been told about ends, for each operation."""
    told: dict[str, set[str]] = {}
    for one in fleet.world.notifications:
        if one.payload.operation_id and one.outcome not in {"started", "waiting"}:
            told.setdefault(one.payload.operation_id, set()).add(one.event_id)
    return {name: sorted(ids) for name, ids in told.items()}


# --- inside ---------------------------------------------------------------------------------


def _moments(lines: list[str]) -> Iterator[Moment]:
    flat: Flat = {}
    for line in lines:
        values = json.loads(line)
        changed, gone = values.pop("set"), values.pop("gone")
        flat = {path: value for path, value in flat.items() if path not in gone} | changed
        yield Moment(**{**values, "claims": tuple(values["claims"]), "flat": flat})


def _line(values: Mapping[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"{text}\n"
