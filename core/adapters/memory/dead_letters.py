"""Twin of the dead-letter queues and the parking queue, as an operator's tool sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import Final

from core.adapters.memory.world import StoredMessage, World
from core.domain.errors import SitefleetError
from core.domain.letter_reading import origin_of
from core.domain.letters import MOST_ATTRIBUTES, Attribute, Box, Origin, RawLetter
from core.ports.dead_letters import Depth, Outgoing
from core.ports.messaging import QueueName

BATCH: Final = 10
"""SQS: messages of one receive."""


class MemoryDeadLetters:
    """See core.ports.dead_letters.DeadLetters."""

    def __init__(
        self, world: World, *, deliver: Callable[[Origin, StoredMessage], None] | None = None
    ) -> None:
        self._world = world
        self._deliver = deliver or self._keep

    def receive(self, box: Box, *, hide_seconds: int) -> Sequence[RawLetter]:
        now = self._world.clock.now()
        taken = list(islice((m for m in self._box(box) if m.visible_at <= now), BATCH))
        for message in taken:
            message.receive_count += 1
            message.receipt = f"{message.message_id}/{message.receive_count}"
            message.visible_at = now + timedelta(seconds=hide_seconds)
        return [_raw(message, box) for message in taken]

    def give_back(self, letters: Sequence[RawLetter]) -> None:
        self.keep(letters, hide_seconds=0)

    def keep(self, letters: Sequence[RawLetter], *, hide_seconds: int) -> None:
        now = self._world.clock.now()
        receipts = {letter.receipt for letter in letters}
        for box in {letter.box for letter in letters}:
            for message in self._box(box):
                if message.receipt in receipts:
                    message.visible_at = now + timedelta(seconds=hide_seconds)

    def delete(self, letters: Sequence[RawLetter]) -> None:
        receipts = {letter.receipt for letter in letters}
        for box in {letter.box for letter in letters}:
            messages = self._box(box)
            messages[:] = [m for m in messages if m.receipt not in receipts]

    def depth(self, box: Box) -> Depth:
        now, messages = self._world.clock.now(), self._box(box)
        visible = sum(1 for message in messages if message.visible_at <= now)
        return Depth(visible=visible, hidden=len(messages) - visible)

    def send(self, to: Origin | Box, message: Outgoing) -> str:
        if len(message.attributes) > MOST_ATTRIBUTES:
            raise SitefleetError(
                f"A message may have {MOST_ATTRIBUTES} attributes, not {len(message.attributes)}."
            )
        now = self._world.clock.now()
        told = {name: a for name, a in message.attributes.items() if a.value}
        stored = StoredMessage(
            message_id=self._world.ids.new_id(),
            body=message.body,
            tenant_id=message.group or "",
            sent_at=now,
            visible_at=now,
            attributes={name: a.value for name, a in told.items()},
            data_types={name: a.data_type for name, a in told.items() if not _text(a)},
        )
        if isinstance(to, Box):
            self._box(to).append(stored)
        elif to.is_workflow:
            self._world.queues[QueueName(to.value)].append(stored)
        else:
            self._deliver(to, stored)
        return stored.message_id

    def _keep(self, origin: Origin, message: StoredMessage) -> None:
        self._world.side_queues.setdefault(origin.value, []).append(message)

    def _box(self, box: Box) -> list[StoredMessage]:
        match box:
            case Box.OPERATIONS:
                return self._world.dead_letters
            case Box.UNDELIVERABLE:
                return self._world.undeliverable
            case Box.PARKED:
                return self._world.parked


def attributes_of(message: StoredMessage) -> Mapping[str, Attribute]:
    """Return a stored message's attributes with their data types."""
    return {
        name: Attribute(value=value, data_type=message.data_types.get(name, "String"))
        for name, value in message.attributes.items()
    }


def _text(attribute: Attribute) -> bool:
    return attribute.data_type == "String"


def _raw(message: StoredMessage, box: Box) -> RawLetter:
    return RawLetter(
        message_id=message.message_id,
        box=box,
        body=message.body,
        attributes=attributes_of(message),
        sent_at=message.sent_at,
        source=origin_of(message.source),
        group=message.tenant_id or None,
        receipt=message.receipt or "",
    )
