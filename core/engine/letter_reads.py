"""What thousands of dead letters are about, so that it can be read in a few calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

from core.domain.creation_mail import audiences_of, mail_mark
from core.domain.letters import Letter, Origin
from core.ports.operation_store import SiteKey
from events import identity
from events.announcements import Announcement, read_announcement
from events.decode import DecodeError
from events.formats import Environment
from events.progress import FleetEvent, StepPoll, WakeUp
from events.rejections import OPERATION_TYPES
from events.requests import Request, effective_idempotency_key

NO_REQUESTS: Final = (DecodeError, FleetEvent, StepPoll, WakeUp)


def operations_of(letters: Sequence[Letter], environment: Environment) -> Iterator[str]:
    """Yield the operations that letters name, and those that requests among them would begin."""
    for letter in letters:
        if letter.operation_id is not None:
            yield letter.operation_id
        request = _begins(letter)
        tenant_id = getattr(request.payload, "tenant_id", None) if request else None
        if request is not None and tenant_id:
            key = effective_idempotency_key(request)
            yield identity.operation_id(environment, tenant_id, request.message_type, key)


def sites_of(letters: Sequence[Letter]) -> Iterator[SiteKey]:
    """Yield the sites of requests: each is looked at before anything begins."""
    for letter in letters:
        if _begins(letter) is not None and letter.tenant_id and letter.site_id:
            yield letter.tenant_id, letter.site_id


def marks_of(letters: Sequence[Letter]) -> Iterator[str]:
    """Yield the marks of the facts that letters on their way to subscribers and mails tell."""
    for letter in letters:
        if letter.origin is Origin.NOTIFIER and isinstance(letter.content, FleetEvent):
            yield letter.content.metadata.event_id
        elif letter.origin is Origin.MAILER:
            with suppress(DecodeError):
                yield from mail_marks(read_announcement(letter.raw.body))


def mail_marks(heard: Announcement) -> list[str]:
    """Return the marks of the mails about what a notification tells."""
    return [mail_mark(heard.event_id, audience) for audience in audiences_of(heard)]


def _begins(letter: Letter) -> Request | None:
    found = letter.content
    if isinstance(found, NO_REQUESTS) or found.message_type not in OPERATION_TYPES:
        return None
    return found
