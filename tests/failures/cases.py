"""Which step fails in which site's promotion, and what came of it."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

from core.bootstrap import load_policy
from core.domain.operation import Operation
from core.operations.promotion import plan_of
from demo.requests import TENANT, request
from events.decode import decode
from tests.failures.consumers import Promoter
from tests.failures.target import State, Target, differences

POLICY = "local-sit"
LAST = "seal_record"
FIRST_PROMOTION = ("reserve_release", "cut_over", LAST)
"""Steps that fail in the first promotion of a site: nothing of it may be left."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One promotion that failed at one step."""

    step: str
    operation: Operation
    differences: dict[str, Any]
    before: State
    left: list[str]
    """Of what was transferred."""
    seconds: float


def promotion(site_id: str) -> dict[str, Any]:
    """Return a request to promote a site from dev to sit."""
    path = {"sourceEnvironment": "dev", "targetEnvironment": "sit"}
    payload = {"siteId": site_id, "tenantId": TENANT, **path}
    return request("SITE_PROMOTION_REQUEST", f"fail-{secrets.token_hex(8)}", payload)


def planned_steps() -> tuple[str, ...]:
    """Return the steps of a promotion under the policy of sit on one machine."""
    return plan_of(decode(json.dumps(promotion("site-plan"))), load_policy(POLICY))


def fail(promoter: Promoter, target: Target, before: State, step: str) -> Case:
    """Promote a site with a step that fails after its work; see what it leaves."""
    started = time.monotonic()
    operation = promoter.promote(promotion(target.site_id), fails_at=step)
    after = target.state()
    return Case(
        step=step,
        operation=operation,
        differences=differences(before, after),
        before=before,
        left=target.transferred(operation.operation_id),
        seconds=time.monotonic() - started,
    )
