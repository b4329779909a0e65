"""Twin of the hosted zone."""

from __future__ import annotations

from datetime import timedelta

from core.adapters.memory.world import World
from core.ports.platform import DnsRecord


class MemoryDns:
    """Records by name; a change is in sync some time after it was made."""

    def __init__(self, world: World, *, sync_seconds: float = 30) -> None:
        self.world = world
        self.sync_seconds = sync_seconds

    def find(self, name: str) -> DnsRecord | None:
        return self.world.dns_records.get(name)

    def point_at_load_balancer(self, name: str) -> str | None:
        wanted = DnsRecord(name=name, target=self.world.load_balancer_name)
        if self.find(name) == wanted:
            return None
        self.world.dns_records[name] = wanted
        return self._change()

    def restore(self, name: str, record: DnsRecord | None) -> None:
        if record is None:
            self.world.dns_records.pop(name, None)
        else:
            self.world.dns_records[name] = record

    def in_sync(self, change_id: str) -> bool:
        moment = self.world.dns_changes.get(change_id)
        return moment is not None and self.world.clock.now() >= moment

    def _change(self) -> str:
        change_id = f"C{self.world.serial():08X}"
        moment = self.world.clock.now() + timedelta(seconds=self.sync_seconds)
        self.world.dns_changes[change_id] = moment
        return change_id
