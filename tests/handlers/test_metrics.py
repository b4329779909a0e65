"""The metric lines (EMF) that a function's log holds, as CloudWatch takes them out."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from core.adapters.aws.emf import EmfMeter
from core.adapters.memory.boundary import Boundary
from core.domain.measurements import Measurement
from core.domain.metrics import NAMESPACE, MetricName
from events.formats import Environment
from events.vocabulary import DetailType, ErrorCode
from simulation.fleet import SimulatedFleet
from simulation.requests import creation
from simulation.scenario import prepared
from simulation.scenarios import SCENARIOS


@pytest.fixture(autouse=True)
def as_in_lambda(monkeypatch):
    """The variables that the template gives every function."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "BBWS/WPTechnical")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "sitefleet")


@pytest.fixture
def emf(capsys):
    """Every metric line written so far: name -> values, each line checked as CloudWatch would."""

    def read() -> dict[str, list[float]]:
        found: dict[str, list[float]] = {}
        lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
        for line in map(json.loads, lines):
            [directive] = line["_aws"]["CloudWatchMetrics"]
            assert directive["Namespace"] == NAMESPACE
            assert directive["Dimensions"] == [["Environment"]]
            assert line["Environment"] in {"dev", "sit"}
            assert line["_aws"]["Timestamp"] > 0
            for metric in directive["Metrics"]:
                values = line[metric["Name"]]
                found.setdefault(metric["Name"], []).extend(values)
                found[f"{metric['Name']} unit"] = [metric["Unit"]]
        return found

    return read


def metered(fleet: SimulatedFleet, environment: Environment = Environment.DEV) -> SimulatedFleet:
    """Let the fleet write its metrics as the functions do."""
    meter = EmfMeter(environment)
    fleet.notifier._meter = meter
    fleet.sweeper._meter = meter
    return fleet


def created() -> SimulatedFleet:
    fleet = metered(prepared(Environment.DEV))
    fleet.send("creation", creation())
    fleet.run()
    return fleet


def test_a_creation_is_counted_once_with_its_duration_and_its_latencies(emf):
    fleet = created()
    [operation] = fleet.store.operations.values()
    took = (operation.completed_at - operation.created_at).total_seconds()
    found = emf()
    assert found["SiteCreated"] == [1]
    assert found["SiteCreated unit"] == ["Count"]
    assert found["SiteCreationDuration"] == [took]
    assert found["SiteCreationDuration unit"] == ["Seconds"]
    assert found["WordPressAPILatency"] == [45, 45]  # before and after it went live
    assert found["WordPressAPILatency unit"] == ["Milliseconds"]
    assert found["WordPressRequests"] == [1, 1]
    assert found["WordPressTimeouts"] == [0, 0]
    assert "SiteCreationFailed" not in found


def test_a_promotion_is_counted_with_its_speeds_once_whatever_is_repeated(emf):
    [promoted] = [s for s in SCENARIOS if s.name == "promotion, first"]
    slow = replace(promoted, job_seconds=60)
    fleet = metered(slow.start(Boundary()), Environment.SIT)
    fleet.run()
    found = emf()
    [moved] = [o for o in fleet.store.operations.values() if o.environment == "sit"]
    assert found["PromotionStarted"] == [1]
    assert found["PromotionCompleted"] == [1]
    took = (moved.completed_at - moved.created_at).total_seconds()
    assert found["PromotionDuration"] == [took]
    steps = {s.step: s for s in fleet.store.history(moved.operation_id).steps}
    assert found["ExportRate"] == [round(1300 / steps["export_source"].duration_seconds, 1)]
    assert found["ExportRate unit"] == ["Bytes/Second"]
    assert found["ImportRate"] == [round(152 / steps["import_database"].duration_seconds, 1)]
    assert found["CopyRate"] == [round(300 / steps["place_content"].duration_seconds, 1)]
    for event in list(fleet.world.events):
        fleet.deliver_again(event)
    fleet.run()
    assert not {name for name in emf() if name.startswith("Promotion")}


def test_a_fact_that_arrives_again_is_not_counted_again(emf):
    fleet = created()
    emf()
    for event in list(fleet.world.events):
        fleet.deliver_again(event)
    fleet.run()
    assert emf() == {}


def test_a_creation_that_was_taken_back_is_counted_as_failed(emf):
    [undone] = [s for s in SCENARIOS if s.name == "creation, undone"]
    metered(undone.start(Boundary())).run()
    found = emf()
    assert found["SiteCreationFailed"] == [1]
    assert "SiteCreated" not in found
    assert "SiteCreationDuration" not in found


def test_a_blocked_plugin_is_counted_when_its_request_is_refused(emf):
    """Which plugins are blocked is the catalogue's; the fact is the rejection with its code."""
    fleet = metered(prepared(Environment.DEV))
    plugins = {"plugins": [{"slug": "no-such-plugin"}]}
    fleet.send("creation", creation(configuration=plugins))
    fleet.run()
    [rejected] = [e for e in fleet.world.events if e.detail_type is DetailType.OPERATION_REJECTED]
    assert "PluginSecurityBlocked" not in emf()
    blocked = rejected.data.error.model_copy(update={"code": ErrorCode.PLUG_003})
    again = rejected.model_copy(
        update={
            "data": rejected.data.model_copy(update={"error": blocked}),
            "metadata": rejected.metadata.model_copy(
                update={"event_id": "00000000-0000-4000-8000-000000000003"}
            ),
        }
    )
    for _ in range(2):
        fleet.deliver_again(again)
    fleet.run()
    assert emf()["PluginSecurityBlocked"] == [1]


def test_the_depth_of_the_dead_letter_queue_is_told_as_it_is(emf):
    fleet = metered(prepared(Environment.DEV))
    fleet.sweeper.measure()
    found = emf()
    assert found["DLQMessages"] == [0]
    assert found["SweeperHeartbeat"] == [1]
    fleet.send("creation", "no message")
    fleet.run()
    fleet.sweeper.measure()
    assert emf()["DLQMessages"] == [1]


def test_a_value_leads_to_its_operation_without_being_billed_for_it(capsys):
    about = {"operationId": "550e8400-e29b-41d4-a716-446655440000", "step": None}
    values = [Measurement(name=MetricName.SITE_CREATED, value=1)]
    EmfMeter(Environment.DEV).record(values, about)
    line = json.loads(capsys.readouterr().out)
    assert line["operationId"] == about["operationId"]
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Environment"]]


def test_nothing_to_tell_is_no_line(capsys):
    EmfMeter(Environment.DEV).record([], {"operationId": "x"})
    assert capsys.readouterr().out == ""
