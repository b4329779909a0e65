"""Consumes the wake-up queue: what AWS services report about jobs, services and snapshots."""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.sqs import Event, consume


def handler(event: Event, context: LambdaContext) -> Event:
    """Run the waiting step early."""
    return dict(consume(event, context, None, lambda fleet, m: fleet.consumer.handle(m)))
