"""A replay on the screen: how many are done, failed again, and still under way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from core.domain.replays import OVER, EntryState, Replay, ReplayEntry, ReplayStatus, counts_of
from core.replay.book import Watch
from events.formats import format_timestamp
from ops.errors import ExitCode
from ops.wording import count, one_line, table

ORDER: Final = (
    EntryState.DONE,
    EntryState.FAILED_AGAIN,
    EntryState.RUNNING,
    EntryState.SENT,
    EntryState.PLANNED,
    EntryState.STOPPED,
    EntryState.UNSENDABLE,
    EntryState.GONE,
)
WORDS: Final[Mapping[EntryState, str]] = {
    EntryState.PLANNED: "not sent yet",
    EntryState.SENT: "sent, no outcome yet",
    EntryState.DONE: "done",
    EntryState.FAILED_AGAIN: "failed again",
    EntryState.RUNNING: "still running: no outcome in time",
    EntryState.STOPPED: "not sent: their group was stopped",
    EntryState.UNSENDABLE: "could not be sent: their queue does not take them",
    EntryState.GONE: "not sent: they were not there any more",
}
MOST_BAD: Final = 10


@contextmanager
def progress_of(console: Console, total: int) -> Iterator[Watch]:
    """Show a bar while a replay runs; where nobody looks at a terminal, nothing."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("replaying", total=total)

        def watch(_replay: Replay, entries: Sequence[ReplayEntry]) -> None:
            over = sum(1 for entry in entries if entry.state in OVER)
            bar.update(task, completed=over, description=state_line(counts_of(entries)))

        yield watch


def state_line(counts: Mapping[str, int]) -> str:
    """Return `12 done, 1 failed again`."""
    told = [f"{counts[state]:,} {state}" for state in ORDER if counts.get(state)]
    return ", ".join(told) or "nothing"


def end_lines(replay: Replay, entries: Sequence[ReplayEntry]) -> list[str]:
    """Return how a replay stands, and each letter that did not do what it was to do."""
    counts = counts_of(entries)
    rows = [(f"{counts[state]:,}", WORDS[state]) for state in ORDER if counts.get(state)]
    lines = [
        f"Replay {replay.replay_id}: {replay.status.lower()}, {count(len(entries), 'letter')}."
    ]
    lines += [f"  {number:>7}  {words}" for number, words in rows]
    unlike = [entry for entry in entries if _is_unlike(entry)]
    if unlike:
        cells = [(e.message_id, e.group_id, e.state.value, _what(e)) for e in unlike[:MOST_BAD]]
        lines += ["", *table(("MESSAGE", "GROUP", "STATE", "WHAT HAPPENED"), cells)]
    if len(unlike) > MOST_BAD:
        lines.append(f"... and {len(unlike) - MOST_BAD:,} more: see --json.")
    if replay.stopped_groups:
        lines += [
            "",
            f"Stopped, because too many failed again: {', '.join(replay.stopped_groups)}.",
        ]
    return lines


def replay_document(replay: Replay, entries: Sequence[ReplayEntry]) -> dict[str, Any]:
    """Return a replay with its letters, for programs and as the audit's record."""
    return {
        **replay_summary(replay),
        "counts": counts_of(entries),
        "entries": [_entry_document(entry) for entry in entries],
    }


def replay_summary(replay: Replay) -> dict[str, Any]:
    """Return who asked for a replay, when, why, of what, and how it stands."""
    filters = replay.filters
    return {
        "replayId": replay.replay_id,
        "status": replay.status,
        "requestedBy": replay.requested_by,
        "reason": replay.reason,
        "createdAt": format_timestamp(replay.created_at),
        "finishedAt": format_timestamp(replay.finished_at) if replay.finished_at else None,
        "filters": {
            "queue": filters.origin,
            "groupId": filters.group_id,
            "tenantId": filters.tenant_id,
            "siteId": filters.site_id,
            "operationId": filters.operation_id,
            "olderThanSeconds": filters.older_than_seconds,
            "messageIds": list(filters.message_ids),
            "limit": filters.limit,
        },
        "perSecond": replay.pace.per_second,
        "total": replay.total,
        "counts": dict(replay.counts),
        "stoppedGroups": list(replay.stopped_groups),
    }


def exit_code_of(replay: Replay, entries: Sequence[ReplayEntry]) -> ExitCode:
    """Return what a script goes by: 3 where letters failed again or were not sent, 4 unheard."""
    states = {entry.state for entry in entries}
    if states & {EntryState.FAILED_AGAIN, EntryState.STOPPED, EntryState.UNSENDABLE}:
        return ExitCode.NOT_SUCCEEDED
    if EntryState.RUNNING in states or replay.status is ReplayStatus.OPEN:
        return ExitCode.STALLED
    return ExitCode.COMPLETED


def _is_unlike(entry: ReplayEntry) -> bool:
    """Tell whether a letter did not do what the plan said."""
    if entry.state is EntryState.DONE:
        return entry.fate is not None and entry.fate is not entry.forecast
    return entry.state in {EntryState.FAILED_AGAIN, EntryState.RUNNING, EntryState.UNSENDABLE}


def _what(entry: ReplayEntry) -> str:
    return one_line(entry.outcome or entry.sentence)


def _entry_document(entry: ReplayEntry) -> dict[str, Any]:
    return {
        "messageId": entry.message_id,
        "newMessageId": entry.new_message_id,
        "groupId": entry.group_id,
        "origin": entry.origin,
        "box": entry.box,
        "operationId": entry.operation_id,
        "forecast": entry.forecast,
        "forecastSentence": entry.sentence,
        "state": entry.state,
        "sentAt": format_timestamp(entry.sent_at) if entry.sent_at else None,
        "fate": entry.fate,
        "outcome": entry.outcome,
    }
