"""Taking letters from their queues, and telling how many of them could not be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.domain.letters import Box, Letter
from core.domain.replays import ReplayFilter
from core.letter_room import LetterRoom
from core.ports.clock import Clock
from ops.desk import Desk
from ops.dlq.choosing import Chosen
from ops.wording import count


@dataclass(frozen=True, kw_only=True)
class Look:
    """The letters that are meant, taken from their queues."""

    letters: list[Letter]
    unseen: int
    """About how many letters lie there besides, on somebody else's desk."""
    since: datetime
    """When they began to be hidden from others."""


def take(room: LetterRoom, clock: Clock, filters: ReplayFilter, boxes: Sequence[Box]) -> Look:
    """Take the letters that are meant; whoever calls this gives them back, or moves them.

    SQS takes its time to tell what is hidden from what is visible: only the sum of both is
    compared with what was seen.
    """
    depths = [room.letters.depth(box) for box in boxes]
    since, seen = clock.now(), [0]
    letters = room.desk.collect(filters, boxes, watch=seen.append)
    lying = sum(depth.visible + depth.hidden for depth in depths)
    named = len(set(filters.message_ids))
    all_found = bool(named) and len(letters) == named
    unseen = 0 if all_found else max(0, lying - seen[-1])
    return Look(letters=letters, unseen=unseen, since=since)


def look(desk: Desk, room: LetterRoom, chosen: Chosen, limit: int | None = None) -> list[Letter]:
    """Take letters and give them back: they are looked at, and change nothing."""
    found = take(room, desk.clock, chosen.filters(limit), chosen.boxes)
    room.desk.give_back(found.letters)
    tell_unseen(desk, found)
    return found.letters


def tell_unseen(desk: Desk, found: Look) -> None:
    """Say how many letters nothing was done with, because somebody else has them."""
    if found.unseen:
        desk.say(
            f"{count(found.unseen, 'letter')} more cannot be seen: somebody looks at or replays "
            "them now; they show again within minutes."
        )


def tell_hidden(desk: Desk, hidden: int) -> None:
    """Say how many letters the replayer function may not see, because somebody else has them."""
    if hidden:
        desk.say(
            f"About {count(hidden, 'letter')} may be missed: somebody looks at or replays them "
            "now. Look for them when it has finished: sitefleet dlq list"
        )
