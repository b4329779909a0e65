"""What the command line itself refuses, and the exit codes by class."""

from __future__ import annotations

from enum import IntEnum

from core.domain.errors import SitefleetError


class ExitCode(IntEnum):
    """What a script may go by; docs/reference/cli.md says the same."""

    COMPLETED = 0
    """The command did what was asked; a watched operation completed."""
    UNEXPECTED = 1
    """Something broke that the command has no sentence of its own for, AWS did not answer, or
    stored evidence is not what it should be."""
    BAD_INPUT = 2
    """A flag, a file or a value is wrong; nothing was sent."""
    NOT_SUCCEEDED = 3
    """The operation failed, was rolled back, cancelled or refused."""
    STALLED = 4
    """The operation does not move by itself any more: stalled, or its rollback failed."""
    NOT_FOUND = 5
    """There is no such operation or site."""
    INTERRUPTED = 130
    """Ctrl-C, as shells count it."""

    @property
    def meaning(self) -> str:
        """The line of the reference page."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.COMPLETED: "done; a watched operation completed",
    ExitCode.UNEXPECTED: (
        "unexpected: AWS did not answer or refused, stored evidence or a seal does not hold, or "
        "the program is wrong"
    ),
    ExitCode.BAD_INPUT: "bad input: a flag, file or value is wrong; nothing was sent",
    ExitCode.NOT_SUCCEEDED: "the operation failed, was rolled back, cancelled or refused",
    ExitCode.STALLED: "the operation stands still: stalled, or its rollback failed",
    ExitCode.NOT_FOUND: "there is no such operation or site",
    ExitCode.INTERRUPTED: "interrupted; a watched operation goes on",
}


class BadInputError(SitefleetError):
    """What was typed or given as a file cannot be used; nothing was sent."""


class RequestRefusedError(SitefleetError):
    """The fleet has read the request and does not accept it; nothing was done."""


class NotTakenError(SitefleetError):
    """A message was sent, and no consumer has taken it in time."""
