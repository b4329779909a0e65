"""The fleet's configuration: one frozen model, read from the environment once, at bootstrap."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from core.domain.errors import ConfigurationError
from core.domain.room import MOST_TARGET_GROUPS
from events.formats import Environment

PREFIX = "SITEFLEET_"
MAIL_PREFIX = "SITEFLEET_MAIL_"
LETTERS_PREFIX = "SITEFLEET_LETTERS_"


class LevelNetwork(BaseModel):
    """Where sites of one isolation level live: a JSON object, written by the network's own stack.

    The file system is the environment's: its name has to be known in this network, too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    vpc_id: str
    subnet_ids: str
    """Comma-separated."""
    security_group_ids: str
    """Comma-separated."""
    job_security_group_ids: str
    """Comma-separated."""
    listener_arn: str
    database_endpoint: str = ""
    """host:port; empty: the shared cluster's (level 2)."""
    database_admin_secret: str = ""

    @property
    def load_balancer_arn(self) -> str:
        """Follows from the listener's ARN: the entry stays short."""
        return load_balancer_of(self.listener_arn)


def load_balancer_of(listener_arn: str) -> str:
    """Return the load balancer of a listener: a function's variables may have 4 KB together."""
    parts = listener_arn.replace(":listener/", ":loadbalancer/").split("/")
    return "/".join(parts[:4])


def _of_json(value: object) -> object:
    return json.loads(value) if isinstance(value, str) and value else value or None


class Settings(BaseModel):
    """Each field is the environment variable SITEFLEET_<FIELD IN UPPER CASE> of the functions."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    environment: Environment
    account_id: str = Field(pattern=r"^\d{12}$")
    region: str = "af-south-1"
    site_domain: str
    """wpdev.kimmyai.io, wpsit.kimmyai.io or wp.kimmyai.io."""
    policy: str
    """Name of the policy file: dev, sit, prod, or local-dev, local-sit, local-prod."""

    operations_table: str
    sites_table: str
    tenants_table: str
    event_bus: str
    topic_arn: str
    transfer_bucket: str
    templates_bucket: str
    queue_url_creation: str
    queue_url_update: str
    queue_url_deletion: str
    queue_url_promotion: str
    queue_url_dlq: str

    cluster: str
    """ECS cluster of the sites and of the migrator."""
    repository: str
    """Name of the container repository of the WordPress image."""
    vpc_id: str
    subnet_ids: str
    """Comma-separated."""
    security_group_ids: str
    """Of the containers of every site; comma-separated. They let nobody in."""
    job_security_group_ids: str
    """Of the migrator's tasks; comma-separated. Every tenant's group lets them in."""
    listener_arn: str
    hosted_zone_id: str
    file_system_id: str
    database_endpoint: str
    """host:port of the Aurora cluster's writer."""
    database_admin_secret: str
    """Secret (name or ARN) with the administrator of the database cluster; read by the migrator."""
    migrator_family: str
    """Task definition family of the migrator in this account."""
    listener_rule_quota: int = 100
    """Rules per load balancer, default rules not counted (an AWS quota that can be raised)."""

    level_2: LevelNetwork | None = None
    """Isolation level 2: a network of its own, the shared database cluster. None: not offered."""
    level_3: LevelNetwork | None = None
    """Isolation level 3: a network and a database of its own. None: not offered."""

    deployments_table: str
    """The platform's record of deployments and rollbacks."""
    database_cluster: str = ""
    """Identifier of the Aurora cluster to snapshot; empty: a single instance, or none."""
    database_instance: str = ""
    """Identifier of the database instance to snapshot, where there is no cluster."""
    backup_vault: str = ""
    """AWS Backup vault of the file system's recovery points; empty: none are made."""
    backup_retention_days: int = 35
    """How long recovery points are kept."""

    endpoint_url: str = ""
    """Only on one machine: AWS_ENDPOINT_URL, which also stands in for the region's own STS."""

    source_account_id: str = ""
    """Account of the environment before this one; empty in dev."""
    source_role_arn: str = ""
    source_external_id_secret: str = ""
    source_cluster: str = ""
    source_export_family: str = ""
    source_subnet_ids: str = ""
    source_security_group_ids: str = ""

    function_timeout_seconds: int = 60
    lease_seconds: int = 90
    visibility_seconds: int = 360
    max_receive_count: int = 5

    _read_levels = field_validator("level_2", "level_3", mode="before")(_of_json)

    @property
    def load_balancer_arn(self) -> str:
        """Follows from the listener's ARN."""
        return load_balancer_of(self.listener_arn)

    @property
    def target_group_quota(self) -> int:
        """Per load balancer; AWS' own number cannot be raised, one machine has no other limit."""
        return self.listener_rule_quota if self.endpoint_url else MOST_TARGET_GROUPS

    @property
    def execution_role_arn(self) -> str:
        """The role with which ECS starts a site's containers."""
        return self._role_arn("site-execution")

    @property
    def site_task_role_arn(self) -> str:
        """The role that a site's containers have."""
        return self._role_arn("site-task")

    @property
    def backup_role_arn(self) -> str:
        """The role that AWS Backup works with; empty: no backups are made."""
        return self._role_arn("backup") if self.backup_vault else ""

    def _role_arn(self, name: str) -> str:
        """Return the ARN of a role of this stack: its name tells it, and no variable is spent."""
        partition = self.topic_arn.split(":")[1]
        return f"arn:{partition}:iam::{self.account_id}:role/bbws-wp-{name}-{self.environment}"

    @model_validator(mode="after")
    def _level_3_has_its_own_database(self) -> Settings:
        own = self.level_3
        if own is not None and not (own.database_endpoint and own.database_admin_secret):
            raise ValueError("level_3 needs a database_endpoint and a database_admin_secret")
        return self

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings; raises ConfigurationError naming each variable that is wrong."""
        values = _given(environ, PREFIX)
        values["endpoint_url"] = environ.get("AWS_ENDPOINT_URL", "")
        return _checked(cls, values, PREFIX)


class MailSettings(BaseModel):
    """What only the function that sends mail knows: SITEFLEET_MAIL_<FIELD IN UPPER CASE>."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sender: str = Field(pattern="@")
    """Address in the identity that SES has verified."""
    configuration_set: str = ""
    """Of SES; empty: the identity's own default."""
    internal_addresses: str = Field("", repr=False)
    """The platform's own people, comma-separated; empty: they get no mail."""
    postal_address: str = Field(min_length=1)
    """The company's, for the end of every mail."""
    unsubscribe_url: str = Field(pattern="^https://")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> MailSettings | None:
        """Read them, or None in a function that sends no mail; raises ConfigurationError."""
        values = _given(environ, MAIL_PREFIX)
        return _checked(cls, values, MAIL_PREFIX) if values else None


class LetterSettings(BaseModel):
    """What only the replayer of dead letters knows: SITEFLEET_LETTERS_<FIELD IN UPPER CASE>.

    The fleet's own queues are the stack's, under the contract's names: the URL of one tells the
    others'. A function's variables may have 4 KB together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    queue_url_replayer: str = Field(pattern="/bbws-wp-site-replayer-[a-z]+$")
    """Its own queue, which it also sends to, to go on in a new run."""

    def queue_url(self, name: str) -> str:
        """Return the URL of another of the fleet's own queues: wakeup, parked, ..."""
        place, _, environment = self.queue_url_replayer.rpartition("replayer")
        return f"{place}{name}{environment}"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> LetterSettings | None:
        """Read them, or None in a function that replays nothing; raises ConfigurationError."""
        values = _given(environ, LETTERS_PREFIX)
        return _checked(cls, values, LETTERS_PREFIX) if values else None


def _given(environ: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {
        name.removeprefix(prefix).lower(): value
        for name, value in environ.items()
        if name.startswith(prefix)
    }


def _checked[Model: BaseModel](model: type[Model], values: dict[str, str], prefix: str) -> Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(
            f"{prefix}{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}"
            for e in error.errors(include_input=False)
        )
        raise ConfigurationError(
            f"The function's environment variables are not complete: {problems}. "
            "Deploy the stack again with every parameter set."
        ) from error
