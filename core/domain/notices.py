"""What has been announced: kept with the mark that keeps a fact from being announced twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One announcement that has gone out, or one mail about it."""

    mark: str
    """What it is marked by: the fact's eventId, for a mail an id derived from that."""
    event_id: str
    event_type: str
    """A NotificationType."""
    outcome: str | None = None
    """A NotificationOutcome; a mail is only about one."""
    severity: str | None = None
    """A Severity; a mail has none."""
    correlation_id: str
    tenant_id: str
    site_id: str | None = None
    operation_id: str | None = None
    replay_of: str | None = None
    """Set where the fact comes from a dead letter that an operator has sent again."""
    audience: str | None = None
    """To whom a mail went; None: announced on the topic."""
    reached: bool = True
    """False for a mail that nobody has an address for."""
    announced_at: datetime
