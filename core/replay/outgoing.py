"""How a dead letter is sent again: its own body and attributes, and the stamps that say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.domain.errors import SitefleetError
from core.domain.letter_moving import moved_attributes
from core.domain.letter_reading import original_attributes
from core.domain.letters import (
    CORRECTION_OF,
    MOST_ATTRIBUTES,
    PARKED_BY,
    PARKED_REASON,
    REPLAY_COUNT,
    REPLAY_ID,
    REPLAY_OF,
    STAMPS,
    Attribute,
    Letter,
    RawLetter,
)
from core.ports.dead_letters import Outgoing

_ROOM: Final = MOST_ATTRIBUTES - 3


def replayed(letter: Letter, replay_id: str) -> Outgoing:
    """Return the message that repeats a letter, with the attributes that it had at first."""
    stamps = {
        REPLAY_ID: Attribute(value=replay_id),
        REPLAY_OF: Attribute(value=letter.message_id),
        REPLAY_COUNT: Attribute(value=str(letter.replay_count + 1), data_type="Number"),
    }
    return Outgoing(
        body=letter.raw.body,
        attributes={**_senders(letter), **stamps},
        group=letter.raw.group or letter.tenant_id,
    )


def corrected(letter: Letter, body: str) -> Outgoing:
    """Return a message with a corrected body, linked to the letter that it corrects."""
    stamp = {CORRECTION_OF: Attribute(value=letter.message_id)}
    return Outgoing(
        body=body,
        attributes={**_senders(letter), **stamp},
        group=letter.raw.group or letter.tenant_id,
    )


def parked(letter: Letter, *, reason: str, by: str) -> Outgoing:
    """Return a letter as it is put aside: unchanged, with who did it and why."""
    return moved(letter.raw, {PARKED_REASON: reason, PARKED_BY: by})


def moved(raw: RawLetter, why: Mapping[str, str]) -> Outgoing:
    """Return a letter for another place: all that it was goes with it."""
    return Outgoing(body=raw.body, attributes=moved_attributes(raw, why), group=raw.group)


def _senders(letter: Letter) -> dict[str, Attribute]:
    """What the sender had set; the stamps of earlier replays give way to the new ones."""
    kept = {n: a for n, a in original_attributes(letter.raw).items() if n not in STAMPS}
    if len(kept) > _ROOM:
        raise SitefleetError(
            f"Message {letter.message_id} has {len(kept)} attributes of its own; with the three "
            f"that mark a replay it would have more than the {MOST_ATTRIBUTES} of SQS. Send it "
            "by hand: sitefleet dlq export."
        )
    return kept
