"""Every error of the fleet: one root class, and the docstring of each is the operator's sentence.

Whether a failed attempt is worth repeating, and when, travels on the error (`retry_after_seconds`);
outcomes that a workflow expects (a refused plan, a failed check) are values, not exceptions.
"""

from __future__ import annotations

from collections.abc import Mapping

from events.vocabulary import ErrorCode


class SitefleetError(Exception):
    """Something in the fleet broke; the message says what, where, and what to do next."""

    code: ErrorCode = ErrorCode.SYS_001


class RefusedError(SitefleetError):
    """A request cannot be accepted: it is answered with a rejection and is not retried."""

    def __init__(
        self, code: ErrorCode, message: str, *, details: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details: Mapping[str, str] = details or {}


class TransientError(SitefleetError):
    """An outside service did not answer as it should; the same message is tried again later."""

    def __init__(self, message: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class UnfinishedError(TransientError):
    """The work did not fit into one step's time; it goes on where it stopped."""


class PublishError(TransientError):
    """Some events were not taken by the event bus; what is recorded will be published again."""


class LostClaimError(SitefleetError):
    """Another worker took over this operation while the step ran; this worker's result is void."""


class CancelRequestedError(SitefleetError):
    """A cancel arrived while the step ran; the record is derived again, with the way back."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Cancelled on request: {reason}")
        self.reason = reason


class WrongAccountError(SitefleetError):
    """The credentials at hand belong to another AWS account; nothing was done."""


class NotFoundError(SitefleetError):
    """What was looked for does not exist."""


class ConfigurationError(SitefleetError):
    """The fleet's configuration is incomplete or contradicts itself; deploy it again, corrected."""
