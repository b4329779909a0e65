"""What works on dead letters, filled with AWS: a part of the composition root."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from core.adapters.aws.dead_letters import SqsDeadLetters
from core.adapters.aws.failures import DynamoFailures
from core.adapters.aws.replay_commands import SqsReplayCommands
from core.adapters.aws.replay_journal import DynamoReplayJournal
from core.adapters.aws.session import AwsClients
from core.domain.letters import Box, Origin
from core.engine.engine import Engine
from core.ports.dead_letters import DeadLetters, Failures, ReplayCommands, ReplayJournal
from core.ports.messaging import Topic
from core.replay.announcing import announcer
from core.replay.desk import LetterDesk
from core.replay.remote import RemoteReplays
from core.replay.replayer import Replayer
from core.replay.work import Tools
from core.settings import LetterSettings, Settings


@dataclass(frozen=True, kw_only=True)
class LetterRoom:
    """Dead letters, and everything that reads or replays them."""

    letters: DeadLetters
    failures: Failures
    journal: ReplayJournal
    commands: ReplayCommands
    desk: LetterDesk
    replayer: Replayer
    remote: RemoteReplays


def letter_room(
    engine: Engine,
    topic: Topic,
    clients: AwsClients,
    settings: Settings,
    own: LetterSettings | None,
) -> LetterRoom | None:
    """Return it; None in a function that has no settings for it."""
    if own is None:
        return None
    client, table = clients.dynamodb, settings.operations_table
    letters = SqsDeadLetters(clients=clients, urls=_urls(settings, own))
    failures = DynamoFailures(client=client, table_name=table)
    journal = DynamoReplayJournal(client=client, table_name=table)
    commands = SqsReplayCommands(clients=clients, url=own.queue_url_replayer)
    desk = LetterDesk(letters=letters, failures=failures, engine=engine)
    replayer = Replayer(
        Tools(
            letters=letters,
            journal=journal,
            outcomes=engine.outcomes,
            desk=desk,
            announce=announcer(engine, topic),
            clock=engine.ports.clock,
            ids=engine.ids,
            sleep=time.sleep,
        )
    )
    return LetterRoom(
        letters=letters,
        failures=failures,
        journal=journal,
        commands=commands,
        desk=desk,
        replayer=replayer,
        remote=RemoteReplays(replayer=replayer, desk=desk, journal=journal, commands=commands),
    )


def _urls(settings: Settings, own: LetterSettings) -> Mapping[Origin | Box, str]:
    return {
        Origin.CREATION: settings.queue_url_creation,
        Origin.UPDATE: settings.queue_url_update,
        Origin.DELETION: settings.queue_url_deletion,
        Origin.PROMOTION: settings.queue_url_promotion,
        Origin.WAKE_UP: own.queue_url("wakeup"),
        Origin.NOTIFIER: own.queue_url("notifier"),
        Origin.MAILER: own.queue_url("mailer"),
        Origin.SWEEPER: own.queue_url("sweeper"),
        Box.OPERATIONS: settings.queue_url_dlq,
        Box.UNDELIVERABLE: own.queue_url("undeliverable"),
        Box.PARKED: own.queue_url("parked"),
    }
