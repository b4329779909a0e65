"""A letter that a person has moved (parked, imported): what it was is kept in one attribute.

Moved by hand it would lose where SQS had it from, since when, and under which id its failures are
recorded; and its attributes with those that say who moved it may be more than SQS takes. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from core.domain.letter_attributes import pairs_of, read_pairs
from core.domain.letters import Attribute, Origin, RawLetter
from events.json_text import parse

MOVED_LETTER: Final = "movedLetter"
"""Attribute: the letter as it was before somebody moved it, without its body; JSON."""


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What a moved letter was."""

    message_id: str
    raw: RawLetter
    """With the attributes, the source and the time that it had."""


def moved_attributes(raw: RawLetter, why: Mapping[str, str]) -> dict[str, Attribute]:
    """Return the attributes of a letter at its new place; `why`: who moved it, and what for."""
    was = was_of(raw)
    kept = {
        "messageId": was.message_id,
        "source": was.raw.source,
        "sentAt": was.raw.sent_at.isoformat(),
        "attributes": pairs_of(was.raw.attributes),
    }
    text = json.dumps(kept, separators=(",", ":"), ensure_ascii=False)
    stamps = {name: Attribute(value=value) for name, value in why.items()}
    return {MOVED_LETTER: Attribute(value=text), **stamps}


def was_of(raw: RawLetter) -> Moved:
    """Return a letter as it was before somebody moved it; mostly as it is.

    What SQS itself has moved carries its sender's attributes, and no sender is believed here.
    """
    text = None if raw.source is not None else raw.text(MOVED_LETTER)
    if text is None:
        return Moved(message_id=raw.message_id, raw=raw)
    try:
        kept = parse(text)
        return Moved(message_id=str(kept["messageId"]), raw=_restored(raw, kept))
    except (ValueError, TypeError, KeyError, AttributeError):
        return Moved(message_id=raw.message_id, raw=raw)


def _restored(raw: RawLetter, kept: Mapping[str, Any]) -> RawLetter:
    return replace(
        raw,
        source=Origin(kept["source"]) if kept["source"] else None,
        sent_at=_with_zone(datetime.fromisoformat(kept["sentAt"])),
        attributes=read_pairs(kept["attributes"]),
    )


def _with_zone(moment: datetime) -> datetime:
    """A time without a zone compares with no other; such a mark is a broken one."""
    if moment.tzinfo is None:
        raise ValueError("no zone")
    return moment
