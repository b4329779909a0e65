"""What a mail about a creation can say: the variables of the templates, and where they come from.

No secret is among them: the administrator's password stays in the site's secret, and no mail
carries it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID, uuid5

from pydantic.alias_generators import to_camel

from core.domain.mail_policy import MailPolicy
from core.domain.mail_template import Values
from events.announcements import Announcement
from events.formats import Environment, format_timestamp
from events.vocabulary import NotificationType, OperationStatus

MAILED: Final = frozenset(
    {NotificationType.SITE_CREATION_COMPLETE, NotificationType.SITE_CREATION_FAILED}
)
"""What is told by mail: the filter of the mailer's subscription."""


class Audience(StrEnum):
    """Who reads a mail."""

    CUSTOMER = "customer"
    INTERNAL = "internal"

    @property
    def template(self) -> str:
        """The template's name, as the platform's catalogue of templates has it."""
        return f"site_creation_{self.value}"


def mail_mark(event_id: str, audience: Audience) -> str:
    """Return the id of a mail: each fact is written about once to each audience."""
    return str(uuid5(UUID(event_id), f"mail#{audience}"))


def audiences_of(heard: Announcement) -> tuple[Audience, ...]:
    """Return who is written to about a fact.

    Whoever cancels a creation knows it; and while its way back has failed, nothing certain can be
    told to a customer: people have to act first.
    """
    if heard.event_type not in MAILED or heard.payload.status is OperationStatus.CANCELLED:
        return ()
    if heard.payload.status is OperationStatus.ROLLBACK_FAILED:
        return (Audience.INTERNAL,)
    return tuple(Audience)


@dataclass(frozen=True, kw_only=True)
class Footer:
    """What the law asks for at the end of a mail."""

    postal_address: str
    unsubscribe_url: str


@dataclass(frozen=True, kw_only=True)
class CreationMail:
    """The variables, each under its camelCase name in the templates; None: not known here."""

    brand: str
    team: str
    postal_address: str
    unsubscribe_url: str
    environment: str
    is_test: bool
    """Whether the environment is not prod."""
    redirected: bool
    """Whether a customer's mail goes to the platform's own people instead."""
    succeeded: bool
    site: str
    """The site's host name, or its id where no name is known."""
    site_url: str | None
    admin_url: str | None
    duration: str | None
    finished_at: str
    organization_name: str | None
    tenant_id: str
    site_id: str
    operation_id: str
    correlation_id: str
    error_code: str | None
    error_message: str | None
    suggestion: str | None
    step: str | None
    next_command: str | None

    def values(self) -> Values:
        """Return the variables by their names in the templates."""
        return {to_camel(field.name): getattr(self, field.name) or None for field in fields(self)}


VARIABLES: Final = frozenset(to_camel(field.name) for field in fields(CreationMail))
"""Every name that a template may use."""


def creation_mail(
    heard: Announcement,
    *,
    footer: Footer,
    policy: MailPolicy,
    organization_name: str | None,
    redirected: bool,
) -> CreationMail:
    """Return what a mail about this fact can say."""
    payload = heard.payload
    error = payload.error
    return CreationMail(
        brand=policy.brand,
        team=policy.team,
        postal_address=footer.postal_address,
        unsubscribe_url=footer.unsubscribe_url,
        environment=payload.environment.value,
        is_test=payload.environment is not Environment.PROD,
        redirected=redirected,
        succeeded=heard.event_type is NotificationType.SITE_CREATION_COMPLETE,
        site=(urlsplit(payload.site_url).hostname if payload.site_url else payload.host_name)
        or payload.site_id
        or "unknown",
        site_url=payload.site_url,
        admin_url=payload.admin_url,
        duration=_duration(payload.duration_seconds),
        finished_at=format_timestamp(heard.timestamp)[:16].replace("T", " ") + " UTC",
        organization_name=organization_name,
        tenant_id=payload.tenant_id or "unknown",
        site_id=payload.site_id or "unknown",
        operation_id=payload.operation_id or "unknown",
        correlation_id=heard.correlation_id,
        error_code=error.code.value if error else None,
        error_message=error.message if error else None,
        suggestion=error.suggestion if error else None,
        step=_failed_step(heard),
        next_command=payload.next_command,
    )


# --- private -------------------------------------------------------------------------------


def _duration(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _failed_step(heard: Announcement) -> str | None:
    error = heard.payload.error
    step = error.details.get("step") if error else None
    return str(step) if step else heard.payload.step
