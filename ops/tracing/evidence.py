"""What is read for a trace: the correlation index first, then every operation side by side."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from core.adapters.aws.errors import calling
from core.domain.names import JobReference
from core.domain.operation import Operation
from events.formats import UUID_PATTERN
from ops.connection import Connection
from ops.deployed import deployed_settings
from ops.letters import DEAD_LETTER_QUEUES, Look, SeenLetter, look_into
from ops.reading import Part, Unknown, attempt, read_parts
from ops.tracing.entries import Trace, TracedJob, TracedOperation, read_request
from ops.wording import count

MOST_FOUND: Final = 500
"""Operations and announcements of one correlation id that a trace shows."""
TASKS_KNOWN: Final = timedelta(hours=1)
"""ECS forgets a stopped task after about as long."""
_UUID: Final = re.compile(UUID_PATTERN)


def read_trace(connection: Connection, wanted: str, now: datetime) -> Trace:
    """Return everything about a correlation id, or about an operation's."""
    store = connection.operations
    named = store.get(wanted) if _UUID.fullmatch(wanted) else None
    correlation_id = named.correlation_id if named is not None else wanted
    found = store.of_correlation(correlation_id, limit=MOST_FOUND)
    operations = list(found.operations)
    if named is not None and named.operation_id not in {o.operation_id for o in operations}:
        operations.insert(0, named)  # an index follows a moment later
    reader = _Reader(connection, now)
    parts = read_parts(
        {
            **{f"operation {o.operation_id}": reader.traced(o) for o in operations},
            **{f"queue {name}": reader.letters(name) for name in DEAD_LETTER_QUEUES},
        }
    )
    traced = [
        _or_bare(operation, parts[f"operation {operation.operation_id}"])
        for operation in operations
    ]
    ids = {operation.operation_id for operation in operations}
    return Trace(
        environment=connection.environment,
        correlation_id=correlation_id,
        operations=traced,
        notices=found.notices,
        letters=_letters(parts, correlation_id, ids),
        gaps=_gaps(parts, len(found.operations) + len(found.notices)),
    )


# --- inside ---------------------------------------------------------------------------------


@dataclass
class _Reader:
    connection: Connection
    now: datetime

    def __post_init__(self) -> None:
        """Make every client here: a session makes one at a time."""
        self.store, self.decisions = self.connection.operations, self.connection.decisions
        self.s3, self.sqs = self.connection.client("s3"), self.connection.client("sqs")
        self.ecs, functions = self.connection.client("ecs"), self.connection.client("lambda")
        answer = attempt(lambda: deployed_settings(functions, self.connection.environment))
        self.cluster = None if isinstance(answer, Unknown) else answer.get("cluster")

    def traced(self, operation: Operation) -> Callable[[], TracedOperation]:
        def read() -> TracedOperation:
            history = self.store.history(operation.operation_id)
            return TracedOperation(
                operation=operation,
                request=read_request(history.request_body),
                steps=history.steps,
                failures=self.connection.failures(operation.operation_id),
                decisions=self.decisions.of(operation.operation_id),
                jobs=[self._task_of(job) for job in self._jobs(operation.operation_id)],
            )

        return read

    def letters(self, queue: str) -> Callable[[], Look]:
        name = f"bbws-wp-{queue}-{self.connection.environment}"
        return lambda: look_into(self.sqs, name)

    def _task_of(self, job: TracedJob) -> TracedJob:
        """Name the task of a job, while ECS knows it; nobody needs it badly enough to fail."""
        if self.cluster is None or self.now - job.started_at > TASKS_KNOWN:
            return job
        for status in ("RUNNING", "STOPPED"):
            found = attempt(partial(self._tasks, job.reference.started_by, status))
            if not isinstance(found, Unknown) and found:
                return replace(job, task_id=found[0].rpartition("/")[2])
        return job

    def _tasks(self, started_by: str, status: str) -> Sequence[str]:
        answer = self.ecs.list_tasks(
            cluster=self.cluster, startedBy=started_by, desiredStatus=status
        )
        return list(answer["taskArns"])

    def _jobs(self, operation_id: str) -> list[TracedJob]:
        bucket, prefix = f"bbws-transfer-{self.connection.environment}", f"jobs/{operation_id}/"
        with calling("S3", f"s3://{bucket}/{prefix}"):
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            written = {
                item["Key"]: item["LastModified"]
                for page in pages
                for item in page.get("Contents", [])
            }
        return jobs_of(operation_id, written)


def jobs_of(operation_id: str, written: Mapping[str, datetime]) -> list[TracedJob]:
    """Return the jobs whose descriptions and results are among these objects."""
    jobs = []
    for key, at in written.items():
        _, _, rest = key.partition(f"jobs/{operation_id}/")
        step, _, rest = rest.partition("/")
        attempt, _, name = rest.partition("/")
        if name != "job.json" or not attempt.isdigit():
            continue
        reference = JobReference(operation_id=operation_id, step=step, attempt=int(attempt))
        reported = written.get(reference.result_key)
        jobs.append(TracedJob(reference=reference, started_at=at, reported_at=reported))
    return sorted(jobs, key=lambda job: job.started_at)


def _or_bare(operation: Operation, part: Part[Any]) -> TracedOperation:
    if isinstance(part, TracedOperation):
        return part
    return TracedOperation(operation=operation, request={})


def _letters(
    parts: Mapping[str, Part[Any]], correlation_id: str, operation_ids: Iterable[str]
) -> Sequence[SeenLetter]:
    found = [one for part in parts.values() if isinstance(part, Look) for one in part.seen]
    ids = set(operation_ids)
    return [
        letter
        for letter in found
        if letter.correlation_id == correlation_id or letter.operation_id in ids
    ]


def _gaps(parts: Mapping[str, Part[Any]], found: int) -> list[str]:
    gaps = [f"{name}: {part.why}" for name, part in parts.items() if isinstance(part, Unknown)]
    gaps += [
        f"{name}: {part.unseen} of its {count(part.there, 'letter')} not seen in this look"
        for name, part in parts.items()
        if isinstance(part, Look) and part.unseen
    ]
    if found >= MOST_FOUND:
        gaps.append(f"only the first {MOST_FOUND} operations and announcements are shown")
    return gaps
