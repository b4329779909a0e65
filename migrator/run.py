"""`run JOB`: read the description, do the job, write the result; also when it fails or is stopped.

The exit code is 0 whenever a result was written: the result tells how the job went. The task
that is killed outright writes none; its stopped event tells the fleet.
"""

from __future__ import annotations

import re
import resource
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import structlog
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ValidationError

from core.domain.job_facts import JobError, JobResult
from core.domain.jobs import JobDescription, job_adapter
from events.formats import format_timestamp
from migrator import logs
from migrator.errors import JobFailure, Stopped
from migrator.explanations import explain, job_error
from migrator.jobs import JOBS

if TYPE_CHECKING:
    from migrator.services import Services

log = structlog.get_logger(__name__)


def run_job(services: Services, location: str, *, only: str | None = None) -> int:
    """Do one job; return the exit code. `only` refuses a description of another kind."""
    with _stoppable():
        job = read_job(services, location)
        logs.bind_job(job)
        if only is not None and job.kind != only:
            log.error("job_is_of_another_kind", expected=only, found=job.kind)
            return 2
        started = services.clock.now()
        log.info("job_starting", kind=job.kind)
        outcome = _attempt(services, job)
        result = _result(services, job, started, outcome)
        return _report(services, job, result)


def read_job(services: Services, location: str) -> JobDescription:
    """Read a description from s3://bucket/key or a file; raises JobFailure for a wrong one."""
    try:
        if location.startswith("s3://"):
            bucket, _, key = location.removeprefix("s3://").partition("/")
            text = services.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        else:
            text = Path(location).read_bytes()
        return job_adapter.validate_json(text)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}"
            for item in error.errors(include_input=False)[:5]
        )
        raise JobFailure(f"The job description {location} is wrong: {wrong}.") from None
    except (OSError, ClientError, BotoCoreError) as error:
        raise JobFailure(
            f"The job description {location} cannot be read ({type(error).__name__}). Check the "
            "key and the task's role."
        ) from None


# --- private -------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    facts: dict[str, object]
    error: JobError | None = None


def _attempt(services: Services, job: JobDescription) -> _Outcome:
    """Run the job's function; every failure becomes a JobError: the process ends with a result."""
    try:
        return _Outcome(facts=_plain(JOBS[job.kind](services, job)))
    except Stopped:
        message = "The task was asked to stop before the job was done. Run the job again."
        return _Outcome(facts={}, error=job_error(message, retryable=True))
    except Exception as error:  # noqa: BLE001 - the edge: whatever broke is reported, not lost
        explained = explain(error)
        log.error(  # noqa: TRY400 - a traceback's last line may repeat a value of the site's
            "job_failed",
            kind=job.kind,
            type=type(error).__name__,
            error=explained.message,
            place=_place(error),
        )
        return _Outcome(facts={}, error=explained)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # from here on there is a result to write


def _place(error: Exception) -> str:
    """Return where an error was raised: file, line, function; no values."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    return "".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in last)


def _plain(facts: BaseModel | dict[str, object]) -> dict[str, object]:
    if isinstance(facts, BaseModel):
        return facts.model_dump(mode="json", by_alias=True)
    return facts


def _result(
    services: Services, job: JobDescription, started: datetime, outcome: _Outcome
) -> JobResult:
    return JobResult(
        operation_id=job.operation_id,
        step=job.step,
        attempt=job.attempt,
        kind=job.kind,
        started_at=format_timestamp(started),
        completed_at=format_timestamp(services.clock.now()),
        peak_memory_bytes=peak_memory_bytes(),
        error=outcome.error,
        facts=outcome.facts,
    )


def peak_memory_bytes() -> int:
    """Return the largest resident size this program has had.

    From /proc (VmHWM): getrusage, which answers elsewhere, also counts what the process that
    started this one had when it forked.
    """
    try:
        status = Path("/proc/self/status").read_text("ascii")
    except OSError:
        status = ""
    if found := re.search(r"VmHWM:\s+(\d+) kB", status):
        return int(found[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _report(services: Services, job: JobDescription, result: JobResult) -> int:
    text = result.model_dump_json(by_alias=True)
    sys.stdout.write(text + "\n")
    try:
        services.writer(job.operation_id).put_object(
            Bucket=job.result.bucket,
            Key=job.result.key,
            Body=text.encode(),
            ContentType="application/json",
        )
    except (ClientError, BotoCoreError) as error:
        log.error("result_not_written", error=str(error), key=job.result.key)  # noqa: TRY400 - enough
        return 1
    log.info(
        "job_finished", succeeded=result.error is None, peakMemoryBytes=result.peak_memory_bytes
    )
    return 0


@contextmanager
def _stoppable() -> Iterator[None]:
    """Turn the first SIGTERM into Stopped in this thread; later ones do not disturb the report."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Stopped

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
