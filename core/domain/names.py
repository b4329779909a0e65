"""Every name that the fleet gives to a resource, derived from (environment, tenant, site, release).

Two workers that build the same release arrive at the same names, which is what lets each step find
before it creates. Source of the patterns: the platform's seeds and the releases of the design.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from events.formats import Environment


def site_key(tenant_id: str, site_id: str) -> str:
    """Return the site's short key (12 hex digits), stable in every environment.

    MySQL allows 64 characters for a schema and 32 for a user; tenantId and siteId together may
    have 126, so the key is a digest of both.
    """
    return hashlib.sha256(f"{tenant_id}/{site_id}".encode()).hexdigest()[:12]


@dataclass(frozen=True, kw_only=True)
class SiteNames:
    """Names of what a site owns for its whole life in one environment."""

    environment: Environment
    tenant_id: str
    site_id: str

    @property
    def key(self) -> str:
        return site_key(self.tenant_id, self.site_id)

    @property
    def database_user(self) -> str:
        return f"u_{self.key}"

    @property
    def database_secret(self) -> str:
        return f"bbws/{self.environment}/{self.tenant_id}/{self.site_id}/db"

    @property
    def admin_secret(self) -> str:
        """The WordPress administrator's account; never sent in a message."""
        return f"bbws/{self.environment}/{self.tenant_id}/{self.site_id}/admin"

    @property
    def salts_secret(self) -> str:
        """WordPress' keys and salts: one set per site, so that a new release logs nobody out."""
        return f"bbws/{self.environment}/{self.tenant_id}/{self.site_id}/salts"

    @property
    def scratch_schema(self) -> str:
        """Where a backup is restored to, to prove it; never served from."""
        return f"s_{self.key}_scratch"

    @property
    def scratch_root(self) -> str:
        """The same for files."""
        return f"/{self.tenant_id}/{self.key}/scratch"

    def backup_record(self, backup_id: str) -> str:
        """Return the key of a backup's record."""
        return f"{backup_records(self.tenant_id, self.site_id)}{backup_id}.json"

    def backup_folder(self, backup_id: str) -> str:
        """Return the prefix of a backup's dump and content."""
        return f"backups/data/{self.tenant_id}/{self.site_id}/{backup_id}"

    def release(self, number: int) -> ReleaseNames:
        return ReleaseNames(site=self, number=number)


@dataclass(frozen=True, kw_only=True)
class ReleaseNames:
    """Names of what belongs to one release of a site in one environment."""

    site: SiteNames
    number: int
    suffix: str = ""
    """Of a service and target group that stand beside the release's own for a while."""

    @property
    def trial(self) -> ReleaseNames:
        """The same schema and content behind a service of its own: to try containers unseen."""
        return replace(self, suffix="-trial")

    @property
    def schema(self) -> str:
        return f"s_{self.site.key}_r{self.number}"

    @property
    def content_root(self) -> str:
        """The access point's root on the shared file system."""
        return f"/{self.site.tenant_id}/{self.site.key}/r{self.number}"

    @property
    def service(self) -> str:
        """ECS allows 255 characters; the seeds call it `{tenantId}-wordpress`."""
        return f"{self.site.tenant_id}-wordpress-{self.site.key}-r{self.number}{self.suffix}"

    @property
    def log_streams(self) -> str:
        """What the names of its containers' log streams begin with: `<service>/<container>/<task>`.

        The slash belongs to it: r1 is not r10, and a trial's containers are not the release's.
        """
        return f"{self.service}/"

    @property
    def task_family(self) -> str:
        return f"{self.site.tenant_id}-wordpress-{self.site.key}"

    @property
    def target_group(self) -> str:
        """ELBv2 allows 32 characters of letters, digits and hyphens."""
        return f"wp-{self.site.key}-r{self.number}{self.suffix}"

    @property
    def cache_prefix(self) -> str:
        return f"{self.site.key}:r{self.number}:"


def sites_log_group(environment: Environment) -> str:
    """Return the log group that the containers of all sites write to, one stream per container."""
    return f"/aws/ecs/bbws-{environment}/sites"


def tenant_group(environment: Environment, tenant_id: str) -> str:
    """Return the name of a tenant's security group, in whichever network."""
    return f"bbws-wp-{environment}-tenant-{tenant_id}"


def host(subdomain: str, domain: str) -> str:
    """Return the public host name of a site, for example banana.wpsit.kimmyai.io."""
    return f"{subdomain}.{domain}"


def origin(subdomain: str, domain: str) -> str:
    """Return the public origin of a site; every site is served over https."""
    return f"https://{host(subdomain, domain)}"


def names_of_domain(domain: str) -> tuple[str, str]:
    """Return a customer's domain and its twin: with www for one without, and the other way."""
    return domain, domain.removeprefix("www.") if domain.startswith("www.") else f"www.{domain}"


@dataclass(frozen=True, kw_only=True)
class JobReference:
    """Identifies one attempt of one step's container job, across ECS, S3 and the wake-up rules."""

    operation_id: str
    step: str
    attempt: int

    @property
    def started_by(self) -> str:
        """ECS keeps it on the task (at most 128 characters) and repeats it in its events."""
        return f"sitefleet/{self.operation_id}/{self.step}/{self.attempt}"

    @property
    def prefix(self) -> str:
        return f"jobs/{self.operation_id}/{self.step}/{self.attempt}"

    @property
    def description_key(self) -> str:
        return f"{self.prefix}/job.json"

    @property
    def result_key(self) -> str:
        """Its appearance in the transfer bucket wakes the waiting operation."""
        return f"{self.prefix}/result.json"


def transfer_prefix(operation_id: str) -> str:
    """Return the only prefix that an operation's export may write to."""
    return f"transfers/{operation_id}"


def marks_key(release: ReleaseNames) -> str:
    """Return where the marks of a release's cut-over are kept: what is above them is new."""
    return f"releases/{release.site.tenant_id}/{release.site.key}/r{release.number}/marks.json"


def salvage_key(operation_id: str) -> str:
    """Return where the rows go that were written to a release before it was taken back."""
    return f"salvage/{operation_id}/rows.jsonl.zst"


def evidence_key(operation_id: str) -> str:
    """Return where the sealed evidence of an operation is kept."""
    return f"evidence/{operation_id}.json"


def manifest_key(site: SiteNames, release: int) -> str:
    """Return where the content manifest of a release is kept (what a later transfer can skip)."""
    return f"manifests/{site.tenant_id}/{site.key}/r{release}.json"


def backup_records(tenant_id: str | None = None, site_id: str | None = None) -> str:
    """Return the prefix of backup records: all, a tenant's, or a site's."""
    parts = [part for part in (tenant_id, site_id if tenant_id else None) if part]
    return "/".join(["backups", "records", *parts, ""])
