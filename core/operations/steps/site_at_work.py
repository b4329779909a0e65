"""The site that an operation works on: the questions that more than one workflow asks of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from core.domain.errors import NotFoundError
from core.domain.names import SiteNames, host
from core.domain.site import Site
from core.engine.step import StepContext


@dataclass(frozen=True)
class SiteAtWork:
    """Its record, its names, and where visitors find it."""

    context: StepContext

    @cached_property
    def site(self) -> Site:
        """The record as it is now; raises NotFoundError when it is gone."""
        operation = self.context.operation
        site = self.context.ports.sites.get(operation.tenant_id, operation.site_id)
        if site is None:
            raise NotFoundError(f"The record of site {operation.site_id} is gone.")
        return site

    @property
    def names(self) -> SiteNames:
        operation = self.context.operation
        return SiteNames(
            environment=operation.environment,
            tenant_id=operation.tenant_id,
            site_id=operation.site_id,
        )

    @property
    def host(self) -> str:
        """The platform's own name of the site: its listener rule has it."""
        return host(self.site.subdomain, self.context.policy.here.domain)

    @property
    def site_url(self) -> str:
        return self.site.url(self.context.policy.here.domain)
