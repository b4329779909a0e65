"""The plan that people agree to: its hash, and what later steps ask of it."""

from __future__ import annotations

import hashlib
import json

from core.domain.job_facts import TargetCensusFacts
from core.engine.step import StepContext
from events.requests import SitePromotionPayload


def plan_hash_of(context: StepContext) -> str:
    """Return the hash that approvals are bound to.

    A promotion's plan is made from a census of its source; every other operation's is what it was
    asked to do, to the site as it was when people were asked.
    """
    planned = context.facts.get("plan") or context.facts.get("request_approval")
    return str(planned["plan_hash"]) if planned else request_hash(context)


def request_hash(context: StepContext) -> str:
    """Return the hash over what an operation without a census would do now.

    It covers the request, the site's live release and its record's version, and the policy.
    """
    operation = context.operation
    site = context.ports.sites.get(operation.tenant_id, operation.site_id)
    decided = {
        "operationType": operation.operation_type,
        "environment": operation.environment,
        "tenantId": operation.tenant_id,
        "siteId": operation.site_id,
        "payload": context.request.payload.model_dump(mode="json", exclude_none=True),
        "baseRelease": site.live_release if site else None,
        "siteVersion": site.version if site else None,
        "policyVersion": context.policy.version,
    }
    text = json.dumps(decided, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def target_census(context: StepContext) -> TargetCensusFacts:
    """Return what was counted in the target."""
    return TargetCensusFacts.model_validate(context.facts["survey_target"]["target"])


def promotion_payload(context: StepContext) -> SitePromotionPayload | None:
    """Return the request's payload where it is a promotion's."""
    payload = context.request.payload
    return payload if isinstance(payload, SitePromotionPayload) else None


def is_emergency(context: StepContext) -> bool:
    """Tell whether the promotion names an incident."""
    payload = promotion_payload(context)
    return payload is not None and payload.emergency is not None
