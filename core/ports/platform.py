"""The platform's own services around a site: secrets, file system, image, containers, traffic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from core.domain.names import ReleaseNames, SiteNames
from core.domain.room import Room
from core.domain.sizes import PLATFORM_SIZE, Size


class Accounts(Protocol):
    """Which AWS account the credentials at hand belong to."""

    def current(self) -> str:
        """Return the 12-digit account id (sts:GetCallerIdentity)."""
        ...


class Secrets(Protocol):
    """Secrets of sites; values are made there and read by jobs and containers only."""

    def ensure_database_secret(self, site: SiteNames, tags: Mapping[str, str]) -> str:
        """Make (or find) the secret with host, port, username and a generated password; its ARN."""
        ...

    def ensure_admin_secret(self, site: SiteNames, tags: Mapping[str, str]) -> str:
        """Make (or find) the secret of the WordPress administrator; return its ARN."""
        ...

    def ensure_salts_secret(self, site: SiteNames, tags: Mapping[str, str]) -> str:
        """Make (or find) the secret with WordPress' keys and salts; return its ARN."""
        ...

    def delete(self, name: str, *, recovery_days: int) -> None:
        """Delete a secret (0: without recovery window); nothing there is fine."""
        ...


class FileSystems(Protocol):
    """EFS access points."""

    def ensure_access_point(self, release: ReleaseNames, tags: Mapping[str, str]) -> str:
        """Make (or find) the access point rooted at the release's content, uid and gid 33."""
        ...

    def delete_access_point(self, release: ReleaseNames) -> None:
        """Delete it; nothing there is fine."""
        ...


class Images(Protocol):
    """The container registry of this account and, for reading, the source's."""

    def digest_of(self, tag: str) -> str:
        """Return the digest behind a tag of this account's repository; raises NotFoundError."""
        ...

    def find_digest(self, tag: str) -> str | None:
        """Return the digest behind a tag of this account's repository, if there is such a tag."""
        ...

    def present(self, digest: str) -> bool:
        """Tell whether this account's repository has the image."""
        ...

    def copy_from_source(self, digest: str, tag: str, *, operation_id: str) -> None:
        """Copy manifest and layers from the source's repository and tag it here.

        The operation id names the role session in the source account (CloudTrail). A copy that
        does not fit into one step raises UnfinishedError; the next one goes on where it stopped.
        Raises NotFoundError when the source has no such image.
        """
        ...

    def tag(self, digest: str, tag: str) -> None:
        """Move a tag to an image that is here."""
        ...

    def untag(self, tag: str) -> None:
        """Remove a tag; nothing there is fine."""
        ...


@dataclass(frozen=True, kw_only=True)
class ReleaseService:
    """What one release's containers are made of."""

    names: ReleaseNames
    site_url: str
    image_digest: str
    database_secret_arn: str
    salts_secret_arn: str
    access_point_id: str
    target_group_arn: str
    tenant_group_id: str | None
    """The tenant's security group, without which nothing reaches its containers; None: of a service
    that was made before there were any."""
    desired_count: int = 1
    size: Size = PLATFORM_SIZE
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ServiceState:
    """How a service stands."""

    exists: bool
    steady: bool
    failed: bool
    reason: str
    """A sentence: what it waits for, or why it failed."""
    addresses: tuple[str, ...] = ()
    """host:port of its healthy targets."""
    arn: str = ""
    """By which AWS names the service in its events."""
    desired_count: int = 0
    running_count: int = 0
    """Containers that still run, those included that are being stopped."""


class Containers(Protocol):
    """ECS task definitions and services."""

    def ensure_task_definition(self, service: ReleaseService) -> str:
        """Register (or find) the task definition of a release; return its ARN."""
        ...

    def find_task_definition(self, names: ReleaseNames) -> str | None:
        """Return the ARN of a release's newest task definition, if it has one."""
        ...

    def ensure_service(self, service: ReleaseService, task_definition_arn: str) -> None:
        """Make (or find) the service of a release."""
        ...

    def ensure_running(self, names: ReleaseNames, desired_count: int) -> None:
        """Bring a kept release's service to this number of containers.

        Raises NotFoundError when the service has gone.
        """
        ...

    def roll_out(self, names: ReleaseNames, task_definition_arn: str, desired_count: int) -> None:
        """Bring a service to this task definition and number, if it is not there already.

        Its containers are replaced one after the other: an old one goes when a new one is healthy.
        Raises NotFoundError when the service has gone.
        """
        ...

    def scale_down(self, names: ReleaseNames) -> None:
        """Stop the service's containers and keep the service; nothing there is fine."""
        ...

    def state(self, names: ReleaseNames, target_group_arn: str) -> ServiceState:
        """Return whether the service is steady and its targets healthy."""
        ...

    def delete_service(self, names: ReleaseNames) -> None:
        """Scale to 0 and delete; nothing there is fine."""
        ...

    def delete_task_definition(self, arn: str) -> None:
        """Deregister; nothing there is fine."""
        ...

    def delete_task_definitions(self, names: ReleaseNames) -> None:
        """Deregister all of a release: every other image or size has one of its own."""
        ...


@dataclass(frozen=True, kw_only=True)
class ListenerRule:
    """The pointer of a site: which target group its host name goes to."""

    arn: str
    host: str
    target_group_arn: str
    """Empty while the rule answers by itself: the site is suspended."""
    priority: int
    aliases: tuple[str, ...] = ()
    """Further host names of the same rule: a customer's own domain."""


class LoadBalancer(Protocol):
    """Target groups and listener rules."""

    def ensure_target_group(self, names: ReleaseNames, tags: Mapping[str, str]) -> str:
        """Make (or find) the target group of a release; return its ARN."""
        ...

    def delete_target_group(self, names: ReleaseNames) -> None:
        """Delete it; nothing there is fine."""
        ...

    def find_rule(self, host: str) -> ListenerRule | None:
        """Return the rule of a host name, or of one of its aliases."""
        ...

    def create_rule(
        self, host: str, target_group_arn: str, tags: Mapping[str, str]
    ) -> ListenerRule:
        """Make the rule with a priority nobody has; a lost race raises TransientError."""
        ...

    def point_rule(self, rule: ListenerRule, target_group_arn: str) -> ListenerRule:
        """Move the pointer: one ModifyRule, effective for the next request."""
        ...

    def answer_rule(self, rule: ListenerRule, page: str) -> ListenerRule:
        """Let the rule answer 503 with this page, instead of any target; `point_rule` ends that.

        A page has at most 1024 characters (the load balancer's limit).
        """
        ...

    def lead_rule(
        self, rule: ListenerRule, aliases: tuple[str, ...], target_group_arn: str
    ) -> ListenerRule:
        """Give the rule these further host names and this target at once: one ModifyRule."""
        ...

    def has_certificate(self, host: str, certificate_arn: str) -> bool:
        """Tell whether the listener with the host's rule answers with this certificate, too."""
        ...

    def attach_certificate(self, host: str, certificate_arn: str) -> None:
        """Let the listener answer with it for its names; there already is fine."""
        ...

    def detach_certificate(self, host: str, certificate_arn: str) -> None:
        """Take it off the listener; nothing there is fine."""
        ...

    def delete_rule(self, host: str) -> None:
        """Delete it; nothing there is fine."""
        ...

    def room(self, level: int) -> Room:
        """Return how many more rules and target groups an isolation level's load balancer takes."""
        ...

    def address(self, host: str | None = None) -> str:
        """Return host:port of the load balancer, for checks through the public way.

        With a host name: of the one that has its rule, where levels have their own.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class DnsRecord:
    """One alias or CNAME record."""

    name: str
    target: str
    kind: str = "ALIAS"
    """ALIAS or CNAME: a name has either, so putting one back means taking the other away."""
    zone_id: str | None = None
    """Hosted zone of an alias' target; None: the load balancer's."""


class Dns(Protocol):
    """The environment's hosted zone."""

    def find(self, name: str) -> DnsRecord | None:
        """Return the record of a name."""
        ...

    def point_at_load_balancer(self, name: str) -> str | None:
        """UPSERT the record if it differs; return the change id, None when nothing differed."""
        ...

    def restore(self, name: str, record: DnsRecord | None) -> None:
        """Undo: put the former record back, or delete where there was none."""
        ...

    def in_sync(self, change_id: str) -> bool:
        """Tell whether a change has reached all name servers."""
        ...
