"""TenantDirectory: the platform's tenants table, read only."""

from __future__ import annotations

import pytest

from core.adapters.aws.tenants import DynamoTenants
from core.adapters.memory.tenants import MemoryTenants
from core.ports.sites import Tenant, TenantDirectory
from tests.contract.backends import Backend, Memory

PREMIUM = Tenant(
    tenant_id="tenant-1",
    status="REGISTERED",
    tier="premium",
    active=False,
    email="jane@customer.example",
    organization_name="Jane & Sons",
)
PLAIN = Tenant(tenant_id="tenant-2", status="VALIDATED")


@pytest.fixture
def tenants(backend: Backend) -> TenantDirectory:
    if isinstance(backend, Memory):
        backend.world.tenants.update({"tenant-1": PREMIUM, "tenant-2": PLAIN})
        return MemoryTenants(backend.world)
    table = backend.make_table("tenants")
    for item in (
        {
            "status": {"S": "REGISTERED"},
            "tier": {"S": "PREMIUM"},
            "active": {"BOOL": False},
            "email": {"S": "jane@customer.example"},
            "organizationName": {"S": "Jane & Sons"},
        },
        {"status": {"S": "VALIDATED"}},
    ):
        number = 1 if "tier" in item else 2
        key = {"PK": {"S": f"TENANT#tenant-{number}"}, "SK": {"S": "METADATA"}}
        backend.clients.dynamodb.put_item(TableName=table, Item={**key, **item})
    return DynamoTenants(backend.clients.dynamodb, table)


def test_a_tenant_is_read_with_tier_and_status(tenants: TenantDirectory):
    assert tenants.get("tenant-1") == PREMIUM


def test_what_the_schema_leaves_out_has_defaults(tenants: TenantDirectory):
    assert tenants.get("tenant-2") == PLAIN


def test_an_unknown_tenant_is_none(tenants: TenantDirectory):
    assert tenants.get("tenant-3") is None


def test_who_the_customer_is_does_not_show_in_a_repr(tenants: TenantDirectory):
    shown = repr(tenants.get("tenant-1"))
    assert "jane@customer.example" not in shown
    assert "Jane" not in shown
