"""What a replay sends next, and which of its groups send nothing more.

Pure: both follow from the entries alone, so that a replay that was killed goes on where it stood.
A group's messages go out in steps that end after 1, 11, 31, 71 ... of them, whoever sends them and
in however many turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from core.domain.replays import UNSENT, EntryState, Pace, ReplayEntry

NOT_GOOD: Final = frozenset({EntryState.FAILED_AGAIN, EntryState.RUNNING})
"""What was sent and is not known to have done its work; a group stops for such ones only."""
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one group sends next."""

    group_id: str
    entries: tuple[ReplayEntry, ...]


def next_steps(
    entries: Sequence[ReplayEntry], pace: Pace, stopped: frozenset[str] = frozenset()
) -> list[Step]:
    """Return what each group sends next: its canary, then steps that double.

    A group whose last step has no outcome yet sends nothing; nor does one that was stopped.
    """
    return [
        step
        for group_id, members in _groups(entries)
        if group_id not in stopped and (step := _next_step(group_id, members, pace))
    ]


def groups_to_stop(entries: Sequence[ReplayEntry], pace: Pace) -> frozenset[str]:
    """Return the groups whose last step failed again too often."""
    return frozenset(
        group_id for group_id, members in _groups(entries) if _fails_again(members, pace)
    )


def step_size(gone_out: int, pace: Pace) -> int:
    """Return how many messages follow after so many: 1, then 10, 20, 40 ... up to the largest.

    In the middle of a step, what is left of it.
    """
    return next(end for _, end in _steps(pace) if end > gone_out) - gone_out


def turns(entries: Iterable[ReplayEntry]) -> dict[str | None, ReplayEntry]:
    """Return, per operation, the message whose turn it is: as the plan foretold them, in order.

    None while one of them is in the air: it may have the operation claimed still.
    """
    found: dict[str | None, ReplayEntry] = {}
    busy = set()
    for entry in entries:
        if entry.state is EntryState.SENT:
            busy.add(entry.operation_id)
        elif entry.state is EntryState.PLANNED:
            found.setdefault(entry.operation_id, entry)
    return {name: entry for name, entry in found.items() if name not in busy}


# --- inside ---------------------------------------------------------------------------------


def _groups(entries: Sequence[ReplayEntry]) -> Iterator[tuple[str, list[ReplayEntry]]]:
    groups: dict[str, list[ReplayEntry]] = {}
    for entry in entries:
        groups.setdefault(entry.group_id, []).append(entry)
    yield from groups.items()


def _next_step(group_id: str, members: Sequence[ReplayEntry], pace: Pace) -> Step | None:
    waiting = any(m.state is EntryState.SENT for m in members)
    unsent = [m for m in members if m.state is EntryState.PLANNED]
    if waiting or not unsent:
        return None
    gone_out = sum(1 for m in members if m.state not in UNSENT)
    return Step(group_id=group_id, entries=tuple(unsent[: step_size(gone_out, pace)]))


def _steps(pace: Pace) -> Iterator[tuple[int, int]]:
    """Yield after how many messages of a group each step begins and ends."""
    start, end, size = 0, 1, pace.first_step
    while True:
        yield start, end
        start, end, size = end, end + size, min(2 * size, pace.largest_step)


def _fails_again(members: Sequence[ReplayEntry], pace: Pace) -> bool:
    """Judge the last step, drawn as a row of a group's entries in the order of sending.

    canary | first step ........ | second step ........ (some of it not sent yet) |

    Its share is one of the whole step: the part that was sent before a turn ended says less.
    """
    sent = sorted((m for m in members if m.state not in UNSENT), key=_order_of_sending)
    if not sent:
        return False
    to_come = sum(1 for m in members if m.state is EntryState.PLANNED)
    start, end = next(step for step in _steps(pace) if step[1] >= len(sent))
    size = min(end, len(sent) + to_come) - start
    failed = sum(1 for m in sent[start:] if m.state in NOT_GOOD)
    return failed > pace.stop_share * size


def _order_of_sending(entry: ReplayEntry) -> tuple[datetime, int]:
    return entry.sent_at or _NEVER, entry.number
