"""What an update changes and where: the same questions for each of its steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from core.domain.errors import NotFoundError, SitefleetError
from core.domain.job_models import Database
from core.domain.names import ReleaseNames
from core.domain.operation import Json
from core.domain.site import Release
from core.domain.sizes import Size, sized
from core.operations.steps.site_at_work import SiteAtWork
from events.requests import SiteUpdatePayload

if TYPE_CHECKING:
    from events.payloads import SiteChanges


@dataclass(frozen=True)
class Changing(SiteAtWork):
    """One site under an update: how it was before, and what is asked for.

    Nothing is written to its record before the last step.
    """

    @property
    def payload(self) -> SiteUpdatePayload:
        payload = self.context.request.payload
        if not isinstance(payload, SiteUpdatePayload):
            raise SitefleetError(f"{self.context.request.message_type} is no update.")
        return payload

    @property
    def changes(self) -> SiteChanges:
        return self.payload.changes

    @property
    def tenant_id(self) -> str:
        return self.context.operation.tenant_id

    @property
    def site_id(self) -> str:
        return self.context.operation.site_id

    @property
    def release(self) -> ReleaseNames:
        """The live release: an update changes it, or what it runs in."""
        return self.names.release(self.before_number("live_release"))

    @cached_property
    def record(self) -> Release:
        """The live release's record as it stands."""
        number = self.release.number
        found = self.context.ports.sites.get_release(self.tenant_id, self.site_id, number)
        if found is None:
            raise NotFoundError(f"The record of release r{number} of {self.site_id} is gone.")
        return found

    @property
    def target_group_arn(self) -> str:
        return str(self.before("target_group_arn") or "")

    @property
    def database(self) -> Database:
        release = self.release
        return Database(secret_id=self.names.database_secret, schema_name=release.schema)

    @property
    def tags(self) -> dict[str, str]:
        return self.context.policy.site_tags(self.tenant_id, self.site_id)

    def before(self, name: str) -> Json:
        """Return what the survey has noted of the site as it was."""
        return self.context.facts["survey_site"].get(name)

    def before_number(self, name: str) -> int:
        """Return a number that the survey has noted."""
        value = self.before(name)
        return int(value) if isinstance(value, int | str) else 0

    @property
    def size_before(self) -> Size:
        cpu, memory = self.before("cpu_units"), self.before("memory_mib")
        return sized(
            cpu if isinstance(cpu, int) else None, memory if isinstance(memory, int) else None
        )

    @property
    def count_before(self) -> int:
        return self.before_number("desired_count")

    @property
    def count_wanted(self) -> int:
        """How many containers the site has once it is ACTIVE."""
        scale = self.changes.scale
        return scale.desired_count if scale and scale.desired_count else self.count_before
