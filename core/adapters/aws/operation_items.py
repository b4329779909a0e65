"""How operations and steps look in DynamoDB.

DynamoDB bills writes by the kilobyte, and every claim and commit writes the operation item: names
are short, what follows from other attributes is not stored, and what is None is left out.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from core.adapters.aws.step_codes import plan_of, plan_text
from core.domain.operation import Fact, Facts, Failure, Operation, StepRecord, Turn
from events.formats import Environment
from events.vocabulary import DetailType, OperationStatus, OperationType, Phase, StepStatus

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, UniversalAttributeValueTypeDef

type Item = Mapping[str, "AttributeValueTypeDef"]
type NewItem = dict[str, "UniversalAttributeValueTypeDef"]

OPERATION_SK: Final = "OPERATION"
REQUEST_SK: Final = "REQUEST"
LOCK_SK: Final = "LOCK"
PLAIN_BYTES: Final = 256
DUE_SHARD: Final = "due"
"""One partition holds what is due: a few entries per second at the most."""
STANDING_SHARD: Final = "standing"
"""Beside it: what nothing but a person's message will move; since when, in the place of `dueAt`."""


def operation_pk(operation_id: str) -> str:
    """Return the partition of an operation, its request, steps and failures."""
    return f"OPERATION#{operation_id}"


def site_pk(tenant_id: str, site_id: str) -> str:
    """Return the partition of a site's lock and waiters."""
    return f"SITE#{tenant_id}#{site_id}"


def tenant_pk(tenant_id: str) -> str:
    """Return the partition of a tenant's turns and of the operations that wait for one."""
    return f"TENANT#{tenant_id}"


def step_sk(phase: Phase, step: str) -> str:
    """Return the sort key of a step's result."""
    return f"STEP#{phase}#{step}"


def when(moment: datetime) -> str:
    """Return a moment so that texts sort like times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def created_item(operation: Operation) -> NewItem:
    """Return the whole operation item, as it is first stored."""
    fixed: NewItem = {
        "PK": {"S": operation_pk(operation.operation_id)},
        "SK": {"S": OPERATION_SK},
        "opType": {"S": operation.operation_type},
        "env": {"S": operation.environment},
        "siteRef": {"S": f"{operation.tenant_id}#{operation.site_id}"},
        "correlation": {"S": operation.correlation_id},
        "hash": {"S": operation.request_hash},
        "plan": {"S": plan_text(operation.plan)},
        "fence": {"N": str(operation.fence)},
        "cancel": {"BOOL": operation.cancel_requested},
        "lockHeld": {"BOOL": operation.lock_held},
        "createdAt": {"S": when(operation.created_at)},
        "createdDay": {"S": f"{operation.created_at:%Y-%m-%d}"},
    }
    if operation.requested_by is not None:
        fixed["by"] = {"S": operation.requested_by}
    return {**fixed, **{k: v for k, v in moving_attributes(operation).items() if v is not None}}


def moving_attributes(operation: Operation) -> dict[str, UniversalAttributeValueTypeDef | None]:
    """Return what a commit writes; None where the attribute is to be removed."""
    return {
        "status": {"S": operation.status},
        "phase": {"S": operation.phase},
        "at": {"N": str(operation.cursor)},
        "step": _text(operation.step),
        "attempt": {"N": str(operation.attempt)},
        "waitNo": {"N": str(operation.wait_number)},
        "eventId": {"S": operation.event_id},
        "head": {"S": _fact_text(operation.head)},
        "cause": _text(operation.cause_event_id),
        "headMs": _milliseconds(operation.head_seconds),
        "owner": _text(operation.lease_owner),
        "leaseTo": _moment(operation.lease_until),
        "since": _moment(operation.step_since),
        "stalled": _moment(operation.stalled_since),
        "waitsFor": _text(operation.waiting_for),
        "failure": _text(_failure_text(operation.failure)),
        "summary": _text(_json(operation.summary) if operation.summary else None),
        "cutOver": {"BOOL": True} if operation.cut_over else None,
        **_index_of_due(operation),
        "turn": _text(operation.turn),
        "replayOf": _text(operation.replay_of),
        "updatedAt": {"S": when(operation.updated_at)},
        "doneAt": _moment(operation.completed_at),
    }


def _index_of_due(operation: Operation) -> dict[str, UniversalAttributeValueTypeDef | None]:
    """Return when the sweeper looks again, or, where it does not, that people have to."""
    if operation.due_at is not None:
        return {"dueAt": _moment(operation.due_at), "dueShard": {"S": DUE_SHARD}}
    if not operation.stands:
        return {"dueAt": None, "dueShard": None}
    return {"dueAt": _moment(operation.updated_at), "dueShard": {"S": STANDING_SHARD}}


def _stands(item: Item) -> bool:
    return _read_text(item, "dueShard") == STANDING_SHARD


def operation_of(item: Item) -> Operation:
    """Read an operation item."""
    tenant_id, _, site_id = item["siteRef"]["S"].partition("#")
    return Operation(
        operation_id=item["PK"]["S"].removeprefix("OPERATION#"),
        operation_type=OperationType(item["opType"]["S"]),
        tenant_id=tenant_id,
        site_id=site_id,
        environment=Environment(item["env"]["S"]),
        correlation_id=item["correlation"]["S"],
        request_hash=item["hash"]["S"],
        plan=plan_of(item["plan"]["S"]),
        status=OperationStatus(item["status"]["S"]),
        phase=Phase(item["phase"]["S"]),
        cursor=int(item["at"]["N"]),
        attempt=int(item["attempt"]["N"]),
        wait_number=int(item["waitNo"]["N"]),
        head=_fact_of(item["head"]["S"]),
        cause_event_id=_read_text(item, "cause"),
        head_seconds=_read_seconds(item, "headMs"),
        fence=int(item["fence"]["N"]),
        lease_owner=_read_text(item, "owner"),
        lease_until=_read_moment(item, "leaseTo"),
        step_since=_read_moment(item, "since"),
        cancel_requested=item["cancel"]["BOOL"],
        cancel_reason=_read_text(item, "cancelWhy"),
        stalled_since=_read_moment(item, "stalled"),
        waiting_for=_read_text(item, "waitsFor"),
        failure=_failure_of(_read_text(item, "failure")),
        summary=json.loads(_read_text(item, "summary") or "{}"),
        cut_over="cutOver" in item,
        lock_held=item["lockHeld"]["BOOL"],
        turn=Turn(item["turn"]["S"]) if "turn" in item else None,
        replay_of=_read_text(item, "replayOf"),
        requested_by=_read_text(item, "by"),
        due_at=None if _stands(item) else _read_moment(item, "dueAt"),
        created_at=datetime.fromisoformat(item["createdAt"]["S"]),
        updated_at=datetime.fromisoformat(item["updatedAt"]["S"]),
        completed_at=_read_moment(item, "doneAt"),
    )


def step_item(record: StepRecord) -> NewItem:
    """Return the item of one step's result."""
    item: NewItem = {
        "PK": {"S": operation_pk(record.operation_id)},
        "SK": {"S": step_sk(record.phase, record.step)},
        "attempt": {"N": str(record.attempt)},
        "fence": {"N": str(record.fence)},
        "status": {"S": record.status},
        "facts": _packed(_json(record.facts)),
        "summary": {"S": _json(record.summary)},
        "startedAt": {"S": when(record.started_at)},
        "completedAt": {"S": when(record.completed_at)},
    }
    failure = _failure_text(record.failure)
    if failure is not None:
        item["failure"] = {"S": failure}
    return item


def step_of(item: Item) -> StepRecord:
    """Read a step item."""
    _, phase, step = item["SK"]["S"].split("#", 2)
    return StepRecord(
        operation_id=item["PK"]["S"].removeprefix("OPERATION#"),
        phase=Phase(phase),
        step=step,
        attempt=int(item["attempt"]["N"]),
        fence=int(item["fence"]["N"]),
        status=StepStatus(item["status"]["S"]),
        facts=json.loads(_unpacked(item["facts"])),
        summary=json.loads(item["summary"]["S"]),
        failure=_failure_of(_read_text(item, "failure")),
        started_at=datetime.fromisoformat(item["startedAt"]["S"]),
        completed_at=datetime.fromisoformat(item["completedAt"]["S"]),
    )


# --- inside ---------------------------------------------------------------------------------


def _text(value: str | None) -> UniversalAttributeValueTypeDef | None:
    return None if value is None else {"S": value}


def _moment(value: datetime | None) -> UniversalAttributeValueTypeDef | None:
    return None if value is None else {"S": when(value)}


def _milliseconds(seconds: float | None) -> UniversalAttributeValueTypeDef | None:
    return None if seconds is None else {"N": str(round(seconds * 1000))}


def _packed(text: str) -> UniversalAttributeValueTypeDef:
    """Long facts are stored compressed: every later step reads them, billed by 4 kilobytes."""
    content = text.encode()
    return {"S": text} if len(content) <= PLAIN_BYTES else {"B": zlib.compress(content, 9)}


def _unpacked(value: AttributeValueTypeDef) -> str:
    return value["S"] if "S" in value else zlib.decompress(value["B"]).decode()


def _json(value: Facts) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _fact_text(fact: Fact) -> str:
    return f"{fact.detail_type}|{fact.phase}|{fact.step or ''}|{fact.attempt}"


def _fact_of(text: str) -> Fact:
    detail_type, phase, step, attempt = text.split("|")
    return Fact(
        detail_type=DetailType(detail_type),
        phase=Phase(phase),
        step=step or None,
        attempt=int(attempt),
    )


def _failure_text(failure: Failure | None) -> str | None:
    if failure is None:
        return None
    return _json(
        {
            "code": failure.code,
            "message": failure.message,
            "step": failure.step,
            "details": dict(failure.details),
            **({"ends_as": failure.ends_as} if failure.ends_as else {}),
        }
    )


def _failure_of(text: str | None) -> Failure | None:
    if text is None:
        return None
    values = json.loads(text)
    ends_as = values.pop("ends_as", None)
    return Failure(**values, ends_as=OperationStatus(ends_as) if ends_as else None)


def _read_text(item: Item, name: str) -> str | None:
    return item[name]["S"] if name in item else None


def _read_moment(item: Item, name: str) -> datetime | None:
    text = _read_text(item, name)
    return None if text is None else datetime.fromisoformat(text)


def _read_seconds(item: Item, name: str) -> float | None:
    return int(item[name]["N"]) / 1000 if name in item else None
