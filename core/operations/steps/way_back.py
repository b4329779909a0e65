"""From which release to which a rollback goes: the same questions for each of its steps."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.errors import NotFoundError
from core.domain.names import ReleaseNames
from core.domain.site import Release
from core.operations.steps.site_at_work import SiteAtWork


@dataclass(frozen=True)
class WayBack(SiteAtWork):
    """From the release that is live now to the one that is to be live again."""

    @property
    def former(self) -> ReleaseNames:
        """The release to go back to."""
        return self.names.release(self._number("to_release"))

    @property
    def failed(self) -> ReleaseNames:
        """The release that was live when the rollback was asked for."""
        return self.names.release(self._number("from_release"))

    def record_of(self, release: ReleaseNames) -> Release:
        """Return a release's record; raises NotFoundError when it is gone."""
        names = release.site
        found = self.context.ports.sites.get_release(names.tenant_id, names.site_id, release.number)
        if found is None:
            raise NotFoundError(f"The record of release {release.number} is gone.")
        return found

    def target_group_of(self, release: ReleaseNames) -> str:
        return self.record_of(release).target_group_arn or ""

    def _number(self, name: str) -> int:
        value = self.context.facts["choose_release"][name]
        return int(value) if isinstance(value, int | str) else 0
