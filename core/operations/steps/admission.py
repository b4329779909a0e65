"""What every request about a site must meet before it is accepted."""

from __future__ import annotations

from core.domain.errors import RefusedError
from core.domain.tenancy import BASIC, Tier, check_status, level_of, quota_sentence
from core.engine.workflow import Admission
from events.rejections import OPERATION_TYPES
from events.requests import Request, SiteChanges, SiteCreationPayload, SiteUpdatePayload
from events.vocabulary import ErrorCode, OperationType, SiteStatus


def check_tenant(admission: Admission, tenant_id: str) -> None:
    """Refuse a tenant that is unknown, or whose status does not allow this operation (PROM_005)."""
    tenant = admission.ports.tenants.get(tenant_id)
    operation_type = OPERATION_TYPES.get(admission.request.message_type)
    if tenant is None:
        if admission.policy.admit_unknown_tenants or operation_type is OperationType.SITE_DELETION:
            return
        raise RefusedError(
            ErrorCode.PROM_005,
            f"There is no tenant {tenant_id}. Register it before its first site.",
        )
    if operation_type is None or _only_suspends(admission.request):
        return
    check_status(tenant_id, tenant.status, active=tenant.active, operation_type=operation_type)


def check_place(admission: Admission, payload: SiteCreationPayload) -> None:
    """Refuse, before anything is made, a level or a site too many; the reservation decides."""
    tier = tier_of(admission, payload.tenant_id)
    level_of(tier, payload.isolation_level, admission.ports.networks.offered_levels())
    held = admission.ports.sites.places(payload.tenant_id)
    if payload.site_id not in held and len(held) >= tier.most_sites:
        raise RefusedError(
            ErrorCode.SITE_004,
            quota_sentence(payload.tenant_id, tier, len(held)),
            details={"used": str(len(held)), "allowed": str(tier.most_sites)},
        )


def tier_of(admission: Admission, tenant_id: str) -> Tier:
    """Return the tier of a tenant; of an unknown one that policy admits, the lowest."""
    tenant = admission.ports.tenants.get(tenant_id)
    return admission.policy.tier(tenant.tier if tenant else BASIC)


def _only_suspends(request: Request) -> bool:
    """Suspending a site is how a suspended tenant is carried out; it is always possible."""
    payload = request.payload
    return isinstance(payload, SiteUpdatePayload) and payload.changes == SiteChanges(
        status=SiteStatus.SUSPENDED
    )
