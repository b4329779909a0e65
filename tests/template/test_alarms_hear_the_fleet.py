"""What alarms read is what a fleet writes: its own log lines are compared with the template."""

from __future__ import annotations

import pytest

from core.adapters.aws.emf import EmfMeter
from core.adapters.memory.boundary import Boundary
from core.domain.metrics import NAMESPACE
from events.formats import Environment
from events.vocabulary import DetailType
from local.function_metrics import embedded
from simulation.fleet import SimulatedFleet
from simulation.scenarios import SCENARIOS
from tests.template.test_alarms import read_by

RUN = ("creation", "creation, undone", "promotion, import fails")
STANDING_STILL = (DetailType.OPERATION_STALLED, DetailType.OPERATION_ROLLBACK_FAILED)


@pytest.fixture
def written(monkeypatch, capsys) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    """Run a fleet through good and bad; return name and dimensions of every metric it wrote."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", NAMESPACE)
    for name in RUN:
        [scenario] = [s for s in SCENARIOS if s.name == name]
        fleet = scenario.start(Boundary())
        fleet.notifier._meter = fleet.sweeper._meter = EmfMeter(Environment.SIT)
        fleet.run()
        fleet.sweeper.measure()
        tell_of_trouble(fleet)
    data = [datum for line in capsys.readouterr().out.splitlines() for datum in embedded(line)]
    assert {namespace for namespace, _ in data} == {NAMESPACE}
    return {
        (d["MetricName"], tuple((x["Name"], x["Value"]) for x in d["Dimensions"])) for _, d in data
    }


def tell_of_trouble(fleet: SimulatedFleet) -> None:
    """Let the notifier hear of operations that stand still, as their records would derive it."""
    for number, detail_type in enumerate(STANDING_STILL):
        event = fleet.world.events[-1]
        other_id = f"00000000-0000-4000-8000-00000000000{number}"
        metadata = event.metadata.model_copy(update={"event_id": other_id})
        fleet.deliver_again(replace_event(event, detail_type, metadata))
    fleet.run()


def replace_event(event, detail_type, metadata):
    return event.model_copy(update={"detail_type": detail_type, "metadata": metadata})


def test_every_metric_of_the_fleet_that_an_alarm_reads_is_written(written, sit):
    alarms = sit.of_type("AWS::CloudWatch::Alarm").values()
    own = {
        (read.name, read.dimensions)
        for alarm in alarms
        for read in read_by(alarm)
        if read.namespace == NAMESPACE
    }
    assert len(own) == 11
    assert own - written == set()
