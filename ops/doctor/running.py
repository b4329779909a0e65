"""Running the checks side by side: the readings apart, then the verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from ops.doctor import containers, database, health, monitoring, network, storage, traffic
from ops.doctor.model import Check, Evidence, Finding, Result, Verdict, bad, doubtful
from ops.doctor.sources import Sources
from ops.reading import Part, Unknown, attempt, read_parts

_VALIDATIONS: Final = (
    *network.CHECKS,
    *database.CHECKS,
    *storage.CHECKS,
    *containers.CHECKS,
    *traffic.CHECKS,
    *monitoring.CHECKS,
)
CHECKS: Final = (*health.CHECKS, *sorted(_VALIDATIONS, key=lambda check: int(check.number)))
"""Section 8 of the runbook, then the validations 1 to 29 of the promotion plan."""


def examine(sources: Sources, checks: Sequence[Check] = CHECKS) -> list[Result]:
    """Return what came of every check, in order. What is read twice is read once."""
    reads = list(dict.fromkeys(check.read for check in checks if check.read is not None))
    parts = read_parts({str(n): partial(read, sources) for n, read in enumerate(reads)})
    by_read = dict(zip(reads, parts.values(), strict=True))
    known = {"environment": str(sources.environment), **sources.settings()}
    return [
        result_of(check, by_read[check.read] if check.read else None, known) for check in checks
    ]


def result_of(check: Check, part: Part[Evidence] | None, known: Mapping[str, str]) -> Result:
    """Judge one check over what was read for it.

    What could not be read is unknown. What is not there fails: that was read.
    """
    finding = _finding(check, part)
    passed = finding.verdict is Verdict.PASS
    return Result(
        number=check.number,
        title=check.title,
        verdict=finding.verdict,
        found=finding.found,
        fix="" if passed else filled(finding.fix or check.fix, known),
    )


def filled(command: str, known: Mapping[str, str]) -> str:
    """Fill a command's `{name}`s in; what is not known, or empty, stays as <name>."""
    return command.format_map(_Known({name: value for name, value in known.items() if value}))


class _Known(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"<{name}>"


def _finding(check: Check, part: Part[Evidence] | None) -> Finding:
    if check.judge is None:
        return doubtful(f"not readable over AWS' APIs. Instead: {check.instead}")
    if isinstance(part, Unknown) and part.absent:
        return bad(f"not there: {part.why}")
    if part is None or isinstance(part, Unknown):
        return doubtful(part.why if part is not None else "it was not read")
    found = attempt(partial(check.judge, part))
    if isinstance(found, Unknown):
        return doubtful(f"what was read is not what was expected: {found.why}")
    return found
