"""A queue without a name: of the notifier, and of the wake-ups. Visibility as SQS has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(eq=False, kw_only=True)
class Parcel:
    """One message."""

    body: str
    visible_at: datetime
    receives: int = 0
    message_id: str = ""
    """Given at the first receive; every redelivery has it again."""


@dataclass(kw_only=True)
class Inbox:
    """Hands out whatever is visible; an outdated receipt changes nothing."""

    parcels: list[Parcel] = field(default_factory=list)

    def put(self, body: str, visible_at: datetime) -> None:
        """Add a message."""
        self.parcels.append(Parcel(body=body, visible_at=visible_at))

    def visible(self, now: datetime) -> Iterator[Parcel]:
        """Yield what can be received."""
        return (parcel for parcel in self.parcels if parcel.visible_at <= now)

    def moments(self) -> Iterator[datetime]:
        """Yield when messages can be received."""
        return (parcel.visible_at for parcel in self.parcels)

    def take(self, parcel: Parcel, hidden_until: datetime) -> int:
        """Receive a message; return the receipt."""
        parcel.receives += 1
        parcel.visible_at = hidden_until
        return parcel.receives

    def delete(self, parcel: Parcel, receipt: int) -> None:
        """Acknowledge a message."""
        if parcel in self.parcels and parcel.receives == receipt:
            self.parcels.remove(parcel)

    def show(self, parcel: Parcel, receipt: int, at: datetime) -> None:
        """Let a message be received again from then on."""
        if parcel.receives == receipt:
            parcel.visible_at = at
