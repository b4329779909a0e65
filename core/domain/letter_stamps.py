"""What a letter's message had of its own, and whether the marks of a replay fit beside it. Pure."""

from __future__ import annotations

from typing import Final

from core.domain.letter_reading import original_attributes
from core.domain.letters import (
    MOST_ATTRIBUTES,
    REPLAY_COUNT,
    REPLAY_ID,
    REPLAY_OF,
    STAMPS,
    Attribute,
    Letter,
)

REPLAY_STAMPS: Final = (REPLAY_ID, REPLAY_OF, REPLAY_COUNT)


def senders_attributes(letter: Letter) -> dict[str, Attribute]:
    """Return what the sender had set; the stamps of earlier replays give way to new ones."""
    found = original_attributes(letter.raw)
    return {name: attribute for name, attribute in found.items() if name not in STAMPS}


def why_no_room(letter: Letter) -> str | None:
    """Say why a letter cannot bear the marks of a replay, and what to do; None where it can."""
    own, marks = len(senders_attributes(letter)), len(REPLAY_STAMPS)
    if own + marks <= MOST_ATTRIBUTES:
        return None
    return (
        f"It has {own} attributes of its own; with the {marks} that mark a replay it would have "
        f"more than the {MOST_ATTRIBUTES} that SQS takes. Send it by hand: sitefleet dlq export."
    )
