"""What later steps ask of the plan that the first ones stored."""

from __future__ import annotations

from core.domain.job_facts import TargetCensusFacts
from core.engine.step import StepContext
from events.requests import SitePromotionPayload


def plan_hash_of(context: StepContext) -> str:
    """Return the hash that approvals are bound to."""
    return str(context.facts["plan"]["plan_hash"])


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
