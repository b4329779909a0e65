"""The composition root: with core/aws_ports.py, the only one that knows ports and adapters.

Nothing happens at import. A function calls `fleet(os.environ)` once and keeps what it gets.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.adapters.aws.emf import EmfMeter
from core.adapters.aws.event_bus import EventBridgeBus
from core.adapters.aws.mail import SesMail
from core.adapters.aws.operations import DynamoOperations
from core.adapters.aws.receipts import SqsReceipts
from core.adapters.aws.replay_outcomes import DynamoReplayOutcomes
from core.adapters.aws.session import AwsClients
from core.adapters.aws.topic import SnsTopic
from core.adapters.aws.work_queues import SqsQueues
from core.adapters.system import RandomIds, SystemClock
from core.aws_ports import aws_ports, listed
from core.domain.creation_mail import VARIABLES, Audience, Footer
from core.domain.errors import ConfigurationError
from core.domain.mail_template import MailTemplate
from core.domain.policy import Policy
from core.engine.consumer import Consumer
from core.engine.engine import Engine, Timing
from core.engine.mailer import Mailer, MailRoom
from core.engine.notifier import Notifier
from core.engine.sweeper import Sweeper
from core.letter_room import LetterRoom, letter_room
from core.operations.creation import CREATION
from core.operations.deletion import DELETION
from core.operations.promotion import PROMOTION
from core.operations.restore import RESTORE
from core.operations.rollback import ROLLBACK
from core.operations.site_check import SITE_CHECK
from core.operations.update import UPDATE
from core.ports.messaging import QueueName
from core.settings import LetterSettings, MailSettings, Settings

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
    letters: LetterRoom | None
    """None in a function that has no settings for dead letters."""
    receipts: SqsReceipts
    clients: AwsClients


def fleet(environ: Mapping[str, str], clients: AwsClients | None = None) -> Fleet:
    """Wire the fleet of one environment; raises ConfigurationError when something is missing.

    `clients`: an operator's own; a function has those of its role.
    """
    settings = Settings.from_environ(environ)
    policy = load_policy(settings.policy)
    if (policy.environment, policy.here.account_id) != (settings.environment, settings.account_id):
        raise ConfigurationError(
            f"Policy {settings.policy} is for {policy.environment} in account "
            f"{policy.here.account_id}; this stack is {settings.environment} in "
            f"{settings.account_id}. Deploy it with the policy of its own environment."
        )
    clients = clients or AwsClients(region=settings.region)
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
        outcomes=DynamoReplayOutcomes(
            client=clients.dynamodb, table_name=settings.operations_table
        ),
        ids=RandomIds(),
        ports=aws_ports(settings, clients, store),
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
        letters=letter_room(engine, topic, clients, settings, LetterSettings.from_environ(environ)),
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
    except (ValueError, RecursionError) as error:  # no UTF-8, no TOML, no policy, nested too deep
        raise ConfigurationError(f"Policy {path.name} cannot be used: {error}") from error


def mail_templates(folder: Path = MAIL_FOLDER) -> dict[str, MailTemplate]:
    """Read the templates of mail; raises ConfigurationError naming what is wrong in one."""
    return {name: _mail_template(folder, name) for name in (a.template for a in Audience)}


# --- inside ---------------------------------------------------------------------------------


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
            internal=listed(settings.internal_addresses),
        ),
    )


def _queue_urls(settings: Settings) -> dict[QueueName, str]:
    return {
        QueueName.CREATION: settings.queue_url_creation,
        QueueName.UPDATE: settings.queue_url_update,
        QueueName.DELETION: settings.queue_url_deletion,
        QueueName.PROMOTION: settings.queue_url_promotion,
    }
