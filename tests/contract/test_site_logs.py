"""The sites' log: one release's lines, whatever its neighbours write; what is unread is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from core.adapters.aws import site_logs as adapter
from core.adapters.aws.site_logs import CloudWatchSiteLogs
from core.adapters.memory.site_logs import MemorySiteLogs
from core.adapters.system import SystemClock
from core.domain.critical_lines import CRITICAL_TERMS
from core.domain.errors import ConfigurationError, TransientError
from core.domain.names import ReleaseNames, SiteNames, sites_log_group
from core.ports.jobs import Where
from core.ports.observation import LogReading, SiteLogs
from events.formats import Environment
from tests.contract.backends import Aws, Backend, Memory, opened

END = SystemClock().now().replace(microsecond=0)
START = END - timedelta(hours=4)
OPERATION = "550e8400-e29b-41d4-a716-446655440000"
SITE = SiteNames(environment=Environment.SIT, tenant_id="tenant-1", site_id="site-1")
RELEASE = SITE.release(1)
GROUP = sites_log_group(Environment.SIT)
QUIET = '10.0.0.1 - - "GET / HTTP/1.1" 200 51234'
FATAL = "PHP Fatal error:  Uncaught Error in /var/www/html/wp-content/plugins/x/x.php:3"


@pytest.fixture(params=["memory", "moto"])
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """The emulator knows no pattern with alternatives until local/ has taught it one."""
    with opened(request.param) as backend:
        yield backend


@pytest.fixture
def logs(backend: Backend) -> SiteLogs:
    if isinstance(backend, Memory):
        return MemorySiteLogs(backend.world)
    return CloudWatchSiteLogs(clients=backend.clients, source=backend.source_account())


@pytest.fixture
def write(backend: Backend) -> Callable[..., None]:
    """Write a line of one container, as the log driver of ECS does."""
    numbers = count(1)

    def write(
        release: ReleaseNames | str,
        hours: float,
        text: str = QUIET,
        *,
        where: Where = Where.HERE,
        stream: str | None = None,
    ) -> None:
        service = release if isinstance(release, str) else release.service
        name = f"{service}/wordpress/{stream or next(numbers)}"
        at = START + timedelta(hours=hours)
        if isinstance(backend, Memory):
            world = backend.world if where is Where.HERE else backend.source
            world.site_logs.setdefault(name, []).append((at, text))
        else:
            _put(backend, where, name, at, text)

    return write


def _put(backend: Aws, where: Where, stream: str, at: datetime, text: str) -> None:
    account = backend.account_id if where is Where.HERE else backend.source_account_id
    client = backend.clients_of(account).logs
    for make, about in (
        (client.create_log_group, {"logGroupName": GROUP}),
        (client.create_log_stream, {"logGroupName": GROUP, "logStreamName": stream}),
    ):
        try:
            make(**about)
        except client.exceptions.ResourceAlreadyExistsException:
            continue
    client.put_log_events(
        logGroupName=GROUP,
        logStreamName=stream,
        logEvents=[{"timestamp": int(at.timestamp() * 1000), "message": text}],
    )


def read(logs: SiteLogs, *, where: Where = Where.HERE, release=RELEASE) -> LogReading:
    return logs.read(
        where, release, start=START, end=END, period_seconds=3600, operation_id=OPERATION
    )


def test_a_quiet_log_has_lines_and_no_critical_one(logs, write):
    for hour in (0, 1, 1.5, 3.9):
        write(RELEASE, hour)
    assert read(logs) == LogReading(critical_lines=0, heartbeats=3)


@pytest.mark.parametrize("term", CRITICAL_TERMS)
def test_each_term_makes_a_line_critical(logs, write, term):
    write(RELEASE, 1, f"[core{term} AH00016: something")
    assert read(logs).critical_lines == 1


def test_a_line_counts_once_and_case_matters(logs, write):
    write(RELEASE, 1, f"CRITICAL {FATAL}")
    write(RELEASE, 2, "a critical look at php fatal errors")
    assert read(logs) == LogReading(critical_lines=1, heartbeats=2)


@pytest.mark.parametrize(
    "other",
    [
        SITE.release(2),
        SITE.release(10),
        RELEASE.trial,
        SiteNames(environment=Environment.SIT, tenant_id="tenant-1", site_id="site-2").release(1),
        SiteNames(environment=Environment.SIT, tenant_id="tenant-10", site_id="site-1").release(1),
        RELEASE.service[:-1],
    ],
    ids=str,
)
def test_lines_of_a_neighbour_count_for_nothing(logs, write, other):
    write(other, 1, FATAL)
    write(other, 2)
    assert read(logs) == LogReading(critical_lines=0, heartbeats=0)
    write(RELEASE, 3)
    assert read(logs) == LogReading(critical_lines=0, heartbeats=1)


def test_all_containers_of_the_release_count(logs, write):
    write(RELEASE, 0.5, FATAL, stream="first")
    write(RELEASE, 2.5, FATAL, stream="second")
    write(RELEASE, 2.6, stream="second")
    assert read(logs) == LogReading(critical_lines=2, heartbeats=2)


def test_the_end_of_the_span_is_not_in_it(logs, write):
    write(RELEASE, -0.01, FATAL)
    write(RELEASE, 0, FATAL)
    write(RELEASE, 4, FATAL)
    assert read(logs) == LogReading(critical_lines=1, heartbeats=1)


def test_a_start_between_two_milliseconds_is_no_trap(logs, write):
    """A line in the very millisecond in which a period begins was found again and again."""
    write(RELEASE, 1)
    odd = timedelta(microseconds=400)
    found = logs.read(
        Where.HERE,
        RELEASE,
        start=START + odd,
        end=END + odd,
        period_seconds=3600,
        operation_id=OPERATION,
    )
    assert (found.critical_lines, found.heartbeats) == (0, 1)


def test_the_source_s_log_is_the_source_s(logs, write):
    write(RELEASE, 1, FATAL)
    write(RELEASE, 1, FATAL, where=Where.SOURCE)
    write(RELEASE, 2, FATAL, where=Where.SOURCE)
    assert read(logs, where=Where.SOURCE).critical_lines == 2
    assert read(logs).critical_lines == 1


def test_the_memory_twin_says_when_it_cannot_be_read_or_there_is_no_source():
    backend = Memory()
    backend.source.site_logs_unread = "The log group is gone."
    found = read(MemorySiteLogs(backend.world), where=Where.SOURCE)
    assert found == LogReading(critical_lines=0, heartbeats=0, unread="The log group is gone.")
    with pytest.raises(ConfigurationError, match="no source"):
        read(MemorySiteLogs(backend.source), where=Where.SOURCE)


# --- what no local tool answers ------------------------------------------------------------------


@pytest.fixture
def cloudwatch(moto: Aws) -> CloudWatchSiteLogs:
    return CloudWatchSiteLogs(clients=moto.clients, source=moto.source_account())


def streams(*numbers: int, token: str | None = None, **fields: int) -> dict:
    found = [
        {"logStreamName": f"{RELEASE.service}/wordpress/{n}", "creationTime": n, **fields}
        for n in numbers
    ]
    return {"logStreams": found, **({"nextToken": token} if token else {})}


def events(*hours: float, text: str = FATAL, token: str | None = None) -> dict:
    found = [
        {"timestamp": int((START + timedelta(hours=h)).timestamp() * 1000), "message": text}
        for h in hours
    ]
    return {"events": found, **({"nextToken": token} if token else {})}


def answered(cloudwatch: CloudWatchSiteLogs, moto: Aws, *answers: tuple[str, dict]) -> LogReading:
    with Stubber(moto.clients.logs) as stubber:
        for method, answer in answers:
            stubber.add_response(method, answer)
        found = read(cloudwatch)
        stubber.assert_no_pending_responses()
    return found


def test_a_group_that_is_not_there_is_unread(cloudwatch):
    found = read(cloudwatch)
    assert found.unread == "The log group /aws/ecs/bbws-sit/sites does not exist."


def test_a_log_that_may_not_be_read_is_unread_and_says_what_to_do(cloudwatch, moto):
    with Stubber(moto.clients.logs) as stubber:
        stubber.add_client_error("describe_log_streams", "AccessDeniedException")
        assert "may not be read by the fleet's role; grant it" in read(cloudwatch).unread


def test_trouble_that_passes_is_tried_again(cloudwatch, moto):
    with Stubber(moto.clients.logs) as stubber:
        stubber.add_client_error("describe_log_streams", "ThrottlingException")
        with pytest.raises(TransientError, match="log group /aws/ecs/bbws-sit/sites") as caught:
            read(cloudwatch)
    assert isinstance(caught.value.__cause__, ClientError)


def test_the_calls_are_these(cloudwatch, moto):
    start, end = int(START.timestamp() * 1000), int(END.timestamp() * 1000) - 1
    place = {"logGroupName": GROUP, "logStreamNames": [f"{RELEASE.service}/wordpress/7"]}
    hour = 3_600_000
    first = {**place, "endTime": end, "interleaved": True, "limit": 1}
    with Stubber(moto.clients.logs) as stubber:
        stubber.add_response(
            "describe_log_streams",
            streams(7),
            {"logGroupName": GROUP, "logStreamNamePrefix": f"{RELEASE.service}/"},
        )
        pattern = (
            '?"PHP Fatal error" ?"PHP Parse error" ?"CRITICAL" ?":crit]" ?":alert]" ?":emerg]" '
            '?"Error establishing a database connection"'
        )
        within = {**place, "startTime": start, "endTime": end}
        stubber.add_response("filter_log_events", events(), {**within, "filterPattern": pattern})
        stubber.add_response("filter_log_events", events(0.4), {**first, "startTime": start})
        stubber.add_response("filter_log_events", events(2.1), {**first, "startTime": start + hour})
        stubber.add_response(
            "filter_log_events", events(), {**first, "startTime": start + 3 * hour}
        )
        assert read(cloudwatch) == LogReading(critical_lines=0, heartbeats=2)
        stubber.assert_no_pending_responses()


def test_pages_may_be_empty_and_are_put_together(cloudwatch, moto):
    found = answered(
        cloudwatch,
        moto,
        ("describe_log_streams", streams(1, token="more")),
        ("describe_log_streams", streams(2)),
        ("filter_log_events", events(1, 1.2, token="a")),
        ("filter_log_events", events(token="b")),
        ("filter_log_events", events(2)),
        ("filter_log_events", events(token="c")),
        ("filter_log_events", events(3.5)),
    )
    assert found == LogReading(critical_lines=3, heartbeats=1)


def test_a_log_without_an_end_is_read_in_part(cloudwatch, moto, monkeypatch):
    monkeypatch.setattr(adapter, "MOST_PAGES", 2)
    found = answered(
        cloudwatch,
        moto,
        ("describe_log_streams", streams(1)),
        ("filter_log_events", events(1, token="a")),
        ("filter_log_events", events(2, token="b")),
    )
    assert found.critical_lines == 2
    assert found.unread.endswith("was too long to be read to its end.")


def test_a_first_line_that_does_not_come_ends_the_search(cloudwatch, moto, monkeypatch):
    """Fewer periods than there are: inconclusive, and never a pass."""
    monkeypatch.setattr(adapter, "MOST_EMPTY_PAGES", 2)
    found = answered(
        cloudwatch,
        moto,
        ("describe_log_streams", streams(1)),
        ("filter_log_events", events()),
        ("filter_log_events", events(token="a")),
        ("filter_log_events", events(token="b")),
    )
    assert found == LogReading(critical_lines=0, heartbeats=0)


def test_of_too_many_containers_the_newest_are_read_and_the_others_told(cloudwatch, moto):
    with Stubber(moto.clients.logs) as stubber:
        stubber.add_response("describe_log_streams", streams(*range(1, 61), token="more"))
        stubber.add_response("describe_log_streams", streams(*range(61, 102)))
        stubber.add_response(
            "filter_log_events",
            events(1),
            {
                "logGroupName": GROUP,
                "logStreamNames": [f"{RELEASE.service}/wordpress/{n}" for n in range(101, 1, -1)],
                "startTime": ANY,
                "endTime": ANY,
                "filterPattern": ANY,
            },
        )
        found = read(cloudwatch)
        stubber.assert_no_pending_responses()
    assert found.critical_lines == 1
    assert "has more than 100 log streams" in found.unread


def test_the_list_of_streams_has_an_end_too(cloudwatch, moto, monkeypatch):
    monkeypatch.setattr(adapter, "MOST_STREAM_PAGES", 1)
    found = answered(
        cloudwatch,
        moto,
        ("describe_log_streams", streams(1, token="more")),
        ("filter_log_events", events()),
    )
    assert "has more than 100 log streams" in found.unread


def test_containers_that_ended_long_before_are_left_out(cloudwatch, moto):
    ended = int((START - timedelta(days=1, hours=1)).timestamp() * 1000)
    found = answered(
        cloudwatch,
        moto,
        ("describe_log_streams", streams(1, lastEventTimestamp=ended, token="more")),
        ("describe_log_streams", streams(2, lastIngestionTime=ended)),
    )
    assert found == LogReading(critical_lines=0, heartbeats=0)
