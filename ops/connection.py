"""One environment of the fleet as the command line uses it: two tables, its queues, who I am.

Names are the contract's ("Resources"); none of the functions' SITEFLEET_* variables is needed.
"""

from __future__ import annotations

import getpass
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from boto3.session import Session
from botocore.exceptions import BotoCoreError, ClientError

from core.adapters.aws.decisions import DynamoDecisions
from core.adapters.aws.errors import calling, code_of
from core.adapters.aws.failures import DynamoFailures
from core.adapters.aws.operations import DynamoOperations
from core.adapters.aws.session import client_config
from core.adapters.aws.sites import DynamoSites
from core.adapters.aws.tenants import DynamoTenants
from core.adapters.aws.transfer import MISSING
from core.domain.errors import ConfigurationError, SitefleetError
from core.domain.operation import AttemptFailure
from core.ports.messaging import QueueName
from events.formats import Environment
from ops.place import DEFAULT_REGION, Place

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient

SITES_TABLE: Final = "sites"
TENANTS_TABLE: Final = "tenants"
_NOT_OF_A_REQUESTER: Final = re.compile(r"[^A-Za-z0-9._:/+=@,-]")
_MOST_LETTERS: Final = 10
"""SQS: messages of one receive."""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """Where a request goes, and as whose."""

    queue: QueueName
    body: str
    tenant_id: str
    """The message group of the fair queue."""


class Connection:
    """Clients are made when they are first used."""

    def __init__(self, place: Place, environment: Environment) -> None:
        self.place = place
        self.environment = environment

    @cached_property
    def operations(self) -> DynamoOperations:
        table = f"bbws-wp-operations-{self.environment}"
        return DynamoOperations(client=self._dynamodb, table_name=table)

    @cached_property
    def decisions(self) -> DynamoDecisions:
        table = f"bbws-wp-operations-{self.environment}"
        return DynamoDecisions(client=self._dynamodb, table_name=table)

    @cached_property
    def sites(self) -> DynamoSites:
        return DynamoSites(self._dynamodb, SITES_TABLE)

    @cached_property
    def tenants(self) -> DynamoTenants:
        return DynamoTenants(self._dynamodb, TENANTS_TABLE)

    def send(self, letter: Letter) -> str:
        """Send to a workflow queue; return the message's id."""
        name = f"bbws-wp-site-{letter.queue}-{self.environment}"
        with calling("SQS", f"queue {name}"):
            answer = self._sqs.send_message(
                QueueUrl=self._sqs.get_queue_url(QueueName=name)["QueueUrl"],
                MessageBody=letter.body,
                MessageGroupId=letter.tenant_id,
            )
        return answer["MessageId"]

    def refusal(self, message_id: str) -> str | None:
        """Return why the fleet refused a message, if its dead letter is among the first seen.

        Looking leaves the letters where they are; who may not look simply learns no reason.
        """
        name = f"bbws-wp-site-operations-dlq-{self.environment}"
        try:
            with calling("SQS", f"queue {name}"):
                answer = self._sqs.receive_message(
                    QueueUrl=self._sqs.get_queue_url(QueueName=name)["QueueUrl"],
                    MaxNumberOfMessages=_MOST_LETTERS,
                    VisibilityTimeout=0,
                    MessageAttributeNames=["All"],
                )
        except SitefleetError:
            return None
        for letter in answer.get("Messages", []):
            attributes = letter.get("MessageAttributes", {})
            texts = {key: value.get("StringValue", "") for key, value in attributes.items()}
            if texts.get("messageId") == message_id:
                return f"{texts.get('errorCode', '')}: {texts.get('reason', '')}"
        return None

    def failures(self, operation_id: str) -> Sequence[AttemptFailure]:
        """Return the failed attempts of an operation, oldest first."""
        table = f"bbws-wp-operations-{self.environment}"
        failures = DynamoFailures(client=self._dynamodb, table_name=table)
        return failures.of_operation(operation_id)

    def identity(self) -> str | None:
        """Return who is asking: the caller's ARN, or on one machine the user's name."""
        if self.place.is_one_machine:
            return requester_of(_user_name())
        with calling("STS", "the caller's identity"):
            return requester_of(self._sts.get_caller_identity()["Arn"])

    @property
    def region(self) -> str:
        return self.session.region_name or DEFAULT_REGION

    def document(self, key: str) -> str | None:
        """Return a text that the fleet has kept for people; None where there is none."""
        bucket = f"bbws-transfer-{self.environment}"
        with calling("S3", f"s3://{bucket}/{key}"):
            try:
                answer = self._s3.get_object(Bucket=bucket, Key=key)
            except ClientError as error:
                if code_of(error) in MISSING:
                    return None
                raise
            return answer["Body"].read().decode()

    def client(self, service: Any) -> Any:
        """Return a client for what only a look at AWS itself can tell."""
        return self._client(service)

    def document_keys(self, prefix: str) -> list[str]:
        """Return the keys of the kept texts below a prefix."""
        bucket = f"bbws-transfer-{self.environment}"
        with calling("S3", f"s3://{bucket}/{prefix}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            return [item["Key"] for page in pages for item in page.get("Contents", [])]

    # --- clients ---------------------------------------------------------------------------

    @cached_property
    def _sqs(self) -> SQSClient:
        client: SQSClient = self._client("sqs")
        return client

    @cached_property
    def _dynamodb(self) -> DynamoDBClient:
        client: DynamoDBClient = self._client("dynamodb")
        return client

    @cached_property
    def _s3(self) -> S3Client:
        client: S3Client = self._client("s3")
        return client

    @cached_property
    def _sts(self) -> STSClient:
        client: STSClient = self._client("sts")
        return client

    def _client(self, service: Any) -> Any:
        return self.session.client(
            service, endpoint_url=self.place.endpoint_url, config=client_config()
        )

    @cached_property
    def session(self) -> Session:
        key = self.place.key(self.environment)
        try:
            session = Session(
                profile_name=self.place.profile,
                region_name=self.place.region,
                aws_access_key_id=key.access_key_id if key else None,
                aws_secret_access_key=key.secret_access_key if key else None,
            )
            if not session.region_name:
                session = Session(profile_name=self.place.profile, region_name=DEFAULT_REGION)
        except BotoCoreError as error:
            raise ConfigurationError(
                f"The AWS profile cannot be used: {error}. Choose another one with --profile."
            ) from error
        return session


def requester_of(text: str) -> str | None:
    """Return it in the characters that requestedBy may have."""
    return _NOT_OF_A_REQUESTER.sub("-", text).lstrip("._:/+=@,-")[:256] or None


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
