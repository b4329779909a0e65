"""Container jobs and the bucket through which they are told what to do and report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from core.domain.job_facts import JobResult
from core.domain.job_models import ObjectLocation
from core.domain.jobs import JobDescription
from core.domain.names import JobReference


class Where(StrEnum):
    """In which account a job runs."""

    HERE = "here"
    """The environment's own account: the migrator task family."""
    SOURCE = "source"
    """The promotion's source account: only the export task family may be run there."""


@dataclass(frozen=True, kw_only=True)
class JobTask:
    """One ECS task."""

    arn: str
    stopped: bool
    started_at: datetime | None = None
    """When it was asked for, as ECS tells."""
    stopped_reason: str | None = None


class JobRunner(Protocol):
    """Runs the migrator as an ECS task."""

    def find(self, where: Where, reference: JobReference) -> JobTask | None:
        """Return the task of this attempt, running or lately stopped."""
        ...

    def start(
        self,
        where: Where,
        reference: JobReference,
        description: ObjectLocation,
        *,
        tenant_id: str,
        site_id: str,
    ) -> JobTask:
        """Start the task in the site's network; the caller has looked for it first.

        RunTask repeats are not harmless.
        """
        ...

    def stop(self, where: Where, reference: JobReference, reason: str) -> JobTask | None:
        """Ask every unfinished task of the operation's step (any attempt) to stop."""
        ...


class TransferStore(Protocol):
    """The environment's transfer bucket."""

    def location(self, key: str) -> ObjectLocation:
        """Return where a key lives (the bucket is the environment's)."""
        ...

    def put_description(self, reference: JobReference, description: JobDescription) -> None:
        """Write a job description."""
        ...

    def result(self, reference: JobReference) -> JobResult | None:
        """Return what the job has reported; None while it has not."""
        ...

    def exists(self, key: str) -> bool:
        """Tell whether an object is there."""
        ...

    def delete_prefix(self, prefix: str) -> int:
        """Delete every object under a prefix; return how many there were."""
        ...
