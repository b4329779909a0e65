"""Promotions that fail: which request, which steps, and the case that comes of it."""

from __future__ import annotations

import json
import secrets
from typing import Any

from core.bootstrap import load_policy
from core.operations.promotion import plan_of
from demo.requests import TENANT, request
from events.decode import decode
from tests.failures.cases import Case, fail
from tests.failures.consumers import Worker
from tests.failures.target import State, Target

POLICY = "local-sit"
LAST = "seal_record"
FIRST_PROMOTION = ("reserve_release", "cut_over", LAST)
"""Steps that fail in the first promotion of a site: nothing of it may be left."""


def promotion(site_id: str) -> dict[str, Any]:
    """Return a request to promote a site from dev to sit."""
    path = {"sourceEnvironment": "dev", "targetEnvironment": "sit"}
    payload = {"siteId": site_id, "tenantId": TENANT, **path}
    return request("SITE_PROMOTION_REQUEST", f"fail-{secrets.token_hex(8)}", payload)


def planned_steps() -> tuple[str, ...]:
    """Return the steps of a promotion under the policy of sit on one machine."""
    return plan_of(decode(json.dumps(promotion("site-plan"))), load_policy(POLICY))


def failed_promotion(worker: Worker, target: Target, before: State, step: str) -> Case:
    """Promote a site with a step that fails after its work; see what it leaves."""
    return fail(worker, target, before, promotion(target.site_id), step)
