"""What the container job reports: one facts model per kind of job, and the envelope around them."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from core.domain.job_models import Check, JobModel, ObjectLocation

NO_ANSWER: Final = "no answer"
"""Instead of a status, where a request got none."""


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


class ProofFacts(JobModel):
    """What a backup was compared by after it had been restored."""

    tables: int
    rows: int
    files: int
    digests: dict[str, str] = Field(default_factory=dict)
    """Table -> rows and checksum, equal in the live release and in the restored copy."""


class ImportFacts(JobModel):
    """What an import did."""

    rows: dict[str, int]
    replacements: int
    broken_values: int
    leftovers: int
    leftover_tables: list[str] = Field(default_factory=list)
    kept_options: list[str] = Field(default_factory=list)
    carried: dict[str, int] = Field(default_factory=dict)
    """Rows of each table that was carried over from the live release."""


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
    wordpress_api_ms: float | None = None
    """How long /wp-json/ took at the slowest address; None: no answer, or not asked."""
    wordpress_requests: int = 0
    """Addresses that were asked for it."""
    wordpress_timeouts: int = 0
    """Those of them that did not answer in time, or at all."""


class CutOverFacts(JobModel):
    """What happened while writes were held."""

    pointer_moved: bool
    held_seconds: float = 0
    """How long writers waited: from the first lock to the last one let go."""
    carried: dict[str, int] = Field(default_factory=dict)
    """Protected table -> rows written or removed again: they had changed since the import."""
    late: dict[str, int] = Field(default_factory=dict)
    """Protected table -> rows that requests still under way wrote after the hold; copied too."""
    conflicts: list[str] = Field(default_factory=list)
    """Rows (table:key) that both releases changed: the new one's stands, the former's stays to be
    read in the former release's schema. A key that is no number is told by its digest."""


class Marks(JobModel):
    """How a release stood at its cut-over: what is above is new since then."""

    taken_at: str
    rows: dict[str, int] = Field(default_factory=dict)
    """Table -> rows."""
    high_keys: dict[str, int] = Field(default_factory=dict)
    """Table -> highest value of its one integer primary key that is not new; tables without one
    are not here. For a protected table this is the end of the gap that was left for late rows."""
    digests: dict[str, str] = Field(default_factory=dict)
    """Protected table -> digest of its rows up to the high key (migrator.digests); late rows that
    were copied are in it."""
    cut_over: CutOverFacts | None = None
    """How the cut-over ended; None while it has not: the marks are written before the pointer
    moves, and once more when late rows are in."""


class TargetCensusFacts(JobModel):
    """What the target has, and what changed in it since its release was cut over."""

    tables: dict[str, int] = Field(default_factory=dict)
    new_rows: dict[str, int] = Field(default_factory=dict)
    """Protected table -> rows above its mark; nothing is said without marks."""
    changed_tables: list[str] = Field(default_factory=list)
    """Protected tables whose digest differs from their mark."""
    kept_options: list[str] = Field(default_factory=list)
    """Environment-local options that exist there and will be kept (names, never values)."""
    domain_bound_options: list[str] = Field(default_factory=list)
    """Options that look like keys bound to a domain (reCAPTCHA and the like): check by hand."""
    size_bytes: int = 0
    """Database size by information_schema."""
    content_size_bytes: int = 0
    rights: list[Check] = Field(default_factory=list)
    """Every right that was tried: make a schema, make a directory as 33:33, write to the bucket."""


class SalvageFacts(JobModel):
    """What was written to a release that is no longer live."""

    rows: dict[str, int] = Field(default_factory=dict)
    """Table -> rows exported: those above its mark, or all of a table in `changed_tables`."""
    changed_tables: list[str] = Field(default_factory=list)
    """Tables that are exported whole: protected ones whose older rows changed, and those without
    a key to tell new rows by whose number of rows changed."""
    object_key: str | None = None
    sha256: str | None = None


class ProbeFacts(JobModel):
    """What a visitor saw during the window."""

    requests: int
    failures: int
    statuses: dict[str, int] = Field(default_factory=dict)
    """Status (or NO_ANSWER) -> count."""
    latency_median_ms: float
    latency_p95_ms: float
    window_seconds: float
    ended_early: bool = False
    first_failure: str | None = None
    """A sentence."""


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
