"""What `sitefleet status` reads, side by side: queues, operations, dead letters, announcements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from core.adapters.aws.errors import calling
from core.domain.notices import Notice
from core.domain.operation import Operation
from events.formats import Environment
from events.vocabulary import OperationStatus
from ops.connection import Connection
from ops.reading import Part, Unknown, attempt, read_parts
from ops.recent import READ_PER_DAY
from ops.status.dead_letters import LetterGroup, group_dead_letters
from ops.timeline import stands_still

QUEUES: Final = (
    *("creation", "update", "deletion", "promotion"),
    *("wakeup", "sweeper", "notifier", "mailer", "replayer"),
    *("operations-dlq", "undeliverable"),
)
"""Queues of every environment, by what stands between `bbws-wp-site-` and `-<env>`."""
PREFIX: Final = "bbws-wp-site-"
MOST_NOTICES: Final = 10
AGE_METRIC: Final = "ApproximateAgeOfOldestMessage"
AGE_LOOK_BACK: Final = timedelta(minutes=15)
"""CloudWatch has a queue's newest value some minutes late."""
FAR: Final = timedelta(days=3650)


@dataclass(frozen=True, kw_only=True)
class QueueDepth:
    """How many messages a queue holds."""

    visible: int
    in_flight: int
    delayed: int
    oldest_seconds: float | None = None
    """Age of the oldest message; None: CloudWatch does not say."""

    @property
    def is_empty(self) -> bool:
        return not (self.visible or self.in_flight or self.delayed)


@dataclass(frozen=True, kw_only=True)
class Operations:
    """What was accepted within the days, and whatever has not ended, of any age."""

    days: int
    found: Sequence[Operation]
    is_cut: bool
    """Whether a day had more operations than are read."""

    @property
    def by_status(self) -> Mapping[OperationStatus, int]:
        counts = dict.fromkeys(OperationStatus, 0)
        for operation in self.found:
            counts[operation.status] += 1
        return {status: number for status, number in counts.items() if number}

    @property
    def still(self) -> Sequence[Operation]:
        """Return what waits for a person to retry or cancel it."""
        return [o for o in self.found if not o.is_terminal and stands_still(o)]

    @property
    def at_work(self) -> Sequence[Operation]:
        return [o for o in self.found if not (o.is_terminal or stands_still(o))]


@dataclass(frozen=True, kw_only=True)
class Status:
    """One environment at one moment."""

    environment: Environment
    at: datetime
    queues: Mapping[str, Part[QueueDepth]]
    operations: Part[Operations]
    letters: Part[Sequence[LetterGroup]]
    notices: Part[Sequence[Notice]]
    ages: Part[Mapping[str, float]]
    """Kept for the reason why a queue's age is unknown."""


class StatusReader:
    """Reads one environment as often as it is asked to; its clients are made once."""

    def __init__(self, connection: Connection, days: int) -> None:
        self._connection, self._days = connection, days
        self._sqs = connection.client("sqs")
        self._cloudwatch = connection.client("cloudwatch")
        self._store = connection.operations

    def read(self, now: datetime) -> Status:
        """Return how everything stands; a part that cannot be read is Unknown."""
        urls = self._urls()
        queue_reads = {f"queue {name}": partial(self._depth, url) for name, url in urls.items()}
        days = [f"{now - timedelta(days=back):%Y-%m-%d}" for back in range(self._days)]
        reads: dict[str, Callable[[], Any]] = {
            **queue_reads,
            "ages": partial(self._ages, tuple(urls), now),
            **{f"day {day}": partial(self._day, day) for day in days},
            "due": lambda: list(self._store.due(now + FAR, READ_PER_DAY)),
            "standing": lambda: list(self._store.standing()),
            "letters": partial(group_dead_letters, self._sqs, self._connection.environment),
            "notices": partial(self._notices, days[:2]),
        }
        parts = read_parts(reads)
        ages = parts["ages"]
        return Status(
            environment=self._connection.environment,
            at=now,
            queues={name: _aged(parts[f"queue {name}"], ages, name) for name in urls},
            operations=self._operations(
                [parts["due"], parts["standing"], *(parts[f"day {day}"] for day in days)]
            ),
            letters=parts["letters"],
            notices=parts["notices"],
            ages=ages,
        )

    # --- one part each ----------------------------------------------------------------------

    def _urls(self) -> dict[str, str]:
        """Return the queues that every environment has, then any other one; by name if unlisted."""
        suffix = f"-{self._connection.environment}"
        listed = attempt(lambda: self._sqs.list_queues(QueueNamePrefix=PREFIX, MaxResults=1000))
        urls = {name: self._name(name) for name in QUEUES}
        found = [] if isinstance(listed, Unknown) else listed.get("QueueUrls", [])
        for url in found:
            name = url.rpartition("/")[2]
            if name.endswith(suffix):
                urls[name.removeprefix(PREFIX).removesuffix(suffix)] = url
        return urls

    def _name(self, queue: str) -> str:
        return f"{PREFIX}{queue}-{self._connection.environment}"

    def _depth(self, url_or_name: str) -> QueueDepth:
        url = url_or_name
        if "/" not in url:
            with calling("SQS", f"queue {url}"):
                url = self._sqs.get_queue_url(QueueName=url_or_name)["QueueUrl"]
        with calling("SQS", f"queue {url}"):
            answer = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        told = answer["Attributes"]
        return QueueDepth(
            visible=int(told["ApproximateNumberOfMessages"]),
            in_flight=int(told["ApproximateNumberOfMessagesNotVisible"]),
            delayed=int(told["ApproximateNumberOfMessagesDelayed"]),
        )

    def _ages(self, queues: Sequence[str], now: datetime) -> Mapping[str, float]:
        queries = [_age_query(f"q{n}", self._name(queue)) for n, queue in enumerate(queues)]
        with calling("CloudWatch", f"metric {AGE_METRIC}"):
            answer = self._cloudwatch.get_metric_data(
                MetricDataQueries=queries, StartTime=now - AGE_LOOK_BACK, EndTime=now
            )
        newest = {
            one["Id"]: one["Values"][0] for one in answer["MetricDataResults"] if one["Values"]
        }
        return {queue: newest[f"q{n}"] for n, queue in enumerate(queues) if f"q{n}" in newest}

    def _day(self, day: str) -> list[Operation]:
        return list(self._store.recent(day=day, limit=READ_PER_DAY))

    def _notices(self, days: Sequence[str]) -> list[Notice]:
        found: list[Notice] = []
        for day in days:
            found += self._store.notices(day=day, limit=MOST_NOTICES - len(found))
            if len(found) >= MOST_NOTICES:
                break
        return found

    def _operations(self, parts: Sequence[Part[list[Operation]]]) -> Part[Operations]:
        unknown = next((part for part in parts if isinstance(part, Unknown)), None)
        if unknown is not None:
            return unknown
        lists = [part for part in parts if not isinstance(part, Unknown)]
        found = {operation.operation_id: operation for part in lists for operation in part}
        return Operations(
            days=self._days,
            found=sorted(found.values(), key=lambda o: o.created_at, reverse=True),
            is_cut=any(len(part) >= READ_PER_DAY for part in lists),
        )


def _aged(depth: Part[QueueDepth], ages: Part[Mapping[str, float]], name: str) -> Part[QueueDepth]:
    if isinstance(depth, Unknown) or isinstance(ages, Unknown):
        return depth
    return QueueDepth(**{**vars(depth), "oldest_seconds": ages.get(name)})


def _age_query(query_id: str, queue_name: str) -> dict[str, Any]:
    return {
        "Id": query_id,
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/SQS",
                "MetricName": AGE_METRIC,
                "Dimensions": [{"Name": "QueueName", "Value": queue_name}],
            },
            "Period": 60,
            "Stat": "Maximum",
        },
    }
