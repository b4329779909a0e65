"""The mailer behind its subscription of the topic, on memory twins."""

from __future__ import annotations

from core.adapters.memory.boundary import Crashed
from core.adapters.memory.mail import MemoryMail
from core.adapters.memory.tenants import MemoryTenants
from core.adapters.memory.world import World
from core.bootstrap import mail_templates
from core.domain.creation_mail import MAILED, Footer
from core.domain.policy import Policy
from core.engine.mailer import Mailer, MailRoom
from core.engine.message import Acknowledged, QueueMessage
from core.ports.operation_store import OperationStore
from events.notifications import Notification
from simulation.ports import Wrap

FOOTER = Footer(
    postal_address="1 Example Street, Cape Town", unsubscribe_url="https://example.com/unsubscribe"
)
INTERNAL_ADDRESS = "operations@example.com"


class MailDesk:
    """The queue, its filter, and the function that empties it."""

    def __init__(self, world: World, store: OperationStore, policy: Policy, *, wrap: Wrap) -> None:
        self._world = world
        self._queue: list[Notification] = []
        self.mailer = Mailer(
            store=store,
            tenants=wrap("tenants", MemoryTenants(world)),
            mail=wrap("mail", MemoryMail(world)),
            clock=world.clock,
            room=MailRoom(
                templates=mail_templates(),
                policy=policy.mail,
                footer=FOOTER,
                internal=(INTERNAL_ADDRESS,),
            ),
        )

    def __len__(self) -> int:
        """How many messages wait."""
        return len(self._queue)

    @property
    def waiting(self) -> bool:
        """Whether there is something to handle."""
        return bool(self._queue)

    def deliver(self, notification: Notification) -> None:
        """Take what the subscription's filter lets through, as SNS delivers it."""
        if notification.event_type in MAILED:
            self._queue.append(notification)

    def work(self) -> bool:
        """Handle the next message; False when there is none."""
        if not self._queue:
            return False
        message = QueueMessage(
            message_id=self._queue[0].event_id,
            body=self._queue[0].default_json(),
            receive_count=1,
            queue=None,
        )
        try:
            disposition = self.mailer.handle(message)
        except (Crashed, Exception):  # noqa: BLE001 - the message stays on the mailer's queue
            return True
        if isinstance(disposition, Acknowledged):
            self._queue.pop(0)
        return True
