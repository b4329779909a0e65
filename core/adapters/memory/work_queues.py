"""Twin of the queues: delay, visibility, receive counts and dead letters, as SQS keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from core.adapters.memory.world import StoredMessage, World
from core.adapters.oversized import overflow_of
from core.domain.errors import SitefleetError
from core.ports.messaging import DeadLetter, QueueName

MAX_DELAY_SECONDS = 900
MAX_ATTRIBUTES = 10


class MemoryQueues:
    """The fleet's side (the port) and the consumer's side (receive, delete, change visibility)."""

    def __init__(
        self, world: World, *, visibility_seconds: int = 360, max_receive_count: int = 5
    ) -> None:
        self.world = world
        self.visibility_seconds = visibility_seconds
        self.max_receive_count = max_receive_count

    def send(self, queue: QueueName, body: str, *, delay_seconds: int, tenant_id: str) -> None:
        if not 0 <= delay_seconds <= MAX_DELAY_SECONDS:
            raise SitefleetError(
                f"A delay of {delay_seconds} s is not between 0 and {MAX_DELAY_SECONDS} s: "
                "chain the waits instead."
            )
        self.world.queues[queue].append(self._message(body, tenant_id, delay_seconds))

    def dead_letter(self, letter: DeadLetter) -> None:
        if len(letter.attributes) > MAX_ATTRIBUTES:
            raise SitefleetError(
                f"A message may have {MAX_ATTRIBUTES} attributes, not {len(letter.attributes)}."
            )
        overflow = overflow_of(letter.body, self.world.transfer_bucket)
        if overflow is not None:
            self.world.objects[overflow.key] = overflow.content
        body = letter.body if overflow is None else overflow.pointer_body
        self.world.dead_letters.append(self._message(body, "", 0, letter.attributes))

    def dead_letters(self) -> int:
        return len(self.world.dead_letters)

    # --- the consumer's side -------------------------------------------------------------

    def receive(self, queue: QueueName, *, limit: int = 1) -> Sequence[StoredMessage]:
        """Hand out visible messages, oldest first, each hidden for the visibility timeout.

        A message that has been received too often goes to the dead-letter queue, without a reason.
        """
        taken: list[StoredMessage] = []
        for message in list(self.world.queues[queue]):
            if len(taken) == limit:
                break
            if message.visible_at > self.world.clock.now():
                continue
            if message.receive_count >= self.max_receive_count:
                self._bury(queue, message)
            else:
                taken.append(self._hand_out(message))
        return taken

    def delete(self, queue: QueueName, receipt: str) -> None:
        """Acknowledge; an outdated receipt deletes nothing."""
        messages = self.world.queues[queue]
        messages[:] = [m for m in messages if m.receipt != receipt]

    def change_visibility(self, queue: QueueName, receipt: str, seconds: int) -> None:
        """Show a received message again after so many seconds."""
        for message in self.world.queues[queue]:
            if message.receipt == receipt:
                message.visible_at = self.world.clock.now() + timedelta(seconds=seconds)

    # --- helpers ---------------------------------------------------------------------------

    def _message(
        self, body: str, tenant_id: str, delay: int, attributes: Mapping[str, str] | None = None
    ) -> StoredMessage:
        now = self.world.clock.now()
        return StoredMessage(
            message_id=self.world.ids.new_id(),
            body=body,
            tenant_id=tenant_id,
            sent_at=now,
            visible_at=now + timedelta(seconds=delay),
            attributes=dict(attributes or {}),
        )

    def _hand_out(self, message: StoredMessage) -> StoredMessage:
        message.receive_count += 1
        message.receipt = f"{message.message_id}/{message.receive_count}"
        message.visible_at = self.world.clock.now() + timedelta(seconds=self.visibility_seconds)
        return message

    def _bury(self, queue: QueueName, message: StoredMessage) -> None:
        self.world.queues[queue].remove(message)
        message.receipt, message.source = None, queue.value
        self.world.dead_letters.append(message)
