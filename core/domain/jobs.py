"""What the fleet asks of the container job, and what the job answers: the contract between the two.

A step writes a `JobDescription` to the transfer bucket and starts one ECS task whose command is
`run s3://bucket/jobs/<operation>/<step>/<attempt>/job.json`; the job writes a `JobResult` beside
it. Secrets are named, never contained. Every job can be run again: it finds before it creates.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel

from events.formats import Environment, SiteId, TenantId


class JobModel(BaseModel):
    """Base of job descriptions and results: frozen, camelCase as JSON, unknown fields refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class ObjectLocation(JobModel):
    """One object, or one prefix, in S3."""

    bucket: str
    key: str


class Database(JobModel):
    """One release's database: where its credentials are, and its schema."""

    secret_id: str
    """Secret of the site: JSON with host, port, username, password."""
    schema_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,64}$")]


class OriginMapping(JobModel):
    """One origin to replace, for example https://a.wpdev.example by https://a.wpsit.example."""

    source: Annotated[str, Field(pattern=r"^https?://")]
    target: Annotated[str, Field(pattern=r"^https?://")]


class ContentSummary(JobModel):
    """Files and bytes per top folder of wp-content."""

    files: int
    size_bytes: int
    folders: dict[str, int] = Field(default_factory=dict)
    """Bytes per first path part."""


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


class Job(JobModel):
    """What every job carries."""

    operation_id: str
    step: str
    attempt: int
    tenant_id: TenantId
    site_id: SiteId
    correlation_id: str
    result: ObjectLocation
    """Where the JobResult goes."""


class CensusJob(Job):
    """Count what the live release of a site consists of (runs in the account that holds it)."""

    kind: Literal["census"] = "census"
    environment: Environment


class ExportJob(Job):
    """Write dump, content manifest and content packs of the live release to a transfer prefix."""

    kind: Literal["export"] = "export"
    environment: Environment
    release: int
    """The release that the plan saw; another one now means: changed in between."""
    destination: ObjectLocation
    known_manifest: ObjectLocation | None = None
    """Manifest of what the target already has: files with a known sha256 do not travel."""


class ImportJob(Job):
    """Make the new release's schema from a dump, rewritten, counted and compared."""

    kind: Literal["import"] = "import"
    database: Database
    dump: ObjectLocation
    dump_sha256: str
    rows: dict[str, int]
    """Rows that each table of the source had in the dump's snapshot."""
    mappings: list[OriginMapping]
    options: dict[str, str] = Field(default_factory=dict)
    """Options set after the load: home, siteurl."""
    keep_options_from: str | None = None
    """Schema of the live release whose environment-local options are kept."""
    kept_options: list[str] = Field(default_factory=list)


class InstallJob(Job):
    """Make the schema and the content of a fresh WordPress."""

    kind: Literal["install"] = "install"
    database: Database
    content_root: str
    site_url: str
    site_name: str
    admin_secret_id: str
    theme: str | None = None


class ContentJob(Job):
    """Place the content of a release from a transfer and what the target already has."""

    kind: Literal["content"] = "content"
    source: ObjectLocation
    """The transfer prefix with manifest and packs."""
    manifest_sha256: str
    content_root: str
    live_content_root: str | None = None
    """Where files of the target's live release may be copied from."""
    manifest_destination: ObjectLocation
    """Where the placed release's manifest is kept for later transfers."""


class VerifyExpectation(JobModel):
    """What the checks compare with: the source's census and front page."""

    theme: str
    plugins: dict[str, str] = Field(default_factory=dict)
    permalinks: str
    posts: dict[str, int] = Field(default_factory=dict)
    foreign_hosts: list[str] = Field(default_factory=list)
    """Hosts that must occur nowhere: the source's."""


class VerifyJob(Job):
    """Run the checks against a release, by host header or through its public name."""

    kind: Literal["verify"] = "verify"
    site_url: str
    through: Literal["release", "public"]
    """release: the release's own targets, before it is live; public: the load balancer's rule."""
    addresses: list[str]
    """host:port to connect to (a target of the release, or the load balancer)."""
    database: Database
    content_root: str
    expected: VerifyExpectation | None = None
    """None for a fresh site."""


class DropDatabaseJob(Job):
    """Undo: drop the schema of a release that never went live."""

    kind: Literal["drop-database"] = "drop-database"
    database: Database
    drop_user: bool = False
    """Whether the site's database user goes too: it had none before this operation."""


class RemoveContentJob(Job):
    """Undo: remove the content directory of a release that never went live."""

    kind: Literal["remove-content"] = "remove-content"
    content_root: str


class RetireJob(Job):
    """Remove schemas and content directories of releases that nobody can go back to any more."""

    kind: Literal["retire"] = "retire"
    databases: list[Database]
    content_roots: list[str]


type JobDescription = Annotated[
    CensusJob
    | ExportJob
    | ImportJob
    | InstallJob
    | ContentJob
    | VerifyJob
    | DropDatabaseJob
    | RemoveContentJob
    | RetireJob,
    Field(discriminator="kind"),
]

job_adapter: TypeAdapter[JobDescription] = TypeAdapter(JobDescription)


class Check(JobModel):
    """One check's verdict with the evidence a person needs to act on it."""

    name: str
    passed: bool
    evidence: str


class ExportFacts(JobModel):
    """What an export wrote."""

    dump: ObjectLocation
    dump_sha256: str
    """Of the compressed object."""
    dump_size_bytes: int
    rows: dict[str, int]
    manifest_sha256: str
    files: int
    files_travelled: int
    content_size_bytes: int
    release: int


class ImportFacts(JobModel):
    """What an import did."""

    rows: dict[str, int]
    replacements: int
    broken_values: int
    leftovers: int
    leftover_tables: list[str] = Field(default_factory=list)
    kept_options: list[str] = Field(default_factory=list)


class InstallFacts(JobModel):
    """What a fresh installation consists of."""

    wordpress_version: str
    php_version: str
    theme: str
    tables: int
    files: int


class ContentFacts(JobModel):
    """What was placed."""

    files: int
    size_bytes: int
    copied_from_live: int
    manifest: ObjectLocation


class VerifyFacts(JobModel):
    """Every check with its verdict."""

    passed: bool
    checks: list[Check]


class JobError(JobModel):
    """Why a job did not succeed."""

    code: str
    """One of the contract's error codes."""
    message: str
    retryable: bool
    """Whether the same job may succeed when it is run again."""


class JobResult(JobModel):
    """What the job reports: exactly one of `error` and `facts`."""

    operation_id: str
    step: str
    attempt: int
    kind: str
    started_at: str
    completed_at: str
    peak_memory_bytes: int | None = None
    error: JobError | None = None
    facts: dict[str, object] = Field(default_factory=dict)
    """The facts model of the job's kind, by camelCase names."""
