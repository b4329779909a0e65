"""CloudWatch's interface takes the alarms and the dashboard: names of fields, types, and states.

The one-machine runtime refuses alarms on expressions, so that those are put here.
"""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from moto import mock_aws

NUMBERS = {"Threshold": float, "Period": int, "EvaluationPeriods": int, "DatapointsToAlarm": int}


@pytest.fixture
def cloudwatch(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield boto3.client("cloudwatch", region_name="af-south-1")


def as_request(alarm: dict[str, Any]) -> dict[str, Any]:
    """Return the call that CloudFormation makes: numbers are numbers there."""
    return {name: NUMBERS.get(name, lambda value: value)(value) for name, value in alarm.items()}


def test_every_alarm_is_taken_and_changes_its_state(cloudwatch, sit):
    alarms = sit.by_name("AWS::CloudWatch::Alarm")
    for alarm in alarms.values():
        cloudwatch.put_metric_alarm(**as_request(alarm))
    for name in alarms:
        for state in ("ALARM", "OK"):
            cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a drill")
            [found] = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
            assert found["StateValue"] == state
            assert found["AlarmActions"] == [sit.arn("sns:bbws-wp-alarms-sit")]
    math = [alarm for alarm in alarms.values() if "Metrics" in alarm]
    assert len(math) == 5


def test_the_dashboard_is_taken(cloudwatch, sit):
    [(name, dashboard)] = sit.by_name("AWS::CloudWatch::Dashboard").items()
    cloudwatch.put_dashboard(DashboardName=name, DashboardBody=dashboard["DashboardBody"])
    stored = cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"]
    assert json.loads(stored) == json.loads(dashboard["DashboardBody"])
