"""What guards a promotion: backups before it, caches at its switch, rights, and its record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from core.domain.operation import Operation


class BackupState(StrEnum):
    """Where a backup stands."""

    RUNNING = "RUNNING"
    AVAILABLE = "AVAILABLE"
    FAILED = "FAILED"


@dataclass(frozen=True, kw_only=True)
class Backup:
    """One snapshot or recovery point."""

    arn: str
    state: BackupState
    reason: str = ""
    """Why it failed, or how far it is."""


class Backups(Protocol):
    """RDS or Aurora snapshots and EFS recovery points (AWS Backup)."""

    def ensure_database_snapshot(self, name: str, tags: Mapping[str, str]) -> Backup:
        """Start (or find) the snapshot of the environment's database under this name."""
        ...

    def ensure_recovery_point(self, name: str, tags: Mapping[str, str]) -> Backup:
        """Start (or find, by this idempotency token) the file system's recovery point."""
        ...


class Cdn(Protocol):
    """CloudFront, where a site has a distribution."""

    def invalidate(self, host: str, reference: str) -> str | None:
        """Invalidate everything of the host's distribution, once per reference.

        Returns an invalidation id; None where the host has no distribution.
        """
        ...

    def done(self, invalidation: str) -> bool:
        """Tell whether an invalidation has reached every edge."""
        ...


@dataclass(frozen=True, kw_only=True)
class Right:
    """One right that a plan needs, in one account."""

    action: str
    resource: str
    """An ARN; {partition}, {region}, {account} and the names of `places_of`
    (core/adapters/aws/permissions.py) in it stand for the fleet's own."""


class Permissions(Protocol):
    """Which rights the fleet has in this account (iam:SimulatePrincipalPolicy on itself)."""

    def missing(self, rights: Sequence[Right]) -> Sequence[Right]:
        """Return the rights that are denied; none: all are there."""
        ...


class DeploymentRecords(Protocol):
    """The platform's table bbws-deployments-{env}."""

    def put(self, record: Mapping[str, str]) -> None:
        """Write one record (deployment_id, timestamp, environment, action, from_version, ...)."""
        ...


class Documents(Protocol):
    """Texts that are kept for people: evidence documents and marks, in the transfer bucket."""

    def put(self, key: str, text: str) -> None:
        """Keep a text; the same text again changes nothing."""
        ...

    def get(self, key: str) -> str | None:
        """Return a text, None where there is none."""
        ...

    def keys(self, prefix: str) -> Sequence[str]:
        """Return the keys below a prefix, sorted."""
        ...


class Followers(Protocol):
    """Operations that an operation leaves behind, to be looked at later by the sweeper."""

    def start_later(self, operation: Operation, request_body: str) -> None:
        """Store an operation whose `due_at` says when it begins; the same one again is fine."""
        ...
