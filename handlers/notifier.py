"""Consumes the notifier's queue: milestones become notifications."""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.sqs import Event, consume


def handler(event: Event, context: LambdaContext) -> Event:
    """Announce each fact once, and count it."""
    return dict(consume(event, context, None, lambda fleet, m: fleet.notifier.handle(m)))
