"""Metrics: CloudWatch here and in the source; no data is no data, and never zero."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from botocore.stub import ANY, Stubber

from core.adapters.aws.metrics import CloudWatchMetrics
from core.adapters.memory.metrics import MemoryMetrics
from core.adapters.memory.world import metric_key
from core.domain.errors import ConfigurationError, SitefleetError, TransientError
from core.ports.jobs import Where
from core.ports.observation import Datapoint, MetricQuery, Metrics
from tests.contract.backends import Aws, Backend, Memory

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
END = START + timedelta(minutes=10)
OPERATION = "550e8400-e29b-41d4-a716-446655440000"
ERRORS = MetricQuery(
    key="errors",
    namespace="BBWS/Test",
    metric="HTTPCode_Target_5XX_Count",
    dimensions={"LoadBalancer": "app/alb/1", "TargetGroup": "targetgroup/wp-1-r2/2"},
)
LATENCY = MetricQuery(
    key="latency",
    namespace="BBWS/Test",
    metric="TargetResponseTime",
    dimensions={"TargetGroup": "targetgroup/wp-1-r2/2"},
    statistic="Maximum",
)


def minute(number: int) -> datetime:
    return START + timedelta(minutes=number)


@pytest.fixture
def metrics(backend: Backend) -> Metrics:
    if isinstance(backend, Memory):
        return MemoryMetrics(backend.world)
    return CloudWatchMetrics(clients=backend.clients, source=backend.source_account())


@pytest.fixture
def put(backend: Backend) -> Callable[..., None]:
    """Put a value of a minute, as AWS' own services do, in one of the two accounts."""

    def put(query: MetricQuery, at: datetime, value: float, where: Where = Where.HERE) -> None:
        if isinstance(backend, Memory):
            world = backend.world if where is Where.HERE else backend.source
            key = metric_key(query.namespace, query.metric, query.dimensions)
            world.metrics.setdefault(key, []).append(Datapoint(at=at, value=value))
            return
        account = backend.account_id if where is Where.HERE else backend.source_account_id
        backend.clients_of(account).cloudwatch.put_metric_data(
            Namespace=query.namespace,
            MetricData=[
                {
                    "MetricName": query.metric,
                    "Dimensions": [{"Name": n, "Value": v} for n, v in query.dimensions.items()],
                    "Timestamp": at,
                    "Value": value,
                }
            ],
        )

    return put


def read(metrics: Metrics, *queries: MetricQuery, where: Where = Where.HERE):
    return metrics.read(
        where, queries, start=START, end=END, period_seconds=60, operation_id=OPERATION
    )


def test_a_metric_without_datapoints_is_empty_and_not_zero(metrics: Metrics):
    assert {key: list(found) for key, found in read(metrics, ERRORS, LATENCY).items()} == {
        "errors": [],
        "latency": [],
    }


def test_nothing_is_asked_for_nothing(metrics: Metrics):
    assert read(metrics) == {}


def test_datapoints_come_oldest_first_by_the_caller_s_key(metrics: Metrics, put):
    put(ERRORS, minute(5), 2)
    put(ERRORS, minute(1), 3)
    put(LATENCY, minute(2), 0.25)
    found = read(metrics, LATENCY, ERRORS)
    assert list(found["errors"]) == [
        Datapoint(at=minute(1), value=3),
        Datapoint(at=minute(5), value=2),
    ]
    assert list(found["latency"]) == [Datapoint(at=minute(2), value=0.25)]


def test_what_is_outside_the_span_or_of_other_dimensions_is_not_there(metrics: Metrics, put):
    put(ERRORS, START - timedelta(minutes=1), 7)
    put(ERRORS, END, 7)
    put(
        MetricQuery(
            key="other",
            namespace=ERRORS.namespace,
            metric=ERRORS.metric,
            dimensions={**ERRORS.dimensions, "TargetGroup": "targetgroup/wp-2-r1/3"},
        ),
        minute(3),
        7,
    )
    assert list(read(metrics, ERRORS)["errors"]) == []


def test_the_source_s_metrics_are_the_source_s(metrics: Metrics, put, backend: Backend):
    if not isinstance(backend, Memory):
        backend.clients_of(backend.source_account_id)
    put(ERRORS, minute(1), 1)
    put(ERRORS, minute(1), 9, Where.SOURCE)
    assert list(read(metrics, ERRORS, where=Where.SOURCE)["errors"]) == [
        Datapoint(at=minute(1), value=9)
    ]
    assert list(read(metrics, ERRORS)["errors"]) == [Datapoint(at=minute(1), value=1)]


def test_the_memory_twin_says_when_cloudwatch_is_away_or_there_is_no_source():
    backend = Memory()
    backend.source.metrics_unavailable = "CloudWatch is away."
    with pytest.raises(TransientError, match="is away"):
        read(MemoryMetrics(backend.world), ERRORS, where=Where.SOURCE)
    with pytest.raises(ConfigurationError, match="no source"):
        read(MemoryMetrics(backend.source), ERRORS, where=Where.SOURCE)


# --- answers that no local tool gives ----------------------------------------------------------


def page(*results: dict, token: str | None = None) -> dict:
    return {"MetricDataResults": list(results), **({"NextToken": token} if token else {})}


def result(number: int, status: str, *values: tuple[int, float]) -> dict:
    return {
        "Id": f"m{number}",
        "StatusCode": status,
        "Timestamps": [minute(at) for at, _ in values],
        "Values": [value for _, value in values],
    }


def answered(aws: Aws, *pages: dict):
    metrics = CloudWatchMetrics(clients=aws.clients, source=aws.source_account())
    with Stubber(aws.clients.cloudwatch) as stubber:
        for number, one in enumerate(pages):
            expected = {
                "MetricDataQueries": ANY,
                "StartTime": START,
                "EndTime": END,
                "ScanBy": "TimestampAscending",
                **({"NextToken": pages[number - 1]["NextToken"]} if number else {}),
            }
            stubber.add_response("get_metric_data", one, expected)
        found = read(metrics, ERRORS, LATENCY)
        stubber.assert_no_pending_responses()
    return found


def test_the_pages_of_an_answer_are_put_together(moto: Aws):
    """A page that is not the last one is marked partial: only a metric's last status counts."""
    found = answered(
        moto,
        page(
            result(0, "PartialData", (1, 3), (2, 4)),
            result(1, "Complete", (1, 0.5)),
            token="next",
        ),
        page(result(0, "Complete", (3, 5))),
    )
    assert [point.value for point in found["errors"]] == [3, 4, 5]
    assert [point.value for point in found["latency"]] == [0.5]


@pytest.mark.parametrize("status", ["PartialData", "InternalError"])
def test_an_answer_that_stays_incomplete_is_tried_again_and_never_no_data(moto: Aws, status: str):
    with pytest.raises(TransientError, match=f"not complete: {status}"):
        answered(moto, page(result(0, status), result(1, "Complete", (1, 0.5))))


def test_a_metric_that_is_not_answered_at_all_is_tried_again(moto: Aws):
    with pytest.raises(TransientError, match="TargetResponseTime is not complete: no answer"):
        answered(moto, page(result(0, "Complete", (1, 1))))


def test_a_metric_that_may_not_be_read_is_not_tried_again(moto: Aws):
    with pytest.raises(SitefleetError, match="may not read") as caught:
        answered(moto, page(result(0, "Forbidden"), result(1, "Complete")))
    assert not isinstance(caught.value, TransientError)


def test_more_queries_than_one_call_takes_are_asked_in_several(moto: Aws):
    queries = [
        MetricQuery(key=f"k{number}", namespace="N", metric=f"m{number}", dimensions={})
        for number in range(501)
    ]
    metrics = CloudWatchMetrics(clients=moto.clients, source=moto.source_account())
    with Stubber(moto.clients.cloudwatch) as stubber:
        for count in (500, 1):
            done = page(*(result(number, "Complete") for number in range(count)))
            stubber.add_response("get_metric_data", done)
        assert set(read(metrics, *queries)) == {query.key for query in queries}
        stubber.assert_no_pending_responses()
