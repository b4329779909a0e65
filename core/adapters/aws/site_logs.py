"""The sites' log in CloudWatch Logs: of this account and, through its role, of the source's.

One release is asked about by its streams. The pattern is matched there, so that a busy site's
access log does not travel; that the log is written at all is asked by its first line in each
period. Every loop has an end: a log too long for one step is said to be, and never called quiet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from core.adapters.aws.errors import DENIED_CODES, calling, code_of
from core.adapters.aws.session import AwsClients, SourceAccount
from core.domain.critical_lines import CRITICAL_TERMS, is_critical
from core.domain.names import ReleaseNames, sites_log_group
from core.ports.jobs import Where
from core.ports.observation import LogReading

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import LogStreamTypeDef

MOST_STREAM_PAGES: Final = 20
"""Of 50 streams each. A container has a stream, also after it has ended."""
MOST_STREAMS: Final = 100
"""CloudWatch Logs: streams that one FilterLogEvents takes."""
MOST_PAGES: Final = 60
"""Of critical lines; a page holds up to 1 MB or 10,000 lines, and may be empty."""
MOST_EMPTY_PAGES: Final = 10
"""Until the first line of a span is found."""
LATE: Final = timedelta(days=1)
"""A stream's newest time is kept up to date within about an hour, in rare cases later."""
NOT_THERE: Final = "ResourceNotFoundException"
PATTERN: Final = " ".join(f'?"{term}"' for term in CRITICAL_TERMS)
"""A line with any of the terms."""


class CloudWatchSiteLogs:
    """DescribeLogStreams and FilterLogEvents, page by page."""

    def __init__(self, *, clients: AwsClients, source: SourceAccount) -> None:
        self._clients = clients
        self._source = source

    def read(
        self,
        where: Where,
        release: ReleaseNames,
        *,
        start: datetime,
        end: datetime,
        period_seconds: int,
        operation_id: str,
    ) -> LogReading:
        clients = self._clients if where is Where.HERE else self._source.clients(operation_id)
        group = sites_log_group(release.site.environment)
        period = timedelta(seconds=period_seconds)
        log = _Log(clients.logs, group, release, _whole(start), _whole(end), period)
        with calling("CloudWatch Logs", f"log group {group}"):
            try:
                return log.read()
            except ClientError as error:
                why = _lasting(error)
                if why is None:
                    raise
                unread = f"The log group {group} {why}."
                return LogReading(critical_lines=0, heartbeats=0, unread=unread)


@dataclass(frozen=True)
class _Log:
    """One release's part of the group within a span."""

    logs: CloudWatchLogsClient
    group: str
    release: ReleaseNames
    start: datetime
    end: datetime
    period: timedelta

    def read(self) -> LogReading:
        streams, all_seen = self._streams()
        if not streams:
            return LogReading(critical_lines=0, heartbeats=0)
        lines, all_read = self._critical_lines(streams)
        heartbeats = self._heartbeats(streams) if all_seen and all_read else 0
        unread = "" if all_seen and all_read else self._too_long(all_seen=all_seen)
        return LogReading(critical_lines=lines, heartbeats=heartbeats, unread=unread)

    def _streams(self) -> tuple[Sequence[str], bool]:
        """Return the newest streams that can have lines of the span, and whether these are all."""
        pages = self.logs.get_paginator("describe_log_streams").paginate(
            logGroupName=self.group, logStreamNamePrefix=self.release.log_streams
        )
        found: list[LogStreamTypeDef] = []
        more = False
        for page in islice(pages, MOST_STREAM_PAGES):
            found += [stream for stream in page["logStreams"] if self._may_hold(stream)]
            more = "nextToken" in page
        found.sort(key=lambda stream: stream.get("creationTime", 0), reverse=True)
        names = [stream["logStreamName"] for stream in found[:MOST_STREAMS]]
        return names, not more and len(found) <= MOST_STREAMS

    def _may_hold(self, stream: LogStreamTypeDef) -> bool:
        newest = max(stream.get("lastEventTimestamp", 0), stream.get("lastIngestionTime", 0))
        return not newest or newest >= _milliseconds(self.start - LATE)

    def _critical_lines(self, streams: Sequence[str]) -> tuple[int, bool]:
        """Return how many there are, and whether the log was read to its end."""
        pages = self.logs.get_paginator("filter_log_events").paginate(
            logGroupName=self.group,
            logStreamNames=streams,
            startTime=_milliseconds(self.start),
            endTime=_milliseconds(self.end) - 1,
            filterPattern=PATTERN,
        )
        found, more = 0, False
        for page in islice(pages, MOST_PAGES):
            found += sum(is_critical(event.get("message", "")) for event in page["events"])
            more = "nextToken" in page
        return found, not more

    def _heartbeats(self, streams: Sequence[str]) -> int:
        """Count the periods that have a line: ask for the first one from a period's start on."""
        found, period = 0, 0
        while (at := self._first_line(streams, self.start + period * self.period)) is not None:
            found += 1
            period = max(period, (at - self.start) // self.period) + 1
        return found

    def _first_line(self, streams: Sequence[str], start: datetime) -> datetime | None:
        """Return when the first line was written; None: there is none, or none was found soon."""
        if start >= self.end:
            return None
        pages = self.logs.get_paginator("filter_log_events").paginate(
            logGroupName=self.group,
            logStreamNames=streams,
            startTime=_milliseconds(start),
            endTime=_milliseconds(self.end) - 1,
            interleaved=True,
            PaginationConfig={"PageSize": 1},
        )
        for page in islice(pages, MOST_EMPTY_PAGES):
            for event in page["events"]:
                return datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
        return None

    def _too_long(self, *, all_seen: bool) -> str:
        if not all_seen:
            return (
                f"{self.release.service} has more than {MOST_STREAMS} log streams in {self.group}: "
                "its containers end and start again."
            )
        return (
            f"The log of {self.release.service} in {self.group} was too long to be read to its end."
        )


def _lasting(error: ClientError) -> str | None:
    """Return what a person has to change before the log can be read; None: nothing."""
    code = code_of(error)
    if code == NOT_THERE:
        return "does not exist"
    if code in DENIED_CODES:
        return "may not be read by the fleet's role; grant it in the template"
    return None


def _whole(moment: datetime) -> datetime:
    """Lines have their times in milliseconds: a finer start would find the last one again."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
