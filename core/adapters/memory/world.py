"""One environment's outside world, held in plain dictionaries.

The memory twins of one environment share one `World`; a promotion's target holds its source in
`source`, the way the target's role reaches into the source's account. A simulation reads and
breaks the world through these fields; the fleet sees it only through the ports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from core.adapters.memory.caller_identity import Caller
from core.adapters.memory.clock import ManualClock, SeededIds
from core.domain.approval import Decision
from core.domain.catalogue import Plugin, Template
from core.domain.job_models import ObjectLocation
from core.domain.measurements import Measurement
from core.domain.names import JobReference
from core.domain.room import MOST_TARGET_GROUPS
from core.domain.site import Release, Site
from core.ports.clock import Clock, IdSource
from core.ports.mail import Letter
from core.ports.messaging import QueueName
from core.ports.observation import Datapoint
from core.ports.platform import DnsRecord, ListenerRule, ReleaseService
from core.ports.sites import Tenant
from events.formats import Environment
from events.notifications import Notification
from events.progress import FleetEvent

ACCOUNTS: Final[Mapping[Environment, str]] = {
    Environment.DEV: "536580886816",
    Environment.SIT: "815856636111",
    Environment.PROD: "093646564004",
}
"""The accounts of the settled policy."""


@dataclass(kw_only=True)
class StoredMessage:
    """A message in a queue."""

    message_id: str
    body: str
    tenant_id: str
    """The message group of a fair queue."""
    sent_at: datetime
    visible_at: datetime
    receive_count: int = 0
    receipt: str | None = None
    """Of the latest receive; an older receipt deletes nothing."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    data_types: Mapping[str, str] = field(default_factory=dict)
    """Of attributes that are no String."""
    source: str | None = None
    """The queue that SQS moved it from, after its last receive."""


@dataclass(kw_only=True)
class StoredTask:
    """A container task, running or stopped."""

    arn: str
    reference: JobReference
    description: ObjectLocation
    started_at: datetime
    stop_requested: str | None = None
    stopped_reason: str | None = None

    @property
    def stopped(self) -> bool:
        return self.stopped_reason is not None


@dataclass(kw_only=True)
class StoredSecret:
    """A secret and its value."""

    arn: str
    value: str
    tags: Mapping[str, str]
    deletion_at: datetime | None = None
    """Set while the secret is scheduled for deletion."""


@dataclass(kw_only=True)
class StoredService:
    """An ECS service with the release it serves."""

    service: ReleaseService
    task_definition_arn: str
    desired_count: int
    created_at: datetime


@dataclass(kw_only=True)
class StoredBackup:
    """A snapshot or recovery point."""

    arn: str
    started_at: datetime


@dataclass(kw_only=True)
class StoredCertificate:
    """A certificate and when it was asked for."""

    arn: str
    names: tuple[str, ...]
    requested_at: datetime
    operation_id: str | None = None
    failure: str | None = None


type MetricKey = tuple[str, str, frozenset[tuple[str, str]]]


def metric_key(namespace: str, metric: str, dimensions: Mapping[str, str]) -> MetricKey:
    """Return what identifies a metric, whatever the order of its dimensions."""
    return namespace, metric, frozenset(dimensions.items())


@dataclass(kw_only=True)
class World:
    """Everything outside the fleet in one environment."""

    environment: Environment = Environment.DEV
    account_id: str = ""
    clock: Clock = field(default_factory=ManualClock)
    ids: IdSource = field(default_factory=SeededIds)
    source: World | None = None
    """The world of the environment that promotions come from."""
    load_balancer_name: str = "bbws-wp-internal-alb.example"

    events: list[FleetEvent] = field(default_factory=list)
    queues: dict[QueueName, list[StoredMessage]] = field(
        default_factory=lambda: {name: [] for name in QueueName}
    )
    dead_letters: list[StoredMessage] = field(default_factory=list)
    undeliverable: list[StoredMessage] = field(default_factory=list)
    parked: list[StoredMessage] = field(default_factory=list)
    side_queues: dict[str, list[StoredMessage]] = field(default_factory=dict)
    """What was sent to the notifier's, mailer's, wake-up and sweeper's queues by name."""
    notifications: list[Notification] = field(default_factory=list)
    mails: list[Letter] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)

    sites: dict[tuple[str, str], Site] = field(default_factory=dict)
    releases: dict[tuple[str, str, int], Release] = field(default_factory=dict)
    subdomains: dict[str, tuple[str, str]] = field(default_factory=dict)
    tenants: dict[str, Tenant] = field(default_factory=dict)
    places: dict[str, frozenset[str]] = field(default_factory=dict)
    """Tenant -> its sites that count against its quota."""
    isolation_levels: frozenset[int] = frozenset({1, 2, 3})
    """Levels that the environment offers."""
    tenant_groups: dict[tuple[str, int], str] = field(default_factory=dict)
    """(tenant, level) -> id of its security group."""

    objects: dict[str, bytes] = field(default_factory=dict)
    """The transfer bucket, by key."""
    tasks: list[StoredTask] = field(default_factory=list)

    secrets: dict[str, StoredSecret] = field(default_factory=dict)
    access_points: dict[str, str] = field(default_factory=dict)
    """Root path -> access point id."""
    images: dict[str, str] = field(default_factory=dict)
    """Digest -> manifest."""
    image_tags: dict[str, str] = field(default_factory=dict)
    """Tag -> digest."""
    task_definitions: dict[str, ReleaseService] = field(default_factory=dict)
    """ARN -> what it was registered for."""
    services: dict[str, StoredService] = field(default_factory=dict)
    broken_images: dict[str, str] = field(default_factory=dict)
    """Digest -> why its containers never become healthy."""
    target_groups: dict[str, str] = field(default_factory=dict)
    """Name -> ARN."""
    rules: dict[str, ListenerRule] = field(default_factory=dict)
    """Host name -> rule."""
    pages: dict[str, str] = field(default_factory=dict)
    """Host name -> what its rule answers while it leads to no target."""
    certificates: dict[str, StoredCertificate] = field(default_factory=dict)
    """ARN -> certificate."""
    listener_certificates: set[tuple[str, str]] = field(default_factory=set)
    """ARNs of the certificates that the listener has beside its own."""
    tags: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """ARN or id -> the tags that the resource was made with."""
    role_sessions: list[str] = field(default_factory=list)
    """Operations in whose name another account's role has acted here."""
    dns_records: dict[str, DnsRecord] = field(default_factory=dict)
    dns_changes: dict[str, datetime] = field(default_factory=dict)
    """Change id -> when it is in sync."""
    rule_quota: int = 100
    """Rules that the load balancer takes, the default rule not counted."""
    target_group_quota: int = MOST_TARGET_GROUPS

    plugins: dict[str, Plugin] = field(default_factory=dict)
    templates: dict[str, Template] = field(default_factory=dict)
    callers: list[Caller] = field(default_factory=list)
    """Who can sign proofs that STS accepts."""
    decisions: dict[tuple[str, str], Decision] = field(default_factory=dict)
    """(operation, digest of the proof) -> decision."""
    metrics: dict[MetricKey, list[Datapoint]] = field(default_factory=dict)
    metrics_unavailable: str | None = None
    """Why CloudWatch does not answer; None: it does."""
    site_logs: dict[str, list[tuple[datetime, str]]] = field(default_factory=dict)
    """Stream -> lines of the containers' log, each with its time."""
    site_logs_unread: str | None = None
    """Why the log cannot be read; None: it can."""
    backups: dict[str, StoredBackup] = field(default_factory=dict)
    broken_backups: dict[str, str] = field(default_factory=dict)
    """Service (rds, backup) -> why its backups fail."""
    distributions: dict[str, str] = field(default_factory=dict)
    """Host name -> id of the CloudFront distribution in front of it."""
    invalidations: dict[str, datetime] = field(default_factory=dict)
    """Invalidation -> when it has reached every edge."""
    denied_actions: set[str] = field(default_factory=set)
    """IAM actions that the fleet's role lacks here."""
    deployments: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """Records of the table bbws-deployments-{env}, by id."""

    _serial: int = 0

    def __post_init__(self) -> None:
        self.account_id = self.account_id or ACCOUNTS[self.environment]

    @property
    def transfer_bucket(self) -> str:
        return f"bbws-transfer-{self.environment}"

    @property
    def templates_bucket(self) -> str:
        return f"bbws-templates-{self.environment}"

    def arn(self, service: str, resource: str) -> str:
        """Return an ARN in this world's account that was never given out before."""
        self._serial += 1
        return f"arn:aws:{service}:af-south-1:{self.account_id}:{resource}/{self._serial:08x}"

    def serial(self) -> int:
        """Return a number that was never given out before in this world."""
        self._serial += 1
        return self._serial
