"""Sessions and clients: the only module that makes them, for this account and for the source's.

Clients are made when they are first asked for (the first costs 83 ms of a cold start, later ones
4 to 19 ms) and kept for the life of the process. Timeouts are short and attempts few, so that one
call ends within 45 s whatever happens and the function's 60 s hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

from boto3.session import Session
from botocore.config import Config

from core.adapters.aws.errors import calling
from core.domain.errors import ConfigurationError
from core.ports.clock import Clock

if TYPE_CHECKING:
    from mypy_boto3_acm import ACMClient
    from mypy_boto3_backup import BackupClient
    from mypy_boto3_cloudfront import CloudFrontClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_efs import EFSClient
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_rds import RDSClient
    from mypy_boto3_route53 import Route53Client
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import CredentialsTypeDef

CONNECT_TIMEOUT_SECONDS: Final = 3
READ_TIMEOUT_SECONDS: Final = 10
TOTAL_ATTEMPTS: Final = 3

ROLE_SESSION_SECONDS: Final = 900
"""The shortest session that STS gives."""
CREDENTIALS_KEPT_SECONDS: Final = 300
"""How long an assumed role is used again: within a step, never for long work."""


def client_config() -> Config:
    """Return the configuration of every client of the fleet."""
    return Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": TOTAL_ATTEMPTS},
        user_agent_extra="sitefleet",
    )


class AwsClients:
    """The clients of one account role, each made on first use.

    An operator's tool gives its own session, and its endpoint, instead of the process's.
    """

    def __init__(
        self,
        *,
        region: str,
        credentials: CredentialsTypeDef | None = None,
        session: Session | None = None,
        endpoint_url: str | None = None,
    ) -> None:
        self.region = region
        self._credentials = credentials
        self._given_session = session
        self._endpoint_url = endpoint_url

    @cached_property
    def backup(self) -> BackupClient:
        return self._session.client("backup", config=self._config, endpoint_url=self._endpoint_url)

    @cached_property
    def cloudfront(self) -> CloudFrontClient:
        return self._session.client(
            "cloudfront", config=self._config, endpoint_url=self._endpoint_url
        )

    @cached_property
    def cloudwatch(self) -> CloudWatchClient:
        return self._session.client(
            "cloudwatch", config=self._config, endpoint_url=self._endpoint_url
        )

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        return self._session.client(
            "dynamodb", config=self._config, endpoint_url=self._endpoint_url
        )

    @cached_property
    def ec2(self) -> EC2Client:
        return self._session.client("ec2", config=self._config, endpoint_url=self._endpoint_url)

    @cached_property
    def ecr(self) -> ECRClient:
        return self._session.client("ecr", config=self._config, endpoint_url=self._endpoint_url)

    @cached_property
    def ecs(self) -> ECSClient:
        return self._session.client("ecs", config=self._config, endpoint_url=self._endpoint_url)

    @cached_property
    def efs(self) -> EFSClient:
        return self._session.client("efs", config=self._config, endpoint_url=self._endpoint_url)

    @cached_property
    def acm(self) -> ACMClient:
        return self._session.client("acm", config=self._config, endpoint_url=self._endpoint_url)

    @cached_property
    def elbv2(self) -> ElasticLoadBalancingv2Client:
        return self._session.client("elbv2", config=self._config, endpoint_url=self._endpoint_url)

    @cached_property
    def events(self) -> EventBridgeClient:
        return self._session.client("events", config=self._config, endpoint_url=self._endpoint_url)

    @cached_property
    def iam(self) -> IAMClient:
        return self._session.client("iam", config=self._config, endpoint_url=self._endpoint_url)

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        return self._session.client("logs", config=self._config, endpoint_url=self._endpoint_url)

    @cached_property
    def rds(self) -> RDSClient:
        return self._session.client("rds", config=self._config, endpoint_url=self._endpoint_url)

    @cached_property
    def route53(self) -> Route53Client:
        return self._session.client("route53", config=self._config, endpoint_url=self._endpoint_url)

    @cached_property
    def s3(self) -> S3Client:
        return self._session.client("s3", config=self._config, endpoint_url=self._endpoint_url)

    @cached_property
    def secretsmanager(self) -> SecretsManagerClient:
        return self._session.client(
            "secretsmanager", config=self._config, endpoint_url=self._endpoint_url
        )

    @cached_property
    def sesv2(self) -> SESV2Client:
        return self._session.client("sesv2", config=self._config, endpoint_url=self._endpoint_url)

    @cached_property
    def sns(self) -> SNSClient:
        return self._session.client("sns", config=self._config, endpoint_url=self._endpoint_url)

    @cached_property
    def sqs(self) -> SQSClient:
        return self._session.client("sqs", config=self._config, endpoint_url=self._endpoint_url)

    @cached_property
    def sts(self) -> STSClient:
        return self._session.client("sts", config=self._config, endpoint_url=self._endpoint_url)

    @cached_property
    def _config(self) -> Config:
        return client_config()

    @cached_property
    def _session(self) -> Session:
        if self._given_session is not None:
            return self._given_session
        if self._credentials is None:
            return Session(region_name=self.region)
        return Session(
            region_name=self.region,
            aws_access_key_id=self._credentials["AccessKeyId"],
            aws_secret_access_key=self._credentials["SecretAccessKey"],
            aws_session_token=self._credentials["SessionToken"],
        )


@dataclass(frozen=True, kw_only=True)
class _Assumed:
    operation_id: str
    clients: AwsClients
    until: datetime


class SourceAccount:
    """The promotion's source account, entered by its role for one operation at a time."""

    def __init__(
        self, *, home: AwsClients, role_arn: str, external_id_secret: str, clock: Clock
    ) -> None:
        self._home = home
        self._role_arn = role_arn
        self._external_id_secret = external_id_secret
        self._clock = clock
        self._assumed: _Assumed | None = None

    def clients(self, operation_id: str) -> AwsClients:
        """Return clients whose role session is named after the operation (seen in CloudTrail)."""
        if not self._role_arn:
            raise ConfigurationError("This environment has no source account to promote from.")
        now = self._clock.now()
        kept = self._assumed
        if kept is None or kept.operation_id != operation_id or not now < kept.until:
            kept = _Assumed(
                operation_id=operation_id,
                clients=self._assume(operation_id),
                until=now + timedelta(seconds=CREDENTIALS_KEPT_SECONDS),
            )
            self._assumed = kept
        return kept.clients

    def _assume(self, operation_id: str) -> AwsClients:
        with calling("STS", f"role {self._role_arn}"):
            answer = self._home.sts.assume_role(
                RoleArn=self._role_arn,
                RoleSessionName=operation_id,
                ExternalId=self._external_id(),
                DurationSeconds=ROLE_SESSION_SECONDS,
            )
        return AwsClients(region=self._home.region, credentials=answer["Credentials"])

    def _external_id(self) -> str:
        """Read anew for each session: it may have been rotated."""
        with calling("Secrets Manager", f"secret {self._external_id_secret}"):
            answer = self._home.secretsmanager.get_secret_value(SecretId=self._external_id_secret)
        return answer["SecretString"]
