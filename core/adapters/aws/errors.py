"""The one place where AWS errors become the fleet's errors.

Throttling, timeouts, 5xx and conflicts are worth trying again (TransientError); a refused
permission and everything else is not. Texts name service, operation and resource, never a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
)
from botocore.exceptions import ConnectionError as AwsConnectionError

from core.domain.errors import SitefleetError, TransientError

TRANSIENT_CODES: Final = frozenset(
    {
        "ConcurrentModification",
        "ConcurrentModificationException",
        "ConflictException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncorrectFileSystemLifeCycleState",
        "InternalError",
        "InternalFailure",
        "OperationAborted",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "ResourceInUse",
        "ServerException",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
        "UpdateInProgressException",
    }
)
"""From the error lists of the services' API references; 5xx, 409 and 429 count without a name."""

NOT_VISIBLE_YET: Final = "InvalidGroup.NotFound"
"""Wrapped only: ECS is told ids of groups that are there, and EC2 may not show new ones at once."""

DENIED_CODES: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "UnauthorizedOperation",
        "NotAuthorized",
    }
)

_TRANSIENT_STATUSES: Final = frozenset({408, 409, 425, 429})
_SERVER_ERROR: Final = 500
_MESSAGE_LIMIT: Final = 400
_WRAPPED: Final = re.compile(r"\(ErrorCode: ([\w.]+)\)")
"""ECS asks EC2 and hides its answer: InvalidParameterException: ... (ErrorCode: ...)."""


def code_of(error: ClientError) -> str:
    """Return the error code of an AWS answer, for example ResourceNotFoundException."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


@contextmanager
def calling(service: str, resource: str) -> Iterator[None]:
    """Translate what botocore raises inside this block; `resource` says what the call is about."""
    try:
        yield
    except ClientError as error:
        raise _answered(error, service, resource) from error
    except (HTTPClientError, AwsConnectionError) as error:
        raise TransientError(
            f"{service} did not answer about {resource} ({type(error).__name__})."
        ) from error
    except NoCredentialsError as error:
        raise SitefleetError(f"There are no AWS credentials to ask {service} with.") from error
    except BotoCoreError as error:
        raise SitefleetError(
            f"The call to {service} about {resource} was not sent ({type(error).__name__})."
        ) from error


def _answered(error: ClientError, service: str, resource: str) -> SitefleetError:
    code = code_of(error)
    message = str(error.response.get("Error", {}).get("Message", ""))[:_MESSAGE_LIMIT]
    call = f"{service} {error.operation_name} on {resource}"
    if code in DENIED_CODES:
        return SitefleetError(
            f"The fleet's role may not do {call}: {code}: {message} Grant it in the template."
        )
    if code in TRANSIENT_CODES or _is_transient_status(error) or _wraps_a_transient_one(error):
        return TransientError(f"{call} did not succeed this time: {code}: {message}")
    return SitefleetError(f"{call} was refused: {code}: {message}")


def _is_transient_status(error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= _SERVER_ERROR or status in _TRANSIENT_STATUSES


def _wraps_a_transient_one(error: ClientError) -> bool:
    message = str(error.response.get("Error", {}).get("Message", ""))
    return any(
        code in TRANSIENT_CODES or code == NOT_VISIBLE_YET for code in _WRAPPED.findall(message)
    )
