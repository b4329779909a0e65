"""The site that an operation takes down: its record, its name, and every release it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from core.domain.errors import NotFoundError
from core.domain.job_models import Database
from core.domain.names import ReleaseNames, names_of_domain
from core.domain.operation import Json
from core.domain.site import Release
from core.operations.steps.site_at_work import SiteAtWork
from core.ports.certificates import Certificate


@dataclass(frozen=True)
class OwnSite(SiteAtWork):
    """The same questions for each step of a deletion."""

    @property
    def domain_names(self) -> tuple[str, ...]:
        """The names of the customer's own domain; none where the site has no such domain."""
        return names_of_domain(self.site.domain) if self.site.domain else ()

    @property
    def certificate(self) -> Certificate | None:
        """The certificate of the customer's own domain."""
        names = self.domain_names
        return self.context.ports.certificates.find(names) if names else None

    @property
    def releases(self) -> Sequence[Release]:
        """Every release that the site ever had: what is gone already is looked for once more."""
        operation = self.context.operation
        return self.context.ports.sites.list_releases(operation.tenant_id, operation.site_id)

    @property
    def live(self) -> ReleaseNames:
        """The release that was live when the operation took the site over."""
        return self.names.release(int(str(self.noted("live_release"))))

    @cached_property
    def live_record(self) -> Release:
        """Its record; raises NotFoundError when it is gone."""
        found = next((r for r in self.releases if r.number == self.live.number), None)
        if found is None:
            raise NotFoundError(f"The record of release {self.live.number} is gone.")
        return found

    @property
    def database(self) -> Database:
        """The live release's."""
        return Database(secret_id=self.names.database_secret, schema_name=self.live.schema)

    @property
    def tags(self) -> dict[str, str]:
        names = self.names
        return self.context.policy.site_tags(names.tenant_id, names.site_id)

    def noted(self, name: str) -> Json:
        """Return what was noted of the site before anything was changed."""
        return self.context.facts["note_site"][name]
