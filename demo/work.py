"""Sending a message and watching what becomes of it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3
from rich.console import Console

from core.adapters.aws.operations import DynamoOperations
from core.adapters.system import SystemClock
from core.domain.operation import Operation, StepRecord
from demo.approvers import Approvers
from demo.requests import TENANT
from events import identity
from events.vocabulary import OperationStatus, Phase, StepStatus
from local.cloud import Cloud, EnvironmentName
from ops.watch import watch

SECONDS_BETWEEN_LOOKS = 0.3
ACCEPTED_WITHIN_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Work:
    """What the demo works with."""

    machine: dict[str, Any]
    accounts: Mapping[EnvironmentName, Cloud]
    console: Console
    timings: dict[str, float]

    def do(
        self,
        environment: EnvironmentName,
        queue: str,
        body: dict[str, Any],
        *,
        ends: OperationStatus = OperationStatus.COMPLETED,
        approvers: Approvers | None = None,
    ) -> Operation:
        """Send a request, watch its operation to the end, and return it.

        Raises SystemExit when it is not accepted or ends in another way than it should.
        """
        operation_id, store = self._id(environment, body), self._store(environment)
        url = self.machine["accounts"][environment]["queues"][queue]
        self.accounts[environment].sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))
        self.console.print(f"[dim]{json.dumps(body)}[/dim]", soft_wrap=True)
        self._await_acceptance(store, operation_id)
        if approvers is not None:
            approvers.start()
        clock = SystemClock()
        ended = watch(store, operation_id, self.console, clock, SECONDS_BETWEEN_LOOKS)
        name = body["correlationId"].rpartition("-")[0].removeprefix("demo-")
        self.timings[name] = (ended.updated_at - ended.created_at).total_seconds()
        if ended.status is not ends:
            raise SystemExit(f"It ended as {ended.status} and not {ends}: {ended.failure}")
        return ended

    def do_approved(
        self, body: dict[str, Any], *, ends: OperationStatus = OperationStatus.COMPLETED
    ) -> Operation:
        """Do a promotion to prod; two people approve it with credentials of their own."""
        approvers = Approvers(
            self.machine, self._store("prod"), self._id("prod", body), body["correlationId"]
        )
        ended = self.do("prod", "promotion", body, ends=ends, approvers=approvers)
        self.console.print(f"approved by {' and '.join(approvers.approved_as)}")
        return ended

    def steps_of(self, operation: Operation) -> Sequence[StepRecord]:
        """Return the records of an operation's steps."""
        return self._store("prod").history(operation.operation_id).steps

    def _id(self, environment: str, body: dict[str, Any]) -> str:
        return identity.operation_id(
            environment, TENANT, body["messageType"], body["idempotencyKey"]
        )

    def _store(self, environment: EnvironmentName) -> DynamoOperations:
        account = self.machine["accounts"][environment]
        client = boto3.client(
            "dynamodb",
            endpoint_url=self.machine["endpoint"],
            region_name=self.machine["region"],
            aws_access_key_id=account["accessKeyId"],
            aws_secret_access_key=account["secretAccessKey"],
        )
        return DynamoOperations(client=client, table_name=f"bbws-wp-operations-{environment}")

    def _await_acceptance(self, store: DynamoOperations, operation_id: str) -> None:
        until = time.monotonic() + ACCEPTED_WITHIN_SECONDS
        while store.get(operation_id) is None:
            if time.monotonic() > until:
                raise SystemExit(
                    f"The request was not accepted within {ACCEPTED_WITHIN_SECONDS} s. If a demo "
                    "has run on this machine before: `make clean`, then again."
                )
            time.sleep(SECONDS_BETWEEN_LOOKS)


def failed_at(steps: Sequence[StepRecord]) -> datetime:
    """Return when the step that turned the operation back had failed."""
    forward = (s for s in steps if s.phase is Phase.FORWARD)
    return next(s.completed_at for s in forward if s.status is StepStatus.FAILED)
