"""The people who approve: each signs with credentials of their own, and sends the message."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import boto3
from botocore.credentials import Credentials

from core.adapters.aws.operations import DynamoOperations
from core.adapters.system import SystemClock
from core.domain.operation import Operation
from core.domain.proof import ProofBinding, ProofDecision
from demo.requests import request
from events.formats import Environment
from events.vocabulary import OperationStatus
from ops.proof import signed_proof

PEOPLE = {"tech-lead": "TECH_LEAD", "operations-lead": "OPERATIONS_LEAD"}
"""Who approves in prod, and as what."""
LOOK_SECONDS = 0.2
LONGEST_SECONDS = 240


class Approvers(threading.Thread):
    """Waits until an operation asks for approval; then each person approves its plan."""

    def __init__(
        self, machine: dict[str, Any], store: DynamoOperations, operation_id: str, run: str
    ) -> None:
        super().__init__(daemon=True)
        self._machine = machine
        self._store = store
        self._operation_id = operation_id
        self._run_id = run
        self.approved_as: list[str] = []

    def run(self) -> None:
        """Approve, once it is asked for; give up with the operation's end."""
        until = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < until:
            operation = self._store.get(self._operation_id)
            if operation and operation.status is OperationStatus.AWAITING_APPROVAL:
                for person, role in PEOPLE.items():
                    self._approve(operation, person, role)
                return
            if operation and operation.is_terminal:
                return
            time.sleep(LOOK_SECONDS)

    def _approve(self, operation: Operation, person: str, role: str) -> None:
        key, region = self._machine["people"]["prod"][person], self._machine["region"]
        plan_hash = str(operation.summary["planHash"])
        binding = ProofBinding(
            operation_id=operation.operation_id,
            plan_hash=plan_hash,
            decision=ProofDecision.APPROVE,
            role=role,
            environment=Environment.PROD,
        )
        headers = signed_proof(
            Credentials(key["accessKeyId"], key["secretAccessKey"]),
            region,
            self._machine["endpoint"],
            binding,
            SystemClock().now(),
        )
        payload = {
            "operationId": operation.operation_id,
            "role": role,
            "planHash": plan_hash,
            "comment": "Read the plan; the way back is there.",
            "proof": {"headers": headers},
        }
        body = request("OPERATION_APPROVAL", f"demo-{person}-{self._run_id}", payload)
        sqs = boto3.client(
            "sqs",
            endpoint_url=self._machine["endpoint"],
            region_name=region,
            aws_access_key_id=key["accessKeyId"],
            aws_secret_access_key=key["secretAccessKey"],
        )
        url = self._machine["accounts"]["prod"]["queues"]["promotion"]
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))
        self.approved_as.append(f"{person} as {role}")
