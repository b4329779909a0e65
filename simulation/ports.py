"""Everything that the fleet does to the outside, on memory twins of one world."""

from __future__ import annotations

from typing import Protocol

from core.adapters.followers import StoredFollowers
from core.adapters.memory.accounts import MemoryAccounts
from core.adapters.memory.backups import MemoryBackups
from core.adapters.memory.caller_identity import MemoryCallerIdentity
from core.adapters.memory.catalogue import MemoryCatalogue
from core.adapters.memory.cdn import MemoryCdn
from core.adapters.memory.certificates import MemoryCertificates
from core.adapters.memory.containers import MemoryContainers
from core.adapters.memory.decisions import MemoryDecisions
from core.adapters.memory.deployments import MemoryDeploymentRecords
from core.adapters.memory.dns import MemoryDns
from core.adapters.memory.documents import MemoryDocuments
from core.adapters.memory.file_systems import MemoryFileSystems
from core.adapters.memory.images import MemoryImages
from core.adapters.memory.jobs import MemoryJobs
from core.adapters.memory.load_balancer import MemoryLoadBalancer
from core.adapters.memory.networks import MemoryTenantNetworks
from core.adapters.memory.permissions import MemoryPermissions
from core.adapters.memory.secrets import MemorySecrets
from core.adapters.memory.sites import MemorySites
from core.adapters.memory.tenants import MemoryTenants
from core.adapters.memory.transfer import MemoryTransfer
from core.adapters.memory.world import World
from core.ports.bundle import Ports
from core.ports.operation_store import OperationStore
from simulation.logs import LivelyLogs
from simulation.metrics import HealthyMetrics
from simulation.reports import SettleTimes


class Wrap(Protocol):
    """Puts a port behind a boundary, under a name."""

    def __call__[Port](self, name: str, port: Port) -> Port: ...


def memory_ports(
    world: World, store: OperationStore, jobs: MemoryJobs, *, times: SettleTimes, wrap: Wrap
) -> Ports:
    """Return the ports of one environment, each behind the boundary."""
    containers = MemoryContainers(world, settle_seconds=times.service)
    backups = MemoryBackups(
        world,
        settle_seconds=times.snapshot,
        recovery_point_seconds=times.recovery_point,
    )
    return Ports(
        clock=world.clock,
        locks=wrap("locks", store),
        wake_ups=wrap("wake_ups", store),
        accounts=wrap("accounts", MemoryAccounts(world)),
        sites=wrap("sites", MemorySites(world)),
        tenants=wrap("tenants", MemoryTenants(world)),
        networks=wrap("networks", MemoryTenantNetworks(world)),
        catalogue=wrap("catalogue", MemoryCatalogue(world)),
        jobs=wrap("jobs", jobs),
        transfer=wrap("transfer", MemoryTransfer(world)),
        secrets=wrap("secrets", MemorySecrets(world)),
        file_systems=wrap("file_systems", MemoryFileSystems(world)),
        images=wrap("images", MemoryImages(world)),
        containers=wrap("containers", containers),
        load_balancer=wrap("load_balancer", MemoryLoadBalancer(world)),
        certificates=wrap("certificates", MemoryCertificates(world, issue_seconds=times.name)),
        dns=wrap("dns", MemoryDns(world, sync_seconds=times.name)),
        decisions=wrap("decisions", MemoryDecisions(world)),
        identities=wrap("identities", MemoryCallerIdentity(world.callers)),
        metrics=wrap("metrics", HealthyMetrics(world)),
        site_logs=wrap("site_logs", LivelyLogs(world)),
        backups=wrap("backups", backups),
        cdn=wrap("cdn", MemoryCdn(world, settle_seconds=times.edges)),
        permissions=wrap("permissions", MemoryPermissions(world)),
        deployments=wrap("deployments", MemoryDeploymentRecords(world)),
        documents=wrap("documents", MemoryDocuments(world)),
        followers=wrap("followers", StoredFollowers(store)),
    )
