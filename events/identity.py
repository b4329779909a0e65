"""Identifiers that follow from what they name, so the same fact always carries the same id.

Both are UUIDv5 in NAMESPACE over a compact JSON array of the parts. An array cannot be read two
ways, whatever the parts hold, and every language can write one: a sender can compute the
operationId of its own request with

    uuid5("4f3e3a53-2d2b-5c43-9d8c-6a1a5f2c7b10",
          '["prod","tenant-1","SITE_PROMOTION_REQUEST","<idempotencyKey>"]')
"""

import json
from typing import Final
from uuid import UUID, uuid5

NAMESPACE: Final = UUID("4f3e3a53-2d2b-5c43-9d8c-6a1a5f2c7b10")
"""Fixed for ever: changing it would let every finished operation run once more."""


def operation_id(environment: str, tenant_id: str, message_type: str, idempotency_key: str) -> str:
    """The id of the operation that a request starts, or finds again."""
    return _named(environment, tenant_id, message_type, idempotency_key)


def event_id(
    operation_id: str, phase: str, step: str | None, attempt: int, detail_type: str
) -> str:
    """The id of one fact; publishing it twice gives the same id. No step is not an empty step."""
    return _named(operation_id, phase, step, attempt, detail_type)


def rejection_id(environment: str, body_sha256: str) -> str:
    """Stands as operationId for a body that could not be read, so that its rejection has one."""
    return _named("rejected-body", environment, body_sha256)


def _named(*parts: str | int | None) -> str:
    plain = [str(part) if isinstance(part, str) else part for part in parts]
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
    return str(uuid5(NAMESPACE, text))
