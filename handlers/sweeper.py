"""Runs every minute: no operation and no dead letter is forgotten."""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from core.bootstrap import Fleet
from core.domain.replays import Fate
from core.engine.message import Acknowledged, Disposition, QueueMessage
from handlers.sqs import Event, consume


def handler(event: Event, context: LambdaContext) -> Event:
    """Sweep once per tick, whatever the tick says."""
    return dict(consume(event, context, None, _sweep))


def _sweep(fleet: Fleet, _tick: QueueMessage) -> Disposition:
    fleet.sweeper.sweep()
    fleet.sweeper.measure()
    return Acknowledged(fate=Fate.NOTHING, why="The fleet was swept.")
