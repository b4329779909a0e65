"""Every port that steps may use, filled with AWS: half of the composition root (core/bootstrap.py).

Nothing is asked of AWS here; an adapter calls it when a step does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from core.adapters.aws.accounts import StsAccounts
from core.adapters.aws.backups import AwsBackups, BackupPlaces
from core.adapters.aws.caller_identity import StsCallerIdentity
from core.adapters.aws.catalogue import DynamoCatalogue
from core.adapters.aws.cdn import CloudFrontCdn
from core.adapters.aws.certificates import AcmCertificates
from core.adapters.aws.containers import EcsContainers
from core.adapters.aws.decisions import DynamoDecisions
from core.adapters.aws.deployments import DynamoDeploymentRecords
from core.adapters.aws.dns import Route53Dns
from core.adapters.aws.documents import S3Documents
from core.adapters.aws.file_systems import EfsAccessPoints
from core.adapters.aws.image_layers import LayerCopy
from core.adapters.aws.images import EcrImages
from core.adapters.aws.jobs import EcsJobs, TaskPlace
from core.adapters.aws.load_balancer import ElbLoadBalancer
from core.adapters.aws.metrics import CloudWatchMetrics
from core.adapters.aws.networks import Ec2TenantNetworks
from core.adapters.aws.operations import DynamoOperations
from core.adapters.aws.permissions import IamPermissions, places_of
from core.adapters.aws.secrets import SecretsManagerSecrets
from core.adapters.aws.session import AwsClients, SourceAccount
from core.adapters.aws.site_logs import CloudWatchSiteLogs
from core.adapters.aws.sites import DynamoSites
from core.adapters.aws.task_definitions import TaskSettings
from core.adapters.aws.tenants import DynamoTenants
from core.adapters.aws.transfer import S3TransferStore
from core.adapters.followers import StoredFollowers
from core.adapters.site_networks import SiteNetworks, networks_of
from core.adapters.system import SystemClock
from core.domain.names import sites_log_group
from core.domain.proof import StsEndpoint
from core.ports.bundle import Ports
from core.settings import Settings


def aws_ports(settings: Settings, clients: AwsClients, store: DynamoOperations) -> Ports:
    """Return the ports of one environment, in the order of core/ports/bundle.py."""
    wiring = _Wiring(settings, clients)
    return Ports(
        clock=wiring.clock,
        locks=store,
        wake_ups=store,
        accounts=StsAccounts(clients=clients),
        sites=wiring.sites,
        tenants=DynamoTenants(clients.dynamodb, settings.tenants_table),
        networks=wiring.tenant_networks(),
        catalogue=wiring.catalogue(),
        jobs=wiring.jobs(),
        transfer=S3TransferStore(clients=clients, bucket=settings.transfer_bucket),
        secrets=SecretsManagerSecrets(clients=clients, networks=wiring.networks),
        file_systems=EfsAccessPoints(clients=clients, file_system_id=settings.file_system_id),
        images=wiring.images(),
        containers=wiring.containers(),
        load_balancer=wiring.load_balancer,
        certificates=AcmCertificates(clients=clients),
        dns=wiring.dns(),
        decisions=DynamoDecisions(client=clients.dynamodb, table_name=settings.operations_table),
        identities=StsCallerIdentity(wiring.sts_endpoint()),
        metrics=CloudWatchMetrics(clients=clients, source=wiring.source),
        site_logs=CloudWatchSiteLogs(clients=clients, source=wiring.source),
        backups=AwsBackups(clients=clients, places=wiring.backup_places()),
        cdn=CloudFrontCdn(clients=clients),
        permissions=IamPermissions(clients=clients, places=places_of(settings)),
        deployments=wiring.deployments(),
        documents=S3Documents(clients=clients, bucket=settings.transfer_bucket),
        followers=StoredFollowers(store),
    )


def listed(text: str) -> tuple[str, ...]:
    """Return the parts of a setting that holds several, separated by commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


# --- inside ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Wiring:
    """The adapters that need more than a client: what several of them share is made once."""

    settings: Settings
    clients: AwsClients

    @cached_property
    def clock(self) -> SystemClock:
        return SystemClock()

    @cached_property
    def sites(self) -> DynamoSites:
        return DynamoSites(self.clients.dynamodb, self.settings.sites_table)

    @cached_property
    def networks(self) -> SiteNetworks:
        return SiteNetworks(self.sites, networks_of(self.settings))

    @cached_property
    def source(self) -> SourceAccount:
        return SourceAccount(
            home=self.clients,
            role_arn=self.settings.source_role_arn,
            external_id_secret=self.settings.source_external_id_secret,
            clock=self.clock,
        )

    @cached_property
    def load_balancer(self) -> ElbLoadBalancer:
        return ElbLoadBalancer(
            clients=self.clients,
            networks=self.networks,
            rule_quota=self.settings.listener_rule_quota,
            target_group_quota=self.settings.target_group_quota,
        )

    def tenant_networks(self) -> Ec2TenantNetworks:
        return Ec2TenantNetworks(
            clients=self.clients, networks=self.networks, environment=self.settings.environment
        )

    def catalogue(self) -> DynamoCatalogue:
        return DynamoCatalogue(
            self.clients.dynamodb,
            table_name=self.settings.sites_table,
            bucket=self.settings.templates_bucket,
        )

    def jobs(self) -> EcsJobs:
        settings = self.settings
        return EcsJobs(
            clients=self.clients,
            here=_place(
                settings.cluster,
                settings.migrator_family,
                settings.subnet_ids,
                settings.job_security_group_ids,
            ),
            networks=self.networks,
            source=self.source,
            source_place=_place(
                settings.source_cluster,
                settings.source_export_family,
                settings.source_subnet_ids,
                settings.source_security_group_ids,
            ),
        )

    def images(self) -> EcrImages:
        return EcrImages(
            clients=self.clients,
            repository=self.settings.repository,
            layers=LayerCopy(clock=self.clock),
            source=self.source,
        )

    def containers(self) -> EcsContainers:
        settings = self.settings
        return EcsContainers(
            clients=self.clients,
            cluster=settings.cluster,
            networks=self.networks,
            task=TaskSettings(
                account_id=settings.account_id,
                repository=settings.repository,
                file_system_id=settings.file_system_id,
                execution_role_arn=settings.execution_role_arn,
                task_role_arn=settings.site_task_role_arn,
                log_group=sites_log_group(settings.environment),
            ),
        )

    def dns(self) -> Route53Dns:
        return Route53Dns(
            clients=self.clients,
            hosted_zone_id=self.settings.hosted_zone_id,
            load_balancer_of=self.load_balancer.load_balancer_of,
        )

    def deployments(self) -> DynamoDeploymentRecords:
        return DynamoDeploymentRecords(
            client=self.clients.dynamodb, table_name=self.settings.deployments_table
        )

    def backup_places(self) -> BackupPlaces:
        settings = self.settings
        return BackupPlaces(
            database_cluster=settings.database_cluster,
            database_instance=settings.database_instance,
            file_system_arn=(
                f"arn:aws:elasticfilesystem:{settings.region}:{settings.account_id}"
                f":file-system/{settings.file_system_id}"
            ),
            vault=settings.backup_vault,
            role_arn=settings.backup_role_arn,
            retention_days=settings.backup_retention_days,
        )

    def sts_endpoint(self) -> StsEndpoint:
        settings = self.settings
        if settings.endpoint_url:
            return StsEndpoint.of_one_machine(settings.region, settings.endpoint_url)
        return StsEndpoint.of_region(settings.region)


def _place(cluster: str, family: str, subnet_ids: str, security_group_ids: str) -> TaskPlace:
    return TaskPlace(
        cluster=cluster,
        family=family,
        subnet_ids=listed(subnet_ids),
        security_group_ids=listed(security_group_ids),
    )
