"""`sitefleet dlq history`: the audit of replays, for people."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.replays import Replay, ReplayEntry, ReplayFilter
from ops.dlq.following import end_lines, state_line
from ops.wording import fields, moment, one_line, table

TITLES = ("REPLAY", "BEGUN", "STATUS", "BY", "LETTERS", "OUTCOMES", "REASON")


def replay_lines(replays: Sequence[Replay]) -> list[str]:
    """Return one line per replay, the newest first."""
    rows = [
        (
            replay.replay_id,
            moment(replay.created_at),
            replay.status.lower(),
            one_line(replay.requested_by),
            f"{replay.total:,}",
            state_line(replay.counts),
            one_line(replay.reason),
        )
        for replay in replays
    ]
    return table(TITLES, rows)


def entry_lines(replay: Replay, entries: Sequence[ReplayEntry]) -> list[str]:
    """Return everything that is kept about a replay."""
    ended = moment(replay.finished_at) if replay.finished_at else None
    pairs = [
        ("asked for by", replay.requested_by),
        ("reason", replay.reason),
        ("begun", moment(replay.created_at)),
        ("ended", ended),
        ("letters", filter_text(replay.filters)),
        ("per second", f"{replay.pace.per_second:g}"),
    ]
    rows = [
        (
            entry.message_id,
            entry.new_message_id or "-",
            entry.group_id,
            entry.origin.value,
            entry.forecast.value,
            entry.state.value,
            one_line(entry.outcome or "-"),
        )
        for entry in entries
    ]
    titles = ("LETTER", "SENT AS", "GROUP", "QUEUE", "PLANNED", "STATE", "WHAT HAPPENED")
    return [*end_lines(replay, entries), "", *fields(pairs), "", *table(titles, rows)]


def filter_text(filters: ReplayFilter) -> str:
    """Return a filter as words; `all` where it is none."""
    told = [
        ("queue", filters.origin),
        ("group", filters.group_id),
        ("tenant", filters.tenant_id),
        ("site", filters.site_id),
        ("operation", filters.operation_id),
        ("older than", _age(filters.older_than_seconds)),
        ("named", f"{len(filters.message_ids)}" if filters.message_ids else None),
        ("at most", None if filters.limit is None else str(filters.limit)),
    ]
    return ", ".join(f"{name} {value}" for name, value in told if value) or "all"


def _age(seconds: int | None) -> str | None:
    return None if seconds is None else f"{seconds} s"
