"""The screen of `sitefleet status`, and the same for programs. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from core.domain.notices import Notice
from core.domain.operation import Operation
from events.formats import format_timestamp
from events.vocabulary import OperationStatus
from ops.letters import DEAD_LETTER_QUEUES
from ops.picture import Line, next_command
from ops.reading import Part, Unknown
from ops.status.dead_letters import LetterGroup
from ops.status.evidence import Operations, QueueDepth, Status
from ops.wording import duration, moment, one_line, table

MOST_LISTED: Final = 8
"""Operations at work, and groups of dead letters, that the screen has room for."""
DEAD: Final = frozenset({"operations-dlq", "undeliverable", "parked"})
_GOOD: Final = "green"
_BAD: Final = "bold red"
_DOUBT: Final = "yellow"


def status_lines(status: Status) -> list[Line]:
    """Return the whole screen."""
    return [
        Line(text=f"{status.environment} at {moment(status.at)}", style="bold"),
        *_section("Queues", _queues(status)),
        *_section("Operations", _operations(status)),
        *_section("Dead letters", _letters(status)),
        *_section("Last notifications", _notices(status.notices)),
    ]


def status_document(status: Status) -> dict[str, Any]:
    """Return the same for programs; a part that could not be read is `{"unknown": why}`."""
    return {
        "environment": status.environment,
        "at": format_timestamp(status.at),
        "queues": {name: _queue_document(part) for name, part in status.queues.items()},
        "operations": _operations_document(status.operations, status.at),
        "deadLetters": _list_document(status.letters, _group_document),
        "notifications": _list_document(status.notices, notice_document),
    }


def notice_document(notice: Notice) -> dict[str, Any]:
    """Return one announcement or mail for programs."""
    return {
        "announcedAt": format_timestamp(notice.announced_at),
        "eventId": notice.event_id,
        "eventType": notice.event_type,
        "outcome": notice.outcome,
        "severity": notice.severity,
        "tenantId": notice.tenant_id,
        "siteId": notice.site_id,
        "operationId": notice.operation_id,
        "correlationId": notice.correlation_id,
        "audience": notice.audience,
        "replayOf": notice.replay_of,
    }


# --- sections -------------------------------------------------------------------------------


def _section(title: str, lines: Sequence[Line]) -> list[Line]:
    indented = [Line(text=f"  {line.text}".rstrip(), style=line.style) for line in lines]
    return [Line(text=""), Line(text=title, style="bold"), *indented]


def _queues(status: Status) -> list[Line]:
    rows, styles = [], [""]
    for name, part in status.queues.items():
        if isinstance(part, Unknown):
            rows.append((name, "unknown", "", "", part.why))
            styles.append(_DOUBT)
            continue
        counts = (str(part.visible), str(part.in_flight), str(part.delayed))
        rows.append((name, *counts, _age(part)))
        styles.append(_BAD if name in DEAD and not part.is_empty else "")
    texts = table(("QUEUE", "VISIBLE", "IN FLIGHT", "DELAYED", "OLDEST"), rows)
    lines = [Line(text=text, style=style) for text, style in zip(texts, styles, strict=True)]
    if isinstance(status.ages, Unknown):
        lines.append(Line(text=f"ages are unknown: {status.ages.why}", style=_DOUBT))
    return lines


def _age(depth: QueueDepth) -> str:
    if depth.is_empty:
        return "-"
    return "unknown" if depth.oldest_seconds is None else duration(depth.oldest_seconds)


def _operations(status: Status) -> list[Line]:
    part = status.operations
    if isinstance(part, Unknown):
        return [_unknown(part)]
    return [_counts(part), *_still(part, status.at), *_at_work(part, status.at)]


def _counts(part: Operations) -> Line:
    least = "at least " if part.is_cut else ""
    told = ", ".join(f"{least}{number} {name}" for name, number in part.by_status.items())
    span = "day" if part.days == 1 else f"{part.days} days"
    return Line(text=f"accepted in the last {span}, or not ended yet: {told or 'none'}")


def _still(part: Operations, now: datetime) -> list[Line]:
    lines = []
    for operation in part.still:
        since = operation.stalled_since or operation.updated_at
        kind = "stalled"
        if operation.status is OperationStatus.ROLLBACK_FAILED:
            kind = "way back failed"
        why = operation.waiting_for or (operation.failure.message if operation.failure else "")
        stands = duration((now - since).total_seconds())
        lines.append(Line(text=f"{kind} for {stands}: {_about(operation)}", style=_BAD))
        lines += [Line(text=f"  {one_line(why)}")] if why else []
        lines.append(Line(text=f"  {next_command(operation)}"))
    return lines


def _at_work(part: Operations, now: datetime) -> list[Line]:
    shown = part.at_work[:MOST_LISTED]
    lines = []
    for operation in shown:
        since = operation.step_since or operation.updated_at
        for_ = duration((now - since).total_seconds())
        text = (
            f"{operation.status}: {_about(operation)}, at {operation.step or 'its end'} for {for_}"
        )
        lines.append(Line(text=text, style="cyan"))
    more = len(part.at_work) - len(shown)
    return [*lines, *([Line(text=f"and {more} more at work")] if more else [])]


def _about(operation: Operation) -> str:
    where = f"{operation.site_id} ({operation.tenant_id})"
    return f"{operation.operation_type} {operation.operation_id} of {where}"


def _letters(status: Status) -> list[Line]:
    part = status.letters
    if isinstance(part, Unknown):
        return [_unknown(part)]
    missed = _missed(status, {one.queue for one in part})
    if not part:
        return missed or [Line(text="none", style=_GOOD)]
    lines = [
        Line(
            text=f"{one.seen} in {one.queue}: {one.error_code or 'exhausted'} {one.reason}".rstrip()
        )
        for one in part[:MOST_LISTED]
    ]
    note = Line(text="(of the first letters that were looked at; nothing was taken)")
    return [*lines, *missed, note]


def _missed(status: Status, seen: Collection[str]) -> list[Line]:
    """Say which queues hold letters of which a look has shown none: hidden, or not found."""
    lines = []
    for name in DEAD_LETTER_QUEUES:
        queue = f"bbws-wp-{name}-{status.environment}"
        depth = status.queues.get(name.removeprefix("site-"))
        if isinstance(depth, QueueDepth) and not depth.is_empty and queue not in seen:
            there = depth.visible + depth.in_flight + depth.delayed
            more = f"sitefleet dlq list --env {status.environment}"
            text = f"{there} in {queue}, none seen in this look: {more}"
            lines.append(Line(text=text, style=_DOUBT))
    return lines


def _notices(part: Part[Sequence[Notice]]) -> list[Line]:
    if isinstance(part, Unknown):
        return [_unknown(part)]
    if not part:
        return [Line(text="none today or yesterday")]
    return [Line(text=text) for text in table(_NOTICE_TITLES, [_notice(one) for one in part])]


_NOTICE_TITLES: Final = ("ANNOUNCED", "WHAT", "OUTCOME", "SEVERITY", "SITE", "TENANT", "OPERATION")


def _notice(notice: Notice) -> tuple[str, ...]:
    outcome = notice.outcome or f"mail to {notice.audience}"
    if notice.audience is not None and not notice.reached:
        outcome = f"no address for {notice.audience}"
    return (
        moment(notice.announced_at),
        notice.event_type + (" (replay)" if notice.replay_of else ""),
        outcome,
        notice.severity or "-",
        notice.site_id or "-",
        notice.tenant_id,
        notice.operation_id or "-",
    )


def _unknown(part: Unknown) -> Line:
    return Line(text=f"unknown: {part.why}", style=_DOUBT)


# --- for programs ---------------------------------------------------------------------------


def _queue_document(part: Part[QueueDepth]) -> dict[str, Any]:
    if isinstance(part, Unknown):
        return {"unknown": part.why}
    return {
        "visible": part.visible,
        "inFlight": part.in_flight,
        "delayed": part.delayed,
        "oldestSeconds": part.oldest_seconds,
    }


def _operations_document(part: Part[Operations], now: datetime) -> dict[str, Any]:
    if isinstance(part, Unknown):
        return {"unknown": part.why}
    return {
        "days": part.days,
        "isCut": part.is_cut,
        "byStatus": dict(part.by_status),
        "stalled": [_operation_document(operation, now) for operation in part.still],
        "atWork": [_operation_document(operation, now) for operation in part.at_work],
    }


def _operation_document(operation: Operation, now: datetime) -> dict[str, Any]:
    since = operation.stalled_since or operation.step_since or operation.updated_at
    return {
        "operationId": operation.operation_id,
        "operationType": operation.operation_type,
        "tenantId": operation.tenant_id,
        "siteId": operation.site_id,
        "status": operation.status,
        "step": operation.step,
        "waitingFor": operation.waiting_for,
        "seconds": round((now - since).total_seconds(), 3),
        "nextCommand": next_command(operation),
    }


def _list_document(part: Part[Sequence[Any]], document: Any) -> Any:
    return {"unknown": part.why} if isinstance(part, Unknown) else [document(one) for one in part]


def _group_document(group: LetterGroup) -> dict[str, Any]:
    told = asdict(group)
    return {"queue": told["queue"], "errorCode": told["error_code"]} | {
        "reason": told["reason"],
        "seen": told["seen"],
    }
