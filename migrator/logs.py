"""Log lines: JSON on stderr, each with operationId, step, attempt, tenantId, siteId, correlationId.

stdout belongs to data (a dump, a manifest, a result). Values of secrets are never given to a log
line; errors of outside programs are cut and cleaned where they are read (migrator.processes).
"""

from __future__ import annotations

import sys

import structlog

from core.adapters.json_logs import json_processors
from core.domain.job_models import Job


def configure() -> None:
    """Set up structlog for this process; called once, by the command line."""
    structlog.configure(
        processors=json_processors(),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def bind_job(job: Job) -> None:
    """Put the job's identity on every line that follows."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(
        operationId=job.operation_id,
        step=job.step,
        attempt=job.attempt,
        tenantId=job.tenant_id,
        siteId=job.site_id,
        correlationId=job.correlation_id,
    )


def bind_command(command: str) -> None:
    """Name an operator's direct command, which belongs to no operation, on every line."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(
        operationId="none",
        step=command,
        attempt=0,
        tenantId="unknown",
        siteId="unknown",
        correlationId="none",
    )
