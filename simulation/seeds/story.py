"""What happened in a run, in order and with the virtual time: to be read, and to be compared."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime

from core.adapters.memory.world import StoredMessage
from core.engine.message import Acknowledged, Disposition
from core.ports.clock import Clock
from core.ports.messaging import QueueName
from events.progress import FleetEvent


@dataclass(kw_only=True)
class Story:
    """The lines of a run."""

    clock: Clock
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._began: datetime = self.clock.now()

    def tell(self, line: str) -> None:
        """Add a line with the time since the run began."""
        seconds = int((self.clock.now() - self._began).total_seconds())
        hours, rest = divmod(seconds, 3600)
        self.lines.append(f"{hours:>3}:{rest // 60:02}:{rest % 60:02}  {line}")

    def event(self, event: FleetEvent) -> None:
        """Tell of a published event."""
        meta = event.metadata
        at = f" {meta.phase} {meta.step}" if meta.step else ""
        self.tell(f"event {event.detail_type}{at} of {short(meta.operation_id)}")

    def receive(self, queue: QueueName, message: StoredMessage) -> None:
        """Tell of a message that is handed out."""
        self.tell(f"{queue} #{message.receive_count} {_about(message.body)}")

    def outcome(self, disposition: Disposition | None) -> None:
        """Tell what became of it."""
        if disposition is None or isinstance(disposition, Acknowledged):
            return
        self.tell(f"again in {disposition.after_seconds} s")

    @property
    def digest(self) -> str:
        """Return a hash of everything that was told."""
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()


def short(operation_id: str) -> str:
    """Return the beginning of an id, enough to tell a run's operations apart."""
    return operation_id[:8]


def _about(body: str) -> str:
    """Name a message in a few words."""
    try:
        message = json.loads(body)
    except ValueError:
        return f"unreadable body of {len(body)} characters"
    if not isinstance(message, dict):
        return f"a {type(message).__name__}"
    detail = message.get("detail", message)
    kind = message.get("detail-type") or message.get("messageType") or "body of no kind"
    if not isinstance(detail, dict):
        return str(kind)
    named = detail.get("metadata") or detail.get("payload") or detail
    if not isinstance(named, dict):
        return str(kind)
    parts = [named.get("operationId", "")[:8], named.get("siteId"), named.get("step")]
    parts += [detail.get("correlationId"), named.get("waitNumber")]
    return " ".join(str(part) for part in (kind, *parts) if part)
