"""The surroundings of jobs: secrets, records, bucket, mount, and job descriptions."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.adapters.aws.sites import DynamoSites
from core.domain.job_facts import JobResult
from core.domain.job_models import Database as JobDatabase
from core.domain.job_models import ObjectLocation
from core.domain.jobs import job_adapter
from core.domain.names import SiteNames
from core.domain.site import Release, ReleaseStatus, Site
from events.formats import Environment
from events.vocabulary import SiteStatus
from migrator.configuration import Configuration
from migrator.databases import Credentials
from migrator.run import run_job
from migrator.services import Services
from tests.migrator.servers import ADMIN_PASSWORD, ROOT, Database

TENANT, SITE = "tenant-1", "site-a"
OPERATION = "0f8e7d6c-5b4a-5321-8765-0123456789ab"
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
USER_PASSWORD = "s3cret-of-the-site\"'#\\"
ADMIN_SECRET = "bbws/cluster/admin"
WORDPRESS_PASSWORD = "wp-admin-pass-4711"


class FixedClock:
    def now(self) -> datetime:
        return NOW


@dataclass(kw_only=True)
class Fleet:
    """One environment's account as jobs see it."""

    clients: dict[str, Any]
    database: Database
    mount: Path
    environment: Environment = Environment.DEV
    bucket: str = "transfer"
    tls: str = "verify"
    ca: Path | None = None
    site_address: str = ""
    """Where the environment's load balancer answers."""
    wordpress_timeout_seconds: str = "300"
    aws: dict[str, str] = field(default_factory=dict)
    """Environment of processes that speak to the emulator."""

    def __post_init__(self) -> None:
        self.mount.mkdir(parents=True, exist_ok=True)
        s3, dynamodb = self.clients["s3"], self.clients["dynamodb"]
        s3.create_bucket(
            Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": "af-south-1"}
        )
        dynamodb.create_table(
            TableName="sites",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "PK", "KeyType": "HASH"},
                {"AttributeName": "SK", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "PK", "AttributeType": "S"},
                {"AttributeName": "SK", "AttributeType": "S"},
            ],
        )
        self.sites = DynamoSites(dynamodb, "sites")
        self.secret(ADMIN_SECRET, username="adm", password=ADMIN_PASSWORD)
        self.secret(self.names.database_secret, self.names.database_user, USER_PASSWORD)
        self.secret(self.names.admin_secret, "wpadmin", WORDPRESS_PASSWORD)

    @property
    def names(self) -> SiteNames:
        return SiteNames(environment=self.environment, tenant_id=TENANT, site_id=SITE)

    def secret(self, name: str, username: str, password: str) -> None:
        self.clients["secretsmanager"].create_secret(
            Name=name,
            SecretString=json.dumps(
                {
                    "host": "127.0.0.1",
                    "port": self.database.port,
                    "username": username,
                    "password": password,
                }
            ),
        )

    def environ(self) -> dict[str, str]:
        return {
            "MIGRATOR_ENVIRONMENT": self.environment,
            "MIGRATOR_SITES_TABLE": "sites",
            "MIGRATOR_TEMPLATES_BUCKET": f"{self.bucket}-templates",
            "MIGRATOR_MOUNT_PATH": str(self.mount),
            "MIGRATOR_DATABASE_ADMIN_SECRET": ADMIN_SECRET,
            "MIGRATOR_DATABASE_CA": str(self.ca or self.database.ca),
            "MIGRATOR_DATABASE_TLS": self.tls,
            "MIGRATOR_WORDPRESS_PATH": "/usr/share/wordpress",
            "MIGRATOR_SITE_ADDRESS": self.site_address,
            "MIGRATOR_WORDPRESS_TIMEOUT_SECONDS": self.wordpress_timeout_seconds,
        }

    def configuration(self) -> Configuration:
        return Configuration.from_environ(self.environ())

    def services(self) -> Services:
        return Services(self.configuration(), FixedClock())

    def site_credentials(self) -> Credentials:
        return self.services().databases.credentials(self.names.database_secret)

    def own_schema(self, schema: str, user: str = "") -> None:
        """Make an empty schema that the site's user owns, as the platform would have."""
        user = user or self.names.database_user
        connection = self.database.root()
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE `{schema}`")
            cursor.execute(
                "CREATE USER IF NOT EXISTS %s@'%%' IDENTIFIED BY %s", (user, USER_PASSWORD)
            )
            cursor.execute("ALTER USER %s@'%%' IDENTIFIED BY %s", (user, USER_PASSWORD))
            cursor.execute(f"GRANT ALL ON `{schema}`.* TO %s@'%%'", (user,))
        connection.close()

    def record(self, *, live: int | None, version: int = 1, **release: object) -> None:
        """Write the records of the site and its live release."""
        stored = self.sites.get(TENANT, SITE)
        site = Site(
            tenant_id=TENANT, site_id=SITE, environment=self.environment, site_name="Shop",
            subdomain="shop", status=SiteStatus.ACTIVE, version=version, live_release=live,
            last_release=live or 0, created_at=NOW, updated_at=NOW,
        )  # fmt: skip
        self.sites.put(site, expected_version=stored.version if stored else None)
        if live is None:
            return
        names = self.names.release(live)
        facts: dict[str, Any] = {"schema": names.schema, "content_root": names.content_root}
        self.sites.put_release(
            Release(
                tenant_id=TENANT, site_id=SITE, number=live, status=ReleaseStatus.LIVE,
                operation_id=OPERATION, image_digest="sha256:" + "0" * 64, created_at=NOW,
                updated_at=NOW, **(facts | release),
            )
        )  # fmt: skip

    # --- jobs ---

    def describe(self, kind: str, **fields: object) -> str:
        """Write a job description; return its s3:// location."""
        job = {
            "kind": kind, "operationId": OPERATION, "step": kind, "attempt": 1,
            "tenantId": TENANT, "siteId": SITE, "correlationId": "corr-1",
            "result": {"bucket": self.bucket, "key": "jobs/result.json"},
        } | fields  # fmt: skip
        text = job_adapter.dump_json(job_adapter.validate_python(job), by_alias=True)
        self.clients["s3"].put_object(Bucket=self.bucket, Key="jobs/job.json", Body=text)
        return f"s3://{self.bucket}/jobs/job.json"

    def run(self, kind: str, **fields: object) -> JobResult:
        """Do a job, at the emulator in a process of its own; return the result it has written."""
        location = self.describe(kind, **fields)
        if self.aws:
            program = self.start("run", location)
            program.communicate()
            assert program.returncode == 0
        else:
            assert run_job(self.services(), location) == 0
        return self.result()

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start the program as a process of its own, at the emulator."""
        return subprocess.Popen(
            [sys.executable, "-m", "migrator", *arguments],
            env={"PATH": os.environ["PATH"]} | self.environ() | self.aws,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, **options,
        )  # fmt: skip

    def result(self) -> JobResult:
        answer = self.clients["s3"].get_object(Bucket=self.bucket, Key="jobs/result.json")
        return JobResult.model_validate_json(answer["Body"].read())

    def done(self, kind: str, **fields: object) -> dict[str, Any]:
        result = self.run(kind, **fields)
        assert result.error is None, result.error
        return dict(result.facts)

    def failed(self, kind: str, **fields: object) -> Any:
        result = self.run(kind, **fields)
        assert result.error is not None, result.facts
        assert result.facts == {}
        return result.error

    def at(self, key: str) -> ObjectLocation:
        return ObjectLocation(bucket=self.bucket, key=key)

    def job_database(self, release: int) -> JobDatabase:
        return JobDatabase(
            secret_id=self.names.database_secret, schema_name=self.names.release(release).schema
        )

    def content(self, release: int) -> Path:
        return self.mount / self.names.release(release).content_root.lstrip("/")
