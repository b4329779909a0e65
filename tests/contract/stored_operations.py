"""Operations as the engine leaves them, and the three stores that keep them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.adapters.aws.operations import DynamoOperations
from core.adapters.aws.operations_table import table_definition
from core.adapters.memory.operations import MemoryOperationStore
from core.domain.operation import Fact, Operation, StepRecord
from core.ports.operation_store import ClaimRequest, OperationStore
from events.formats import Environment
from events.vocabulary import DetailType, OperationStatus, OperationType, Phase, StepStatus
from tests.contract.backends import Memory

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
LEASE = timedelta(seconds=90)


def store_on(backend) -> OperationStore:
    """An empty operation store, whatever it runs on."""
    if isinstance(backend, Memory):
        return MemoryOperationStore()
    backend.clients.dynamodb.create_table(**TABLE)
    return DynamoOperations(client=backend.clients.dynamodb, table_name="operations")


TABLE = table_definition("operations")


def accepted_fact() -> Fact:
    return Fact(
        detail_type=DetailType.OPERATION_ACCEPTED, phase=Phase.FORWARD, step=None, attempt=0
    )


def operation(number: int = 1, site: str = "site-1") -> Operation:
    return Operation(
        operation_id=f"00000000-0000-5000-8000-{number:012d}",
        operation_type=OperationType.SITE_PROMOTION,
        tenant_id="tenant-1",
        site_id=site,
        environment=Environment.SIT,
        correlation_id="corr-1",
        request_hash="0" * 32,
        plan=("plan", "export_source", "switch"),
        status=OperationStatus.PENDING,
        head=accepted_fact(),
        due_at=NOW + timedelta(minutes=5),
        created_at=NOW,
        updated_at=NOW,
    )


def claim(
    store: OperationStore, op: Operation, *, owner: str = "w1", now: datetime = NOW, **over
) -> Operation | None:
    request = ClaimRequest(
        **{
            "operation_id": op.operation_id,
            "event_id": op.event_id,
            "wait_number": op.wait_number,
            "owner": owner,
            "now": now,
            "lease_until": now + LEASE,
            **over,
        }
    )
    answer = store.claim(request)
    return answer.operation if answer.granted else None


def moved(op: Operation, **changes) -> Operation:
    """The operation one step on, its lease given back."""
    head = Fact(
        detail_type=DetailType.STEP_COMPLETED, phase=op.phase, step=op.step, attempt=op.attempt
    )
    return replace(
        op,
        **{
            "head": head,
            "cause_event_id": op.event_id,
            "cursor": op.cursor + 1,
            "lease_owner": None,
            "lease_until": None,
            "step_since": None,
            "wait_number": 0,
            "status": OperationStatus.IN_PROGRESS,
            **changes,
        },
    )


def record(op: Operation, **over) -> StepRecord:
    return StepRecord(
        **{
            "operation_id": op.operation_id,
            "phase": Phase.FORWARD,
            "step": "plan",
            "attempt": 0,
            "fence": 1,
            "status": StepStatus.COMPLETED,
            "facts": {"rows": {"wp_posts": 3}, "ok": True, "text": "ümlaut 😀"},
            "summary": {"release": 2},
            "started_at": NOW,
            "completed_at": NOW + timedelta(seconds=2),
            **over,
        }
    )
