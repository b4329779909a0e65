"""What a release is built from and where it goes: the same questions for creation and promotion."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from core.domain import names
from core.domain.census import Census
from core.domain.job_models import Database
from core.domain.names import ReleaseNames, SiteNames
from core.domain.protection import Protection, protection_of
from core.domain.site_backup import SiteBackup
from core.domain.sizes import Size, sized
from core.engine.step import StepContext
from core.ports.jobs import Where
from events.formats import Environment
from events.requests import (
    SiteCreationPayload,
    SitePromotionPayload,
    SiteRestorePayload,
    SiteUpdatePayload,
)


@dataclass(frozen=True)
class Move:
    """One release on its way from a source (if it has one) to its target."""

    context: StepContext

    @property
    def tenant_id(self) -> str:
        return self.context.operation.tenant_id

    @property
    def site_id(self) -> str:
        return self.context.operation.site_id

    @property
    def site(self) -> SiteNames:
        return SiteNames(
            environment=self.context.policy.environment,
            tenant_id=self.tenant_id,
            site_id=self.site_id,
        )

    @property
    def release(self) -> ReleaseNames:
        """The release under construction; its number comes from the reserve step."""
        return self.site.release(self._integer("reserve_release", "release"))

    @property
    def live_release(self) -> ReleaseNames | None:
        """The release that is live in the target while this one is built."""
        number = self.context.facts["reserve_release"].get("live_release")
        return self.site.release(number) if isinstance(number, int) else None

    @cached_property
    def census(self) -> Census:
        """What the plan counted in the source."""
        return Census.model_validate(self.context.facts["plan"]["census"])

    @cached_property
    def backup(self) -> SiteBackup:
        """What a restore is built from."""
        return SiteBackup.model_validate(self.context.facts["find_backup"]["backup"])

    @property
    def is_restore(self) -> bool:
        return isinstance(self.context.request.payload, SiteRestorePayload)

    @property
    def origin(self) -> Census | SiteBackup:
        """What tells of the site that is copied: the plan's census, or a restore's backup."""
        return self.backup if self.is_restore else self.census

    @property
    def subdomain(self) -> str:
        payload = self.context.request.payload
        if isinstance(payload, SiteCreationPayload):
            return payload.subdomain
        if self.is_restore:
            return str(self.context.facts["find_backup"]["subdomain"])
        return self.census.subdomain

    @property
    def site_name(self) -> str:
        payload = self.context.request.payload
        if isinstance(payload, SiteCreationPayload):
            return payload.site_name
        return self.origin.site_name

    @property
    def host(self) -> str:
        return names.host(self.subdomain, self.context.policy.here.domain)

    @property
    def site_url(self) -> str:
        """The origin of the release: a customer's own domain, or the platform's name."""
        payload, reserved = self.context.request.payload, self.context.facts.get("reserve_release")
        domain = reserved.get("domain") if reserved else None
        if isinstance(payload, SiteUpdatePayload):
            domain = payload.changes.domain
        platform = names.origin(self.subdomain, self.context.policy.here.domain)
        return f"https://{domain}" if domain else platform

    @property
    def source_site_id(self) -> str:
        """The site that is copied: the cloned one, or the same site in the environment before."""
        payload = self.context.request.payload
        if isinstance(payload, SiteCreationPayload) and payload.clone_from is not None:
            return payload.clone_from
        return self.site_id

    @property
    def source_environment(self) -> Environment:
        payload = self.context.request.payload
        if isinstance(payload, SitePromotionPayload):
            return payload.source_environment
        return self.context.policy.environment

    @property
    def source_account(self) -> Where:
        """In which account census and export run."""
        here = self.source_environment is self.context.policy.environment
        return Where.HERE if here else Where.SOURCE

    @property
    def database(self) -> Database:
        return Database(secret_id=self.site.database_secret, schema_name=self.release.schema)

    @property
    def protection(self) -> Protection:
        """What the target keeps, and which part of the source travels."""
        rules = self.context.policy.promotion
        payload = self.context.request.payload
        if rules is None or not isinstance(payload, SitePromotionPayload):
            return Protection()
        return protection_of(
            rules.protection, payload, has_live_release=self.live_release is not None
        )

    @property
    def desired_count(self) -> int:
        """How many containers the site has, also in its next release."""
        count = self.context.facts["reserve_release"].get("desired_count")
        return count if isinstance(count, int) else 1

    @property
    def size(self) -> Size:
        """How large they are."""
        reserved = self.context.facts["reserve_release"]
        cpu, memory = reserved.get("cpu_units"), reserved.get("memory_mib")
        return sized(
            cpu if isinstance(cpu, int) else None, memory if isinstance(memory, int) else None
        )

    @property
    def tags(self) -> dict[str, str]:
        return self.context.policy.site_tags(self.tenant_id, self.site_id)

    def _integer(self, step: str, name: str) -> int:
        value = self.context.facts[step][name]
        return int(value) if isinstance(value, int | str) else 0
