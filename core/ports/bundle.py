"""All ports that steps may use, as one value that bootstrap (or the simulator) fills in."""

from __future__ import annotations

from dataclasses import dataclass

from core.ports.catalogue import Catalogue
from core.ports.certificates import Certificates
from core.ports.clock import Clock
from core.ports.decisions import CallerIdentity, Decisions
from core.ports.jobs import JobRunner, TransferStore
from core.ports.networks import TenantNetworks
from core.ports.observation import Metrics, SiteLogs
from core.ports.operation_store import SiteLocks, WakeUps
from core.ports.platform import (
    Accounts,
    Containers,
    Dns,
    FileSystems,
    Images,
    LoadBalancer,
    Secrets,
)
from core.ports.protection import (
    Backups,
    Cdn,
    DeploymentRecords,
    Documents,
    Followers,
    Permissions,
)
from core.ports.sites import SiteStore, TenantDirectory


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The outside world as a step sees it."""

    clock: Clock
    locks: SiteLocks
    wake_ups: WakeUps
    accounts: Accounts
    sites: SiteStore
    tenants: TenantDirectory
    networks: TenantNetworks
    catalogue: Catalogue
    jobs: JobRunner
    transfer: TransferStore
    secrets: Secrets
    file_systems: FileSystems
    images: Images
    containers: Containers
    load_balancer: LoadBalancer
    certificates: Certificates
    dns: Dns
    decisions: Decisions
    identities: CallerIdentity
    metrics: Metrics
    site_logs: SiteLogs
    backups: Backups
    cdn: Cdn
    permissions: Permissions
    deployments: DeploymentRecords
    documents: Documents
    followers: Followers
