"""The three accounts, and typed clients of the emulator in each, with its administrator's rights.

The runtime plays what AWS itself does (load balancers, the ECS agent) and the platform's owners.
Functions, jobs and people have credentials of their own, and IAM holds them to their policies.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, cast

import boto3
import botocore.loaders
import botocore.session
from botocore.config import Config

from local.emulator import REGION

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
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
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient

SECRET_KEY = "local"  # noqa: S105  (the account's number is its administrator's access key)
type EnvironmentName = Literal["dev", "sit", "prod"]


@dataclass(frozen=True, kw_only=True)
class Account:
    """One environment's AWS account."""

    environment: EnvironmentName
    account_id: str
    domain: str
    source: EnvironmentName | None
    """Where promotions into this environment come from."""

    @property
    def label(self) -> str:
        """Return the first label of the domain: wpdev, wpsit or wp."""
        return self.domain.partition(".")[0]


ACCOUNTS: dict[EnvironmentName, Account] = {
    "dev": Account(
        environment="dev", account_id="536580886816", domain="wpdev.kimmyai.io", source=None
    ),
    "sit": Account(
        environment="sit", account_id="815856636111", domain="wpsit.kimmyai.io", source="dev"
    ),
    "prod": Account(
        environment="prod", account_id="093646564004", domain="wp.kimmyai.io", source="sit"
    ),
}

_making_clients = threading.Lock()
_CONFIGURATION = Config(
    connect_timeout=5,
    read_timeout=30,
    max_pool_connections=32,
    retries={"mode": "standard", "max_attempts": 3},
    s3={"addressing_style": "path"},
)


class Cloud:
    """One account as the emulator plays it; clients are made when first used."""

    def __init__(
        self, account: Account, endpoint: str, loader: botocore.loaders.Loader | None = None
    ) -> None:
        self.account = account
        self.endpoint = endpoint
        core = botocore.session.Session()
        core.register_component("data_loader", loader or botocore.loaders.create_loader())
        self._session = boto3.Session(
            aws_access_key_id=account.account_id,
            aws_secret_access_key=SECRET_KEY,
            region_name=REGION,
            botocore_session=core,
        )

    @cached_property
    def cloudformation(self) -> CloudFormationClient:
        """CloudFormation."""
        return cast("CloudFormationClient", self._make("cloudformation"))

    @cached_property
    def cloudwatch(self) -> CloudWatchClient:
        """CloudWatch metrics."""
        return cast("CloudWatchClient", self._make("cloudwatch"))

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """DynamoDB."""
        return cast("DynamoDBClient", self._make("dynamodb"))

    @cached_property
    def ec2(self) -> Any:
        """VPCs, subnets and security groups (no type stubs are installed for it)."""
        return self._make("ec2")

    @cached_property
    def ecr(self) -> ECRClient:
        """The container registry."""
        return cast("ECRClient", self._make("ecr"))

    @cached_property
    def ecs(self) -> ECSClient:
        """Tasks and services."""
        return cast("ECSClient", self._make("ecs"))

    @cached_property
    def efs(self) -> EFSClient:
        """File systems and access points."""
        return cast("EFSClient", self._make("efs"))

    @cached_property
    def elbv2(self) -> ElasticLoadBalancingv2Client:
        """Load balancers, listener rules, target groups."""
        return cast("ElasticLoadBalancingv2Client", self._make("elbv2"))

    @cached_property
    def events(self) -> EventBridgeClient:
        """EventBridge."""
        return cast("EventBridgeClient", self._make("events"))

    @cached_property
    def iam(self) -> IAMClient:
        """Users, roles and their policies."""
        return cast("IAMClient", self._make("iam"))

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        """CloudWatch Logs."""
        return cast("CloudWatchLogsClient", self._make("logs"))

    @cached_property
    def rds(self) -> RDSClient:
        """Database clusters and their snapshots."""
        return cast("RDSClient", self._make("rds"))

    @cached_property
    def route53(self) -> Route53Client:
        """DNS."""
        return cast("Route53Client", self._make("route53"))

    @cached_property
    def s3(self) -> S3Client:
        """S3."""
        return cast("S3Client", self._make("s3"))

    @cached_property
    def secretsmanager(self) -> SecretsManagerClient:
        """Secrets."""
        return cast("SecretsManagerClient", self._make("secretsmanager"))

    @cached_property
    def sesv2(self) -> SESV2Client:
        """Mail."""
        return cast("SESV2Client", self._make("sesv2"))

    @cached_property
    def ssm(self) -> Any:
        """Parameter Store (no type stubs are installed for it)."""
        return self._make("ssm")

    @cached_property
    def sqs(self) -> SQSClient:
        """Queues."""
        return cast("SQSClient", self._make("sqs"))

    @cached_property
    def sts(self) -> STSClient:
        """Role credentials."""
        return cast("STSClient", self._make("sts"))

    def _make(self, service: str) -> Any:
        """Sessions are not safe to make clients from in several threads at once."""
        make: Any = self._session.client
        with _making_clients:
            return make(service, endpoint_url=self.endpoint, config=_CONFIGURATION)


def clouds(endpoint: str) -> dict[EnvironmentName, Cloud]:
    """Return all three accounts; they share one loader, which reads each service model once."""
    loader = botocore.loaders.create_loader()
    return {name: Cloud(account, endpoint, loader) for name, account in ACCOUNTS.items()}
