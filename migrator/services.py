"""The outside services of a job: AWS clients under the task's own role, made when first needed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from core.adapters.aws.catalogue import DynamoCatalogue
from core.adapters.aws.sites import DynamoSites
from migrator.databases import Databases
from migrator.pointer import RulePointer
from migrator.writing import writing_session

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from core.ports.catalogue import Catalogue
    from core.ports.clock import Clock
    from core.ports.sites import SiteStore
    from migrator.configuration import Configuration
    from migrator.pointer import Pointer

_RETRIES = Config(
    retries={"mode": "standard", "max_attempts": 5}, connect_timeout=10, read_timeout=60
)

_QUICKLY = Config(
    retries={"mode": "standard", "max_attempts": 2}, connect_timeout=2, read_timeout=4
)


class Services:
    """What jobs reach the outside world through."""

    def __init__(self, configuration: Configuration, clock: Clock) -> None:
        self.configuration = configuration
        self.clock = clock

    @cached_property
    def s3(self) -> S3Client:
        """S3, for job descriptions, results, dumps and content."""
        return boto3.client("s3", config=_RETRIES)

    def writer(self, operation_id: str) -> S3Client:
        """S3 for what an operation writes: with rights that end at its own prefixes."""
        role = self.configuration.writer_role
        if not role:
            return self.s3
        return writing_session(role, operation_id).client("s3", config=_RETRIES)

    @cached_property
    def secrets(self) -> SecretsManagerClient:
        """Secrets Manager: the only source of credentials."""
        return boto3.client("secretsmanager", config=_RETRIES)

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """DynamoDB, for the records of sites and releases."""
        return boto3.client("dynamodb", config=_RETRIES)

    @cached_property
    def sites(self) -> SiteStore:
        """The sites table of this account."""
        return DynamoSites(self.dynamodb, self.configuration.required("sites_table"))

    @cached_property
    def catalogue(self) -> Catalogue:
        """Templates and plugins that sites may have."""
        return DynamoCatalogue(
            self.dynamodb,
            table_name=self.configuration.required("sites_table"),
            bucket=self.configuration.required("templates_bucket"),
        )

    @cached_property
    def pointer(self) -> Pointer:
        """The pointers of this account's sites; it answers or fails while writers wait."""
        return RulePointer(boto3.client("elbv2", config=_QUICKLY))

    @cached_property
    def databases(self) -> Databases:
        """Connections to MySQL or MariaDB, with TLS as configured."""
        return Databases(self.secrets, self.configuration.tls())
