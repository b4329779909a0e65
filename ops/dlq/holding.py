"""Letters that stay on the desk for as long as somebody works on them.

SQS hides a letter for some minutes. After that it is anybody's: to delete it with the old receipt
does nothing, and a letter that was put somewhere else meanwhile would lie in both places.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final, Self

from core.domain.letters import Letter
from core.domain.replays import ReplayFilter
from core.letter_room import LetterRoom
from core.ports.clock import Clock
from core.replay.desk import HIDE_SECONDS
from ops.dlq.looking import Look

HIDDEN: Final = timedelta(seconds=HIDE_SECONDS)
KEEP: Final = HIDDEN / 2
"""After so long the letters are hidden anew, before they show again by themselves."""


class Hold:
    """Letters that were taken, and are given back when it is left, those that were not moved."""

    def __init__(self, room: LetterRoom, clock: Clock, taken: Look) -> None:
        self._desk = room.desk
        self._clock = clock
        self._since = taken.since
        self._letters = {letter.message_id: letter for letter in taken.letters}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._desk.give_back(self._letters.values())

    def get(self, message_id: str) -> Letter | None:
        """Return a letter that can be deleted now; None: it is gone, or on another's desk."""
        held_for = self._clock.now() - self._since
        if held_for >= HIDDEN:
            self._take_anew()
        elif held_for > KEEP:
            self._since = self._clock.now()
            self._desk.keep(self._letters.values(), HIDE_SECONDS)
        return self._letters.get(message_id)

    def each(self) -> Iterator[Letter]:
        """Yield one letter after the other, to be moved; those that are gone are left out."""
        for message_id in list(self._letters):
            letter = self.get(message_id)
            if letter is not None:
                yield letter
                del self._letters[message_id]

    def _take_anew(self) -> None:
        """Everybody could take them meanwhile: only those that are seen again are this desk's."""
        self._since = self._clock.now()
        boxes = sorted({letter.raw.box for letter in self._letters.values()})
        found = self._desk.collect(ReplayFilter(message_ids=tuple(self._letters)), boxes)
        self._letters = {letter.message_id: letter for letter in found}
