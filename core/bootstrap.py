"""The composition root: the only module that knows ports and adapters.

Nothing happens at import. A function calls `fleet(os.environ)` once and keeps what it gets.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

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
from core.adapters.aws.emf import EmfMeter
from core.adapters.aws.event_bus import EventBridgeBus
from core.adapters.aws.file_systems import EfsAccessPoints
from core.adapters.aws.image_layers import LayerCopy
from core.adapters.aws.images import EcrImages
from core.adapters.aws.jobs import EcsJobs, TaskPlace
from core.adapters.aws.load_balancer import ElbLoadBalancer
from core.adapters.aws.mail import SesMail
from core.adapters.aws.metrics import CloudWatchMetrics
from core.adapters.aws.networks import Ec2TenantNetworks
from core.adapters.aws.operations import DynamoOperations
from core.adapters.aws.permissions import IamPermissions
from core.adapters.aws.receipts import SqsReceipts
from core.adapters.aws.secrets import SecretsManagerSecrets
from core.adapters.aws.session import AwsClients, SourceAccount
from core.adapters.aws.sites import DynamoSites
from core.adapters.aws.task_definitions import TaskSettings
from core.adapters.aws.tenants import DynamoTenants
from core.adapters.aws.topic import SnsTopic
from core.adapters.aws.transfer import S3TransferStore
from core.adapters.aws.work_queues import SqsQueues
from core.adapters.followers import StoredFollowers
from core.adapters.site_networks import SiteNetworks, networks_of
from core.adapters.system import RandomIds, SystemClock
from core.domain.creation_mail import VARIABLES, Audience, Footer
from core.domain.errors import ConfigurationError
from core.domain.mail_template import MailTemplate
from core.domain.policy import Policy
from core.domain.proof import StsEndpoint
from core.engine.consumer import Consumer
from core.engine.engine import Engine, Timing
from core.engine.mailer import Mailer, MailRoom
from core.engine.notifier import Notifier
from core.engine.sweeper import Sweeper
from core.operations.creation import CREATION
from core.operations.deletion import DELETION
from core.operations.promotion import PROMOTION
from core.operations.restore import RESTORE
from core.operations.rollback import ROLLBACK
from core.operations.site_check import SITE_CHECK
from core.operations.update import UPDATE
from core.ports.bundle import Ports
from core.ports.messaging import QueueName
from core.settings import MailSettings, Settings

POLICY_FOLDER = Path(__file__).parent.parent / "policy"
MAIL_FOLDER = Path(__file__).parent.parent / "notifications"

WORKFLOWS = {
    workflow.operation_type: workflow
    for workflow in (CREATION, UPDATE, DELETION, RESTORE, PROMOTION, ROLLBACK, SITE_CHECK)
}
"""Every workflow that this version carries out."""


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """What handlers and tools use."""

    settings: Settings
    policy: Policy
    engine: Engine
    consumer: Consumer
    sweeper: Sweeper
    notifier: Notifier
    mailer: Mailer | None
    """None in a function that has no mail settings."""
    receipts: SqsReceipts
    clients: AwsClients


def fleet(environ: Mapping[str, str]) -> Fleet:
    """Wire the fleet of one environment; raises ConfigurationError when something is missing."""
    settings = Settings.from_environ(environ)
    policy = load_policy(settings.policy)
    if (policy.environment, policy.here.account_id) != (settings.environment, settings.account_id):
        raise ConfigurationError(
            f"Policy {settings.policy} is for {policy.environment} in account "
            f"{policy.here.account_id}; this stack is {settings.environment} in "
            f"{settings.account_id}. Deploy it with the policy of its own environment."
        )
    clients = AwsClients(region=settings.region)
    clock = SystemClock()
    store = DynamoOperations(client=clients.dynamodb, table_name=settings.operations_table)
    queues = SqsQueues(
        clients=clients,
        queue_urls=_queue_urls(settings),
        dead_letter_url=settings.queue_url_dlq,
        overflow_bucket=settings.transfer_bucket,
    )
    engine = Engine(
        store=store,
        bus=EventBridgeBus(clients=clients, bus_name=settings.event_bus),
        queues=queues,
        ids=RandomIds(),
        ports=_ports(settings, clients, store),
        policy=policy,
        timing=Timing(
            lease_seconds=settings.lease_seconds, max_receive_count=settings.max_receive_count
        ),
        workflows=WORKFLOWS,
    )
    meter = EmfMeter(settings.environment)
    topic = SnsTopic(clients=clients, topic_arn=settings.topic_arn)
    return Fleet(
        settings=settings,
        policy=policy,
        engine=engine,
        consumer=Consumer(engine),
        sweeper=Sweeper(engine, meter),
        notifier=Notifier(store=store, topic=topic, queues=queues, meter=meter, clock=clock),
        mailer=_mailer(engine, MailSettings.from_environ(environ), clients),
        receipts=SqsReceipts(clients=clients),
        clients=clients,
    )


def load_policy(name: str, folder: Path = POLICY_FOLDER) -> Policy:
    """Read a policy file; raises ConfigurationError naming what is wrong in it."""
    path = folder / f"{name}.toml"
    try:
        return Policy.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        known = ", ".join(sorted(p.stem for p in folder.glob("*.toml")))
        raise ConfigurationError(f"There is no policy {name!r}; there are: {known}.") from error
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ConfigurationError(f"Policy {path.name} cannot be used: {error}") from error


def mail_templates(folder: Path = MAIL_FOLDER) -> dict[str, MailTemplate]:
    """Read the templates of mail; raises ConfigurationError naming what is wrong in one."""
    return {name: _mail_template(folder, name) for name in (a.template for a in Audience)}


# --- inside ---------------------------------------------------------------------------------


def _ports(settings: Settings, clients: AwsClients, store: DynamoOperations) -> Ports:
    clock = SystemClock()
    source = SourceAccount(
        home=clients,
        role_arn=settings.source_role_arn,
        external_id_secret=settings.source_external_id_secret,
        clock=clock,
    )
    layers = LayerCopy(clock=clock)
    sites = DynamoSites(clients.dynamodb, settings.sites_table)
    networks = SiteNetworks(sites, networks_of(settings))
    load_balancer = ElbLoadBalancer(
        clients=clients, networks=networks, rule_quota=settings.listener_rule_quota
    )
    return Ports(
        clock=clock,
        locks=store,
        wake_ups=store,
        accounts=StsAccounts(clients=clients),
        sites=sites,
        tenants=DynamoTenants(clients.dynamodb, settings.tenants_table),
        networks=Ec2TenantNetworks(
            clients=clients, networks=networks, environment=settings.environment
        ),
        catalogue=DynamoCatalogue(
            clients.dynamodb, table_name=settings.sites_table, bucket=settings.templates_bucket
        ),
        jobs=_jobs(settings, clients, networks, source),
        transfer=S3TransferStore(clients=clients, bucket=settings.transfer_bucket),
        secrets=SecretsManagerSecrets(clients=clients, networks=networks),
        file_systems=EfsAccessPoints(clients=clients, file_system_id=settings.file_system_id),
        images=EcrImages(
            clients=clients, repository=settings.repository, layers=layers, source=source
        ),
        containers=_containers(settings, clients, networks),
        load_balancer=load_balancer,
        certificates=AcmCertificates(clients=clients),
        dns=Route53Dns(
            clients=clients,
            hosted_zone_id=settings.hosted_zone_id,
            load_balancer_of=load_balancer.load_balancer_of,
        ),
        decisions=DynamoDecisions(client=clients.dynamodb, table_name=settings.operations_table),
        identities=StsCallerIdentity(_sts_endpoint(settings)),
        metrics=CloudWatchMetrics(clients=clients, source=source),
        backups=AwsBackups(clients=clients, places=_backup_places(settings)),
        cdn=CloudFrontCdn(clients=clients),
        permissions=IamPermissions(clients=clients),
        deployments=DynamoDeploymentRecords(
            client=clients.dynamodb, table_name=settings.deployments_table
        ),
        documents=S3Documents(clients=clients, bucket=settings.transfer_bucket),
        followers=StoredFollowers(store),
    )


def _mail_template(folder: Path, name: str) -> MailTemplate:
    try:
        html, text = (
            (folder / f"{name}.{form}").read_text(encoding="utf-8") for form in ("html", "txt")
        )
    except FileNotFoundError as error:
        raise ConfigurationError(f"There is no mail template {error.filename}.") from error
    return MailTemplate(name=name, html=html, text=text, known=VARIABLES)


def _mailer(engine: Engine, settings: MailSettings | None, clients: AwsClients) -> Mailer | None:
    if settings is None:
        return None
    return Mailer(
        store=engine.store,
        tenants=engine.ports.tenants,
        mail=SesMail(
            clients=clients,
            sender=settings.sender,
            configuration_set=settings.configuration_set,
        ),
        clock=engine.ports.clock,
        room=MailRoom(
            templates=mail_templates(),
            policy=engine.policy.mail,
            footer=Footer(
                postal_address=settings.postal_address, unsubscribe_url=settings.unsubscribe_url
            ),
            internal=_listed(settings.internal_addresses),
        ),
    )


def _jobs(
    settings: Settings, clients: AwsClients, networks: SiteNetworks, source: SourceAccount
) -> EcsJobs:
    return EcsJobs(
        clients=clients,
        here=_place(
            settings.cluster,
            settings.migrator_family,
            settings.subnet_ids,
            settings.job_security_group_ids,
        ),
        networks=networks,
        source=source,
        source_place=_place(
            settings.source_cluster,
            settings.source_export_family,
            settings.source_subnet_ids,
            settings.source_security_group_ids,
        ),
    )


def _containers(settings: Settings, clients: AwsClients, networks: SiteNetworks) -> EcsContainers:
    return EcsContainers(
        clients=clients,
        cluster=settings.cluster,
        networks=networks,
        task=TaskSettings(
            account_id=settings.account_id,
            repository=settings.repository,
            file_system_id=settings.file_system_id,
            execution_role_arn=settings.execution_role_arn,
            task_role_arn=settings.site_task_role_arn,
            log_group=f"/aws/ecs/bbws-{settings.environment}/sites",
        ),
    )


def _backup_places(settings: Settings) -> BackupPlaces:
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


def _sts_endpoint(settings: Settings) -> StsEndpoint:
    if settings.endpoint_url:
        return StsEndpoint.of_one_machine(settings.region, settings.endpoint_url)
    return StsEndpoint.of_region(settings.region)


def _place(cluster: str, family: str, subnet_ids: str, security_group_ids: str) -> TaskPlace:
    return TaskPlace(
        cluster=cluster,
        family=family,
        subnet_ids=_listed(subnet_ids),
        security_group_ids=_listed(security_group_ids),
    )


def _queue_urls(settings: Settings) -> dict[QueueName, str]:
    return {
        QueueName.CREATION: settings.queue_url_creation,
        QueueName.UPDATE: settings.queue_url_update,
        QueueName.DELETION: settings.queue_url_deletion,
        QueueName.PROMOTION: settings.queue_url_promotion,
    }


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
