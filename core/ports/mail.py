"""Mail to people outside the fleet: what SNS e-mail cannot do, because it carries no HTML."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One mail in both forms. Addresses are personal data: they never show in a repr."""

    to: tuple[str, ...] = field(repr=False)
    subject: str
    html: str = field(repr=False)
    text: str = field(repr=False)


class Mail(Protocol):
    """The way out for mail."""

    def send(self, letter: Letter) -> None:
        """Send one mail; not idempotent, the caller keeps the mark of what was sent.

        Raises TransientError or SitefleetError, whose texts name no address: they are logged.
        """
        ...
