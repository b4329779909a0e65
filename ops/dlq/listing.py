"""`sitefleet dlq list`: dead letters by what failed, as people and programs read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from core.domain.letters import Box
from core.ports.dead_letters import DeadLetters, Depth
from core.replay.desk import LetterGroup
from events.formats import format_timestamp
from ops.wording import count, duration, one_line, table

TITLES = ("GROUP", "LETTERS", "WORKFLOW", "STEP", "FAILURE", "OLDEST", "NEWEST", "TENANTS")
MOST_TENANTS = 3
MOST_MESSAGE_CHARACTERS = 110


def group_lines(groups: Sequence[LetterGroup], now: datetime) -> list[str]:
    """Return a table of groups, the message of each below its row."""
    rows = [_row(group, now) for group in groups]
    titles, *lines = table(TITLES, rows)
    messages = [f"          {_shortened(group.failure.message)}" for group in groups]
    pairs = zip(lines, messages, strict=True)
    return [titles, *(line for pair in pairs for line in pair)]


def total_line(groups: Sequence[LetterGroup]) -> str:
    """Return how many there are, and where they lie."""
    boxes: Counter[str] = Counter()
    for group in groups:
        boxes.update(group.boxes)
    where = ", ".join(f"{number:,} {box}" for box, number in sorted(boxes.items()))
    return f"{count(sum(boxes.values()), 'letter')} in {count(len(groups), 'group')}: {where}."


def list_document(
    groups: Sequence[LetterGroup], depths: Mapping[Box, Depth], now: datetime
) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "letters": sum(group.count for group in groups),
        "boxes": {
            box: {"visible": depth.visible, "hidden": depth.hidden} for box, depth in depths.items()
        },
        "groups": [group_document(group, now) for group in groups],
    }


def group_document(group: LetterGroup, now: datetime) -> dict[str, Any]:
    """Return one group."""
    return {
        "groupId": group.group_id,
        "count": group.count,
        "workflow": group.failure.workflow,
        "step": group.failure.step,
        "failure": group.failure.exception,
        "message": group.failure.message,
        "kinds": dict(group.kinds),
        "boxes": dict(group.boxes),
        "tenants": dict(group.tenants),
        "oldest": format_timestamp(group.oldest),
        "newest": format_timestamp(group.newest),
        "oldestAgeSeconds": round((now - group.oldest).total_seconds()),
        "exampleMessageId": group.example.message_id,
    }


def depths_of(letters: DeadLetters) -> dict[Box, Depth]:
    """Return how many messages each box holds, as SQS estimates it."""
    return {box: letters.depth(box) for box in Box}


def _row(group: LetterGroup, now: datetime) -> tuple[str, ...]:
    return (
        group.group_id,
        f"{group.count:,}",
        one_line(group.failure.workflow),
        one_line(group.failure.step),
        one_line(group.failure.exception),
        duration((now - group.oldest).total_seconds()),
        duration((now - group.newest).total_seconds()),
        _tenants(group.tenants),
    )


def _tenants(tenants: Mapping[str, int]) -> str:
    most = sorted(tenants, key=lambda name: (-tenants[name], name))
    named = ", ".join(one_line(name) for name in most[:MOST_TENANTS])
    more = len(most) - MOST_TENANTS
    return f"{named} and {more} more" if more > 0 else named


def _shortened(message: str) -> str:
    text = one_line(message)
    return text if len(text) <= MOST_MESSAGE_CHARACTERS else f"{text[:MOST_MESSAGE_CHARACTERS]}..."
