"""Metrics that functions wrote into their logs arrive in CloudWatch, each once."""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace

import boto3
import pytest
from moto import mock_aws

from core.adapters.aws.emf import EmfMeter
from core.adapters.system import SystemClock
from core.domain.measurements import Measurement
from core.domain.metrics import NAMESPACE, MetricName
from events.formats import Environment
from local.function_metrics import FunctionMetrics, embedded

GROUP = "/aws/lambda/dev-bbws-async-processor-notifier"


@pytest.fixture
def cloud(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        session = boto3.Session(region_name="af-south-1")
        logs = session.client("logs")
        logs.create_log_group(logGroupName=GROUP)
        logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
        yield SimpleNamespace(
            account=SimpleNamespace(environment="dev"),
            logs=logs,
            cloudwatch=session.client("cloudwatch"),
        )


def written(capsys, *values: float) -> list[str]:
    """Return the lines that the functions' own meter writes."""
    for value in values:
        measured = Measurement(name=MetricName.SITE_CREATION_DURATION, value=value)
        EmfMeter(Environment.DEV).record([measured], {"operationId": "o"})
    return capsys.readouterr().out.splitlines()


def log(cloud, *lines: str) -> None:
    at = int(SystemClock().now().timestamp() * 1000)
    events = [{"timestamp": at, "message": line} for line in lines]
    cloud.logs.put_log_events(logGroupName=GROUP, logStreamName="s", logEvents=events)


def total(cloud) -> float:
    now = SystemClock().now()
    points = cloud.cloudwatch.get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName="SiteCreationDuration",
        Dimensions=[{"Name": "Environment", "Value": "dev"}],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=10),
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(point["Sum"] for point in points)


def test_every_value_arrives_once_however_often_logs_are_read(cloud, capsys):
    metrics = FunctionMetrics(cloud)
    log(cloud, "START RequestId: 1", *written(capsys, 3, 4), '{"event": "announcing"}')
    metrics.tick()
    metrics.tick()
    assert total(cloud) == 7
    log(cloud, *written(capsys, 5))
    metrics.tick()
    assert total(cloud) == 12


def test_a_line_that_holds_no_metric_is_passed_over(capsys):
    [line] = written(capsys, 1)
    assert [namespace for namespace, _ in embedded(line)] == [NAMESPACE]
    for other in ("", "START", "{half a lin", json.dumps({"event": "x"})):
        assert list(embedded(other)) == []
