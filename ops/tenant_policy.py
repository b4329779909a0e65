"""What a tenant's tier allows, by the policy file of the environment that a command talks to."""

from __future__ import annotations

from core.bootstrap import load_policy
from core.domain.errors import RefusedError
from core.domain.tenancy import Tier
from core.ports.sites import Tenant
from ops.connection import Connection
from ops.errors import BadInputError


def tier_here(connection: Connection, tenant: Tenant) -> Tier:
    """Return the tier of a tenant; raises BadInputError for one that the policy does not know."""
    local = "local-" if connection.place.is_one_machine else ""
    try:
        return load_policy(f"{local}{connection.environment}").tier(tenant.tier)
    except RefusedError as refused:
        raise BadInputError(refused.message) from refused
