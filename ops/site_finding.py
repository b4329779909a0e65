"""Finding the one site that a command is about."""

from __future__ import annotations

from core.domain.errors import ConfigurationError, NotFoundError
from core.domain.site import Site
from ops.connection import Connection
from ops.errors import BadInputError


def check_place(connection: Connection, site: Site) -> None:
    """Refuse to go on where the credentials open another environment's account."""
    if site.environment is not connection.environment:
        raise ConfigurationError(
            f"These credentials open the account of {site.environment}, not of "
            f"{connection.environment}. Use the profile of {connection.environment}, or "
            f"--env {site.environment}."
        )


def find_site(connection: Connection, site_id: str, tenant_id: str | None) -> Site:
    """Return the one site of this id; raises NotFoundError, or BadInputError where two have it."""
    if tenant_id is not None:
        site = connection.sites.get(tenant_id, site_id)
        found = [] if site is None else [site]
    else:
        found = [site for site in connection.sites.list_sites() if site.site_id == site_id]
    if not found:
        of = f" of tenant {tenant_id}" if tenant_id is not None else ""
        raise NotFoundError(
            f"There is no site {site_id}{of} in {connection.environment}. "
            f"See what there is: sitefleet sites list --env {connection.environment}"
        )
    if len(found) > 1:
        tenants = ", ".join(site.tenant_id for site in found)
        raise BadInputError(f"Several tenants have a site {site_id}: say --tenant-id ({tenants}).")
    check_place(connection, found[0])
    return found[0]
