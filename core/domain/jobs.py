"""What the fleet asks of the container job: one description per kind of job.

A step writes a `JobDescription` to the transfer bucket and starts one ECS task whose command is
`run s3://bucket/jobs/<operation>/<step>/<attempt>/job.json`; the job writes a `JobResult` beside
it. Secrets are named, never contained. Every job can be run again: it finds before it creates.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from core.domain.backup_jobs import BackUpJob, ProveBackupJob, RemoveScratchJob, RemoveSiteJob
from core.domain.census import PageSummary
from core.domain.job_models import Database, Job, JobModel, ObjectLocation, OriginMapping
from core.domain.wordpress_changes import ChangeWordPressJob, TakeBackWordPressJob
from events.formats import Environment


class CensusJob(Job):
    """Count what the live release of a site consists of (runs in the account that holds it)."""

    kind: Literal["census"] = "census"
    environment: Environment
    domains: tuple[str, str] | None = None
    """The environment's domain and the target's: the addresses that a move would replace are
    counted per table without writing anything (dry run). None: not counted."""
    destination: ObjectLocation | None = None
    """The transfer prefix of a later export: tried by beginning an upload and aborting it."""


class TargetCensusJob(Job):
    """Count what the target's live release consists of, and what has changed in it since.

    It also tries every right that the later jobs need here, without leaving anything behind.
    """

    kind: Literal["target-census"] = "target-census"
    database: Database | None = None
    """The live release's; None: nothing is live."""
    content_root: str | None = None
    marks: ObjectLocation | None = None
    """The release's `Marks` from its cut-over; None or nothing there: it never was cut over."""
    protected_tables: list[str] = Field(default_factory=list)
    """Patterns (as in `core.domain.protection`) of the tables whose new rows are counted."""
    kept_options: list[str] = Field(default_factory=list)


class VerifySourceJob(Job):
    """Run the checks against the source's live release: it must work there before it moves."""

    kind: Literal["verify-source"] = "verify-source"
    environment: Environment
    release: int
    """The release that the plan saw; another one now means: changed in between."""
    addresses: list[str] = Field(default_factory=list)
    """host:port to visit it at; none: where the environment's load balancer answers
    (MIGRATOR_SITE_ADDRESS), and without that wherever DNS says the site is."""


class ExportJob(Job):
    """Write dump, content manifest and content packs of the live release to a transfer prefix."""

    kind: Literal["export"] = "export"
    environment: Environment
    release: int
    """The release that the plan saw; another one now means: changed in between."""
    destination: ObjectLocation
    known_manifest: ObjectLocation | None = None
    """Manifest of what the target already has: files with a known sha256 do not travel."""
    tables: list[str] | None = None
    """Patterns (as in `core.domain.protection`) of the tables that travel; None: all, and routines
    and events of the schema with them."""
    folders: list[str] | None = None
    """Folders below wp-content that travel; None: all."""


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
    carried_from: str | None = None
    """Schema of the target's live release whose tables are carried over."""
    carried_tables: list[str] = Field(default_factory=list)
    """Patterns (as in `core.domain.protection`) of the tables whose rows come from `carried_from`,
    whatever the dump holds. One that `carried_from` does not have comes from the dump."""
    carry_missing: bool = False
    """Whether everything that the dump lacks (tables, views, routines) comes from `carried_from`:
    a selection left it out."""


class InstallJob(Job):
    """Make the schema and the content of a fresh WordPress."""

    kind: Literal["install"] = "install"
    database: Database
    content_root: str
    site_url: str
    site_name: str
    admin_secret_id: str
    theme: str | None = None
    wordpress_version: str | None = None
    """Of the image that will serve the site, where that is known: its schema has to fit."""


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
    selected_folders: list[str] | None = None
    """Folders that come from the source; all others from the live release. None: all."""
    kept_folders: list[str] = Field(default_factory=list)
    """Protected folders: they come from the live release, whatever the source has."""


class VerifyExpectation(JobModel):
    """What the checks compare with: the source's census and front page. None: not compared."""

    theme: str | None = None
    plugins: dict[str, str] | None = None
    permalinks: str | None = None
    posts: dict[str, int] | None = None
    foreign_hosts: list[str] = Field(default_factory=list)
    """Hosts that must occur nowhere: the source's."""
    front_page: PageSummary | None = None
    """The source's; an empty title is not compared."""
    php_version: str = ""
    """What the census says the source runs: reported, while what both servers say decides."""


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
    """None for a fresh site, which has to be spotless; an empty one for a site with a past."""
    comprehensive: bool = False
    """Every address of the sitemap, and a headless browser; read-only like all checks."""


class CutOverJob(Job):
    """Hold writes to protected tables, copy what changed, compare, move the pointer, let go.

    The hold is bounded; a job that dies lets go by itself. It finds what an earlier attempt did.
    """

    kind: Literal["cut-over"] = "cut-over"
    database: Database
    """The new release's."""
    live_schema: str | None = None
    """None: nothing was live; only the marks are written."""
    protected_tables: list[str] = Field(default_factory=list)
    """Patterns, as in `core.domain.protection`."""
    hold_seconds: float
    """The longest that writes may be held; longer: let go, and fail as retryable."""
    drain_seconds: float
    """How long requests may still be under way at the old release after the pointer has moved."""
    rule_arn: str | None = None
    """The site's listener rule; None: it does not exist yet, the caller makes it."""
    target_group_arn: str
    marks: ObjectLocation
    """Where the new release's `Marks` go."""


class SalvageJob(Job):
    """Export the rows that were written to a release after its cut-over, and count them."""

    kind: Literal["salvage"] = "salvage"
    database: Database
    marks: ObjectLocation
    drain_seconds: float
    destination: ObjectLocation
    """The object for the rows (JSON lines, zstd); not written when there are none."""


class ProbeJob(Job):
    """Request a site through its public name for a while; ends early when it does not answer."""

    kind: Literal["probe"] = "probe"
    site_url: str
    addresses: list[str]
    paths: list[str] = Field(default_factory=lambda: ["/"])
    window_seconds: float
    interval_seconds: float
    failures_to_end: int = 1
    """Failed requests in a row (not 200, or no answer) after which it ends at once."""


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
    | TargetCensusJob
    | VerifySourceJob
    | ExportJob
    | ImportJob
    | InstallJob
    | ContentJob
    | VerifyJob
    | CutOverJob
    | SalvageJob
    | ProbeJob
    | DropDatabaseJob
    | RemoveContentJob
    | RetireJob
    | ChangeWordPressJob
    | TakeBackWordPressJob
    | BackUpJob
    | ProveBackupJob
    | RemoveScratchJob
    | RemoveSiteJob,
    Field(discriminator="kind"),
]

job_adapter: TypeAdapter[JobDescription] = TypeAdapter(JobDescription)
