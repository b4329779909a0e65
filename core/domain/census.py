"""A census: what a site consists of, counted. The evidence of a plan, readable by a person."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from core.domain.job_models import Check, JobModel
from events.formats import Environment, SiteId, TenantId


class ContentSummary(JobModel):
    """Files and bytes per top folder of wp-content."""

    files: int
    size_bytes: int
    folders: dict[str, int] = Field(default_factory=dict)
    """Bytes per first path part."""


class PageSummary(JobModel):
    """One page, reduced to what two environments must have in common."""

    title: str
    links: list[str] = Field(default_factory=list)
    """Paths of links within the site, sorted, once each; without what differs per visitor."""
    text_length: int
    """Characters of visible text, white space not counted."""
    mojibake: int = 0
    """Suspicious sequences (a double-encoded quote, U+FFFD) in it, its login page and REST root."""
    php_messages: int = 0
    """Warnings, notices, deprecations and fatal errors of PHP in the same three answers."""
    php_version: str = ""
    """What the server says it runs (X-Powered-By); empty where it does not say."""


class Census(JobModel):
    """What a site consists of, counted: the evidence of a plan."""

    tenant_id: TenantId
    site_id: SiteId
    environment: Environment
    site_name: str
    subdomain: str
    site_url: str
    release: int
    site_version: int
    image_digest: str
    wordpress_version: str
    php_version: str
    theme: str
    plugins: dict[str, str] = Field(default_factory=dict)
    """Active plugins: file -> version."""
    permalinks: str
    tables: dict[str, int] = Field(default_factory=dict)
    """Table -> rows, counted with COUNT(*)."""
    posts: dict[str, int] = Field(default_factory=dict)
    """post_type:post_status -> count."""
    content: ContentSummary
    isolation_level: int = 1
    replacements: dict[str, int] = Field(default_factory=dict)
    """Table -> addresses that the move would replace (dry run); empty when none were asked for."""
    front_page: PageSummary | None = None
    """What a visitor sees on the front page, for comparison."""
    rights: list[Check] = Field(default_factory=list)
    """Every right that was tried in the source's account."""
    live_since: AwareDatetime | None = None
    """When the live release went live, by its record."""
    target_group_arn: str | None = None
    """The live release's: by its metrics the site's health is told."""
    load_balancer_arn: str | None = None
    """The load balancer in front of it, as the job's task was told."""
    database_size_bytes: int = 0
    """Tables and their indexes, by information_schema."""
    domain_bound_options: list[str] = Field(default_factory=list)
    """Options that look like keys bound to a domain (reCAPTCHA and the like; names, never values):
    they need the target's own keys, or to be among its kept options."""
