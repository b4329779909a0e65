"""What AWS reports by itself, in the shapes that it documents: the events that wake up steps.

The default bus delivers them at least once, mostly within a second, and sometimes never.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.adapters.memory.containers import service_arn
from core.adapters.memory.jobs import MemoryJobs
from core.adapters.memory.world import World
from core.domain.names import JobReference
from events.formats import format_timestamp


@dataclass(frozen=True, kw_only=True)
class SettleTimes:
    """How long AWS takes for what is not there at once."""

    service: float = 0
    """Until the containers of a new service are steady."""
    snapshot: float = 0
    recovery_point: float = 0
    name: float = 0
    """Until all name servers know a changed record."""
    edges: float = 0
    """Until a distribution has forgotten its pages."""


type Event = Callable[[str, World], Mapping[str, object]]


@dataclass(frozen=True, kw_only=True)
class Settling:
    """Something that AWS is making ready."""

    arn: str
    at: datetime
    """When it will be ready."""
    event: Event


@dataclass(kw_only=True)
class Reporter:
    """Looks at the world and reports once what has become ready since the last look."""

    world: World
    jobs: MemoryJobs
    times: SettleTimes
    reported: set[str] = field(default_factory=set)

    def reports(self) -> Sequence[str]:
        """Return the events of everything that has ended by now."""
        ended = [self._job_ended(reference) for reference in self.jobs.tick()]
        settled = []
        for one in list(self._settling()):
            if one.at <= self.world.clock.now():
                self.reported.add(one.arn)
                settled.append(one.event(one.arn, self.world))
        return [json.dumps(event) for event in (*ended, *settled)]

    def next_at(self) -> datetime | None:
        """Return when the next thing will be ready, if anything is on its way."""
        seconds = self.jobs.next_end()
        settling = [one.at for one in self._settling()]
        if seconds is not None:
            settling.append(self.world.clock.now() + timedelta(seconds=seconds))
        return min(settling, default=None)

    # --- inside -----------------------------------------------------------------------------

    def _settling(self) -> Iterator[Settling]:
        """Yield what is on its way; nothing where it is there at once."""
        for name, service in self.world.services.items():
            yield from self._new(
                service_arn(self.world, name), service.created_at, self.times.service, deployment
            )
        for backup in self.world.backups.values():
            is_snapshot = ":rds:" in backup.arn
            seconds = self.times.snapshot if is_snapshot else self.times.recovery_point
            event = snapshot_made if is_snapshot else backup_ended
            yield from self._new(backup.arn, backup.started_at, seconds, event)

    def _new(self, arn: str, since: datetime, seconds: float, event: Event) -> Iterator[Settling]:
        if seconds and arn not in self.reported:
            yield Settling(arn=arn, at=since + timedelta(seconds=seconds), event=event)

    def _job_ended(self, reference: JobReference) -> Mapping[str, object]:
        """S3 reports the result; of a task that died without one, ECS tells."""
        if reference.result_key in self.world.objects:
            detail = {
                "version": "0",
                "bucket": {"name": self.world.transfer_bucket},
                "object": {"key": reference.result_key, "size": 812},
                "reason": "PutObject",
            }
            return _event(self.world, "aws.s3", "Object Created", detail, [])
        arn = f"arn:aws:ecs:af-south-1:{self.world.account_id}:task/bbws-cluster/0a1b2c"
        detail = {"lastStatus": "STOPPED", "startedBy": reference.started_by, "taskArn": arn}
        return _event(self.world, "aws.ecs", "ECS Task State Change", detail, [arn])


def deployment(arn: str, world: World) -> Mapping[str, object]:
    """The containers of a service are steady."""
    detail = {
        "eventType": "INFO",
        "eventName": "SERVICE_DEPLOYMENT_COMPLETED",
        "deploymentId": "ecs-svc/1234567890123456789",
        "updatedAt": format_timestamp(world.clock.now()),
        "reason": "ECS deployment ecs-svc/1234567890123456789 completed.",
    }
    return _event(world, "aws.ecs", "ECS Deployment State Change", detail, [arn])


def snapshot_made(arn: str, world: World) -> Mapping[str, object]:
    """A manual snapshot of a cluster is available."""
    detail = {
        "EventCategories": ["backup"],
        "SourceType": "CLUSTER_SNAPSHOT",
        "SourceArn": arn,
        "Date": format_timestamp(world.clock.now()),
        "Message": "Manual cluster snapshot created",
        "SourceIdentifier": arn.rpartition(":")[2],
        "EventID": "RDS-EVENT-0075",
    }
    return _event(world, "aws.rds", "RDS DB Cluster Snapshot Event", detail, [arn])


def backup_ended(arn: str, world: World) -> Mapping[str, object]:
    """A recovery point of the file system is complete."""
    detail = {
        "backupJobId": "34176239-e96d-4e4d-9fad-529dbb3c3556",
        "backupVaultName": f"bbws-wp-pre-promotion-{world.environment}",
        "resourceArn": f"arn:aws:elasticfilesystem:af-south-1:{world.account_id}:file-system/fs-1",
        "resourceType": "EFS",
        "state": "COMPLETED",
        "percentDone": 100.0,
    }
    return _event(world, "aws.backup", "Backup Job State Change", detail, [arn])


def _event(
    world: World, source: str, kind: str, detail: Mapping[str, object], resources: list[str]
) -> Mapping[str, object]:
    return {
        "version": "0",
        "id": world.ids.new_id(),
        "detail-type": kind,
        "source": source,
        "account": world.account_id,
        "time": format_timestamp(world.clock.now()),
        "region": "af-south-1",
        "resources": resources,
        "detail": detail,
    }
