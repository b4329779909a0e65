"""Twin of RDS snapshots and AWS Backup."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from core.adapters.memory.world import StoredBackup, World
from core.ports.protection import Backup, BackupState


class MemoryBackups:
    """A backup is there some time after it was started, unless the world says why it fails."""

    def __init__(
        self,
        world: World,
        *,
        settle_seconds: float = 0,
        recovery_point_seconds: float | None = None,
    ) -> None:
        self.world = world
        longer = settle_seconds if recovery_point_seconds is None else recovery_point_seconds
        self.settle_seconds = {"rds": settle_seconds, "backup": longer}

    def ensure_database_snapshot(self, name: str, tags: Mapping[str, str]) -> Backup:
        return self._ensure("rds", f"cluster-snapshot:{name}", tags)

    def ensure_recovery_point(self, name: str, tags: Mapping[str, str]) -> Backup:
        return self._ensure("backup", f"recovery-point:{name}", tags)

    def _ensure(self, service: str, resource: str, tags: Mapping[str, str]) -> Backup:
        stored = self.world.backups.get(resource)
        if stored is None:
            arn = self.world.arn(service, resource)
            stored = StoredBackup(arn=arn, started_at=self.world.clock.now())
            self.world.backups[resource] = stored
            self.world.tags[arn] = dict(tags)
        return self._state(service, stored)

    def _state(self, service: str, stored: StoredBackup) -> Backup:
        broken = self.world.broken_backups.get(service)
        if broken is not None:
            return Backup(arn=stored.arn, state=BackupState.FAILED, reason=broken)
        end = stored.started_at + timedelta(seconds=self.settle_seconds[service])
        if self.world.clock.now() < end:
            return Backup(arn=stored.arn, state=BackupState.RUNNING, reason="It is being made.")
        return Backup(arn=stored.arn, state=BackupState.AVAILABLE)
