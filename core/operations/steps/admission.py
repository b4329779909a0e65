"""What every request about a site must meet before it is accepted."""

from __future__ import annotations

from core.domain.errors import RefusedError
from core.engine.workflow import Admission
from events.vocabulary import ErrorCode

ADMITTED = frozenset({"VALIDATED", "REGISTERED"})
"""Tenant states that may have sites (the platform's tenant schema has two more)."""


def check_tenant(admission: Admission, tenant_id: str) -> None:
    """Refuse a tenant that is unknown, not validated yet, suspended or inactive."""
    tenant = admission.ports.tenants.get(tenant_id)
    if tenant is None:
        if admission.policy.admit_unknown_tenants:
            return
        raise RefusedError(
            ErrorCode.PROM_005,
            f"There is no tenant {tenant_id}. Register it before its first site.",
        )
    if tenant.status not in ADMITTED or not tenant.active:
        state = tenant.status if tenant.active else "inactive"
        raise RefusedError(
            ErrorCode.PROM_005, f"Tenant {tenant_id} is {state}; its sites cannot be changed."
        )
