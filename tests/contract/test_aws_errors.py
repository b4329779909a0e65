"""What AWS says, and what the fleet makes of it."""

from __future__ import annotations

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)

from core.adapters.aws.errors import calling
from core.domain.errors import SitefleetError, TransientError

RESOURCE = "queue update"
WRAPPED = (
    "RunTask: Error retrieving security group information for [sg-1]: Request limit exceeded. "
    "(ErrorCode: {})"
)
"""How ECS passes on what EC2 has answered."""


def answered(code: str, status: int = 400, message: str = "details.") -> ClientError:
    response = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "SendMessage")  # type: ignore[arg-type]


def translated(error: Exception) -> SitefleetError:
    with pytest.raises(SitefleetError) as caught, calling("SQS", RESOURCE):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        answered("ThrottlingException"),
        answered("RequestThrottled"),
        answered("ProvisionedThroughputExceededException"),
        answered("SlowDown", 503),
        answered("InternalFailure", 500),
        answered("AnythingElse", 502),
        answered("AnythingElse", 409),
        answered("TooManyRequestsException", 429),
        answered("ExpiredTokenException"),
        answered("TransactionConflictException"),
        answered("InvalidParameterException", 400, WRAPPED.format("RequestLimitExceeded")),
        answered("InvalidParameterException", 400, WRAPPED.format("InvalidGroup.NotFound")),
        answered("ClientException", 400, "x" * 500 + WRAPPED.format("Throttling")),
        ReadTimeoutError(endpoint_url="https://sqs.example"),
        ConnectTimeoutError(endpoint_url="https://sqs.example"),
        EndpointConnectionError(endpoint_url="https://sqs.example"),
    ],
    ids=str,
)
def test_what_is_worth_trying_again(error: Exception):
    found = translated(error)
    assert isinstance(found, TransientError)
    assert RESOURCE in str(found)


@pytest.mark.parametrize(
    "error",
    [
        answered("ValidationException"),
        answered("InvalidGroup.NotFound"),
        answered("InvalidParameterException", 400, "RequestLimitExceeded"),
        answered("InvalidParameterException", 400, WRAPPED.format("InvalidSubnetID.NotFound")),
        answered("AWS.SimpleQueueService.NonExistentQueue"),
        ParamValidationError(report="Invalid type for parameter, value: hunter2"),
        NoCredentialsError(),
    ],
    ids=str,
)
def test_what_is_not(error: Exception):
    found = translated(error)
    assert not isinstance(found, TransientError)
    assert "hunter2" not in str(found)


def test_a_refused_permission_is_named_with_its_resource():
    message = "User: arn:aws:sts::1:assumed-role/x is not authorized to perform: sqs:SendMessage."
    found = translated(answered("AccessDeniedException", 403, message))
    assert not isinstance(found, TransientError)
    assert str(found) == (
        "The fleet's role may not do SQS SendMessage on queue update: AccessDeniedException: "
        f"{message} Grant it in the template."
    )


def test_the_sentence_names_service_operation_and_resource():
    assert str(translated(answered("ThrottlingException"))) == (
        "SQS SendMessage on queue update did not succeed this time: ThrottlingException: details."
    )


def test_what_is_not_of_aws_passes():
    with pytest.raises(KeyError), calling("SQS", RESOURCE):
        raise KeyError("mine")
