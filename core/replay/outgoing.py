"""How a dead letter is sent again: its own body and attributes, and the stamps that say so."""

from __future__ import annotations

from collections.abc import Mapping

from core.domain.letter_moving import moved_attributes
from core.domain.letter_stamps import senders_attributes
from core.domain.letters import (
    CORRECTION_OF,
    PARKED_BY,
    PARKED_REASON,
    REPLAY_COUNT,
    REPLAY_ID,
    REPLAY_OF,
    Attribute,
    Letter,
    RawLetter,
)
from core.ports.dead_letters import Outgoing


def replayed(letter: Letter, replay_id: str) -> Outgoing:
    """Return the message that repeats a letter, with the attributes that it had at first."""
    stamps = {
        REPLAY_ID: Attribute(value=replay_id),
        REPLAY_OF: Attribute(value=letter.message_id),
        REPLAY_COUNT: Attribute(value=str(letter.replay_count + 1), data_type="Number"),
    }
    return Outgoing(
        body=letter.raw.body,
        attributes={**senders_attributes(letter), **stamps},
        group=letter.raw.group or letter.tenant_id,
    )


def corrected(letter: Letter, body: str) -> Outgoing:
    """Return a message with a corrected body, linked to the letter that it corrects."""
    stamp = {CORRECTION_OF: Attribute(value=letter.message_id)}
    return Outgoing(
        body=body,
        attributes={**senders_attributes(letter), **stamp},
        group=letter.raw.group or letter.tenant_id,
    )


def parked(letter: Letter, *, reason: str, by: str) -> Outgoing:
    """Return a letter as it is put aside: unchanged, with who did it and why."""
    return moved(letter.raw, {PARKED_REASON: reason, PARKED_BY: by})


def moved(raw: RawLetter, why: Mapping[str, str]) -> Outgoing:
    """Return a letter for another place: all that it was goes with it."""
    return Outgoing(body=raw.body, attributes=moved_attributes(raw, why), group=raw.group)
