"""Why a job does not succeed: one error with what the fleet needs to decide, and the stop."""

from __future__ import annotations

from core.domain.errors import SitefleetError
from events.vocabulary import ErrorCode

PASSING_SQL_ERRORS = frozenset(
    {0, 1040, 1053, 1203, 1205, 1213, 1290, 1317, 1836, 1927, 2002, 2003, 2006, 2013, 2055}
)
"""Error numbers of a database that pass by themselves: a connection that was lost or killed (0 is
PyMySQL's for one that is closed), a server that stops, restarts or fails over (1290 and 1836: the
writer has become a reader), too many connections, lock waits and deadlocks."""


class JobFailure(SitefleetError):  # noqa: N818 - it is the job that failed; the error reports it
    """A job could not do its work; the message says what, where, and what to do next.

    `retryable` tells whether the same job may succeed when it is run again.
    """

    def __init__(
        self, message: str, *, code: ErrorCode = ErrorCode.SYS_001, retryable: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.retryable = retryable


class Refusal(JobFailure):
    """A job asks for something that this program never does (a foreign schema, a path outside)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code=ErrorCode.SITE_001, retryable=False)


class Stopped(BaseException):
    """SIGTERM arrived. Not an Exception: no cleanup on the way may mistake it for a failure."""
