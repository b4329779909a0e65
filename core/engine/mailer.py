"""The mailer: hears the topic as any subscriber does, and writes to people.

SNS delivers at least once; each mail has a mark of its own, named after the fact and its audience,
so that a customer gets one mail per fact. As with announcements, the mark is closed after the mail
has gone: a worker that dies in between sends it again rather than never.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from core.domain.creation_mail import Audience, Footer, audiences_of, creation_mail, mail_mark
from core.domain.errors import SitefleetError
from core.domain.mail_policy import MailPolicy
from core.domain.mail_template import MailTemplate
from core.domain.notices import Notice
from core.domain.replays import Fate
from core.engine.message import Acknowledged, Disposition, QueueMessage, TryAgain, backoff_seconds
from core.ports.announcements import ANNOUNCING, Mark
from core.ports.clock import Clock
from core.ports.mail import Letter, Mail
from core.ports.operation_store import OperationStore
from core.ports.sites import Tenant, TenantDirectory
from events.announcements import Announcement, read_announcement
from events.formats import UNKNOWN

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class MailRoom:
    """What every mail needs beside its fact."""

    templates: Mapping[str, MailTemplate]
    policy: MailPolicy
    footer: Footer
    internal: tuple[str, ...] = field(repr=False)
    """Addresses of the platform's own people."""


class Mailer:
    """Turns announcements into mail."""

    def __init__(
        self,
        *,
        store: OperationStore,
        tenants: TenantDirectory,
        mail: Mail,
        clock: Clock,
        room: MailRoom,
    ) -> None:
        self._store = store
        self._tenants = tenants
        self._mail = mail
        self._clock = clock
        self._room = room

    def handle(self, message: QueueMessage) -> Disposition:
        """Write what one announcement calls for.

        Raises DecodeError for a body that is none: the queue's dead-letter queue keeps it.
        """
        heard = read_announcement(message.body)
        structlog.contextvars.bind_contextvars(
            operationId=heard.payload.operation_id,
            step=heard.payload.step,
            attempt=None,
            tenantId=heard.payload.tenant_id,
            siteId=heard.payload.site_id,
            correlationId=heard.correlation_id,
        )
        audiences = audiences_of(heard)
        if not audiences:
            log.info("ignoring_announcement", eventType=heard.event_type.value)
        try:
            written = [self._write_once(heard, one, message.message_id) for one in audiences]
        except SitefleetError as error:
            log.warning("failing_attempt", exceptionType=type(error).__name__, exc_info=error)
            return TryAgain(after_seconds=backoff_seconds(message.receive_count, None))
        if Mark.TAKEN in written:
            return TryAgain(after_seconds=int(ANNOUNCING.total_seconds()))
        mails = written.count(Mark.MINE)
        fate = Fate.ANNOUNCED if mails else Fate.NOTHING
        return Acknowledged(fate=fate, why=f"{mails} mails were written.")

    def _write_once(self, heard: Announcement, audience: Audience, message_id: str) -> Mark:
        """Write one mail, unless it is written already or a copy of the message is at it."""
        mark = mail_mark(heard.event_id, audience)
        answer = self._store.announce(mark, self._clock.now(), by=message_id)
        if answer is not Mark.MINE:
            log.info("skipping_mail", eventId=heard.event_id, audience=audience.value, why=answer)
            return answer
        letter = self._letter(heard, audience)
        if letter.to:
            self._mail.send(letter)
            log.info("sending_mail", eventId=heard.event_id, audience=audience.value)
        else:
            log.warning("missing_address", eventId=heard.event_id, audience=audience.value)
        self._store.announced(
            Notice(
                mark=mark,
                event_id=heard.event_id,
                event_type=heard.event_type.value,
                correlation_id=heard.correlation_id,
                tenant_id=heard.payload.tenant_id or UNKNOWN,
                site_id=heard.payload.site_id,
                operation_id=heard.payload.operation_id,
                audience=audience.value,
                reached=bool(letter.to),
                announced_at=self._clock.now(),
            )
        )
        return answer

    def _letter(self, heard: Announcement, audience: Audience) -> Letter:
        room, tenant = self._room, self._tenants.get(heard.payload.tenant_id or "")
        redirected = audience is Audience.CUSTOMER and not room.policy.to_customers
        facts = creation_mail(
            heard,
            footer=room.footer,
            policy=room.policy,
            organization_name=tenant.organization_name if tenant else None,
            redirected=redirected,
        )
        content = room.templates[audience.template].render(facts.values())
        return Letter(
            to=self._addresses(audience, tenant),
            subject=content.subject,
            html=content.html,
            text=content.text,
        )

    def _addresses(self, audience: Audience, tenant: Tenant | None) -> tuple[str, ...]:
        if audience is Audience.INTERNAL or not self._room.policy.to_customers:
            return self._room.internal
        return (tenant.email,) if tenant and tenant.email else ()
