"""The one edge where an error becomes sentences on standard error and an exit code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

import typer
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
)

from core.adapters.aws.errors import DENIED_CODES
from core.domain.errors import ConfigurationError, NotFoundError, SitefleetError
from core.replay.replayer import NotStartedError
from ops.errors import BadInputError, ExitCode, NotTakenError, RequestRefusedError

_CODES: Final[Mapping[type[Exception], ExitCode]] = {
    BadInputError: ExitCode.BAD_INPUT,
    ConfigurationError: ExitCode.BAD_INPUT,
    RequestRefusedError: ExitCode.NOT_SUCCEEDED,
    NotTakenError: ExitCode.STALLED,
    NotFoundError: ExitCode.NOT_FOUND,
    NotStartedError: ExitCode.BAD_INPUT,
}
_ABSENT: Final = frozenset(
    {
        "ResourceNotFoundException",
        "AWS.SimpleQueueService.NonExistentQueue",
        "QueueDoesNotExist",
    }
)
_LACKING: Final = re.compile(r"not authorized to perform:? ([\w:-]+) on (?:resource:? )?(\S+)")
_STALE: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException"})

type Say = Callable[[str], None]


@contextmanager
def edge(say: Say, *, debug: bool) -> Iterator[None]:
    """Turn whatever is raised inside into sentences and typer.Exit; with debug, let it through."""
    try:
        yield
    except (typer.Exit, typer.Abort, BrokenPipeError):
        raise
    except KeyboardInterrupt:
        say("Interrupted. What was sent goes on: `sitefleet operations list` shows it.")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except Exception as error:
        # Nothing is behind this edge but the person at the terminal: a sentence, never a trace.
        if debug:
            raise
        say(sentence_of(error))
        raise typer.Exit(exit_code_of(error)) from None


def exit_code_of(error: Exception) -> ExitCode:
    """Return the exit code of an error's class."""
    found = (code for kind, code in _CODES.items() if isinstance(error, kind))
    return next(found, ExitCode.UNEXPECTED)


def sentence_of(error: Exception) -> str:
    """Say what happened, where, and what to do next."""
    for cause in _causes(error):
        told = _of_aws(cause, error)
        if told is not None:
            return told
    if isinstance(error, SitefleetError):
        return str(error)
    return (
        f"Something unexpected happened ({type(error).__name__}). "
        "Run the command again with --debug to see where."
    )


# --- inside ---------------------------------------------------------------------------------


def _causes(error: BaseException) -> Iterator[BaseException]:
    here: BaseException | None = error
    while here is not None:
        yield here
        here = here.__cause__


def _of_aws(cause: BaseException, error: Exception) -> str | None:
    match cause:
        case EndpointConnectionError() | ConnectTimeoutError():
            return _nobody_at(str(cause.kwargs.get("endpoint_url", "the endpoint")))
        case NoCredentialsError():
            return (
                "There are no AWS credentials. Name a profile (--profile or AWS_PROFILE), or "
                "start the one-machine runtime: sitefleet local up"
            )
        case ClientError():
            return _answered(str(cause.response.get("Error", {}).get("Code", "")), error)
        case BotoCoreError() if cause is error:
            return f"The call to AWS was not sent ({type(cause).__name__}). Check the flags."
        case _:
            return None


def _nobody_at(url: str) -> str:
    parts = urlsplit(url)
    if (parts.hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return f"Nothing answers at {url}; check the network and --region."
    place = f"{parts.scheme}://{parts.netloc}" if parts.netloc else url
    return f"Nothing answers at {place}; is the one-machine runtime up? sitefleet local up"


def _denied(error: Exception) -> str:
    """The right that is missing, as IAM names it; the operator's own, not a function's."""
    found = _LACKING.search(str(error))
    what = f"{found[1]} on {found[2]}" if found else str(error).replace("The fleet's role", "They")
    return (
        f"These credentials lack a right: {what}. Ask for it whoever looks after the account, or "
        "choose another profile with --profile."
    )


def _answered(code: str, error: Exception) -> str | None:
    if code in _ABSENT:
        return f"{error} Is the stack of --env deployed in the account of these credentials?"
    if code in DENIED_CODES:
        return _denied(error)
    if code in _STALE:
        return "The AWS credentials are no longer valid. Log in again, then repeat the command."
    return None
