"""Who approved what: the proof is checked by AWS itself, the verdict is stored once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from core.domain.approval import Decision
from core.domain.proof import StsEndpoint


class CallerIdentity(Protocol):
    """The region's own STS endpoint, as the place where a signed proof is shown."""

    @property
    def endpoint(self) -> StsEndpoint:
        """Where proofs are shown; a proof has to be addressed to it."""
        ...

    def ask(self, headers: Mapping[str, str]) -> str:
        """Post GetCallerIdentity with these headers; return the caller's ARN.

        Fixed method, URL and body; no redirects. Raises RefusedError (PROM_003) when AWS refuses
        the signature, TransientError when it does not answer.
        """
        ...


class Decisions(Protocol):
    """Approvals and rejections, kept with their operation."""

    def put(self, decision: Decision) -> Decision:
        """Keep a decision; the same proof again gets the decision that is there already."""
        ...

    def of(self, operation_id: str) -> Sequence[Decision]:
        """Return an operation's decisions, oldest first, read consistently."""
        ...
