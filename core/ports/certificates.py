"""Certificates of customers' own domains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """One certificate, issued or on its way."""

    arn: str
    issued: bool
    failure: str | None = None
    """Why it will never be issued."""
    operation_id: str | None = None
    """The operation that asked for it; None: somebody else did."""
    proofs: tuple[str, ...] = ()
    """What the owner of the domain has to put into the DNS, one record a line."""


class Certificates(Protocol):
    """AWS Certificate Manager in this account and region."""

    def find(self, names: tuple[str, ...]) -> Certificate | None:
        """Return a certificate for all these names, an issued one before one on its way."""
        ...

    def request(
        self, names: tuple[str, ...], operation_id: str, tags: Mapping[str, str]
    ) -> Certificate:
        """Ask for one, proved by DNS; a repetition for the same operation asks for no other."""
        ...

    def delete(self, arn: str) -> None:
        """Delete it; nothing there is fine. TransientError while a listener still uses it."""
        ...
