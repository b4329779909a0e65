"""Which facts count, and how much."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.domain.measurements import measurements_of
from core.domain.metrics import METRICS, MetricName
from core.domain.operation import StepRecord
from events.progress import EventMetadata, FleetEvent
from events.vocabulary import DetailType, OperationType, Phase, StepStatus

AT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
COMPLETED, FAILED = DetailType.OPERATION_COMPLETED, DetailType.OPERATION_FAILED


def event(detail_type: DetailType, kind: str = "SITE_CREATION", **data: object) -> FleetEvent:
    return FleetEvent(
        detail_type=detail_type,
        metadata=EventMetadata(
            event_id="00000000-0000-4000-8000-000000000001",
            occurred_at=AT,
            operation_id="550e8400-e29b-41d4-a716-446655440000",
            operation_type=OperationType(kind),
            tenant_id="tenant-1",
            site_id="site-1",
            environment="dev",
            correlation_id="c-1",
        ),
        data=data,
    )


def step(name: str, *, undone: bool = False, **facts: object) -> StepRecord:
    return StepRecord(
        operation_id="550e8400-e29b-41d4-a716-446655440000",
        phase=Phase.UNDO if undone else Phase.FORWARD,
        step=name,
        attempt=0,
        fence=1,
        status=StepStatus.UNDONE if undone else StepStatus.COMPLETED,
        facts=facts,
        started_at=AT,
        completed_at=AT + timedelta(seconds=1),
    )


def counted(fact: FleetEvent, *steps: StepRecord) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for measurement in measurements_of(fact, steps):
        found.setdefault(measurement.name, []).append(measurement.value)
    return found


def test_every_metric_of_the_platform_has_a_unit_and_a_meaning():
    assert set(METRICS) == set(MetricName)
    seconds = {name for name in METRICS if METRICS[name].unit == "Seconds"}
    assert seconds == {"SiteCreationDuration", "PromotionDuration"}
    bytes_per_second = {name for name in METRICS if METRICS[name].unit == "Bytes/Second"}
    assert bytes_per_second == {"ExportRate", "CopyRate"}
    assert {n for n in METRICS if METRICS[n].unit == "Milliseconds"} == {"WordPressAPILatency"}


def test_a_creation_counts_with_its_duration():
    fact = event(COMPLETED, duration_seconds=84.5)
    assert counted(fact) == {"SiteCreated": [1], "SiteCreationDuration": [84.5]}


@pytest.mark.parametrize("kind", ["SITE_UPDATE", "SITE_RESTORE", "SITE_PROMOTION", "SITE_ROLLBACK"])
def test_what_is_no_creation_counts_as_none(kind):
    for fact in (event(COMPLETED, kind, duration_seconds=1), event(FAILED, kind)):
        assert not {name for name in counted(fact) if name.startswith("Site")}


def test_a_deletion_counts():
    assert counted(event(COMPLETED, "SITE_DELETION")) == {"SiteDeleted": [1]}
    assert counted(event(FAILED, "SITE_DELETION")) == {}


@pytest.mark.parametrize(
    ("detail_type", "times"),
    [
        (FAILED, 1),
        (DetailType.OPERATION_ROLLED_BACK, 1),
        (DetailType.OPERATION_CANCELLED, 0),
        (DetailType.OPERATION_REJECTED, 0),
        (DetailType.OPERATION_ROLLBACK_FAILED, 0),
        (DetailType.OPERATION_STALLED, 0),
    ],
)
def test_a_creation_fails_once_at_its_end(detail_type, times):
    assert counted(event(detail_type)).get("SiteCreationFailed", []) == [1] * times


@pytest.mark.parametrize(
    ("code", "times"), [("PLUG_001", 0), ("PLUG_002", 1), ("PLUG_003", 1), ("PLUG_004", 0)]
)
@pytest.mark.parametrize("detail_type", [DetailType.OPERATION_REJECTED, FAILED])
def test_a_plugin_is_blocked_for_security_only(code, times, detail_type):
    fact = event(detail_type, "SITE_UPDATE", error={"code": code, "message": "No."})
    assert counted(fact).get("PluginSecurityBlocked", []) == [1] * times


def test_templates_and_plugins_of_what_went_live_count():
    steps = (
        step("apply_template", template="shop-1"),
        step("install_plugins", plugins=["woocommerce", "yoast"]),
    )
    done = counted(event(COMPLETED, "SITE_UPDATE"), *steps)
    assert done == {"TemplateApplied": [1], "PluginInstalled": [2]}
    assert counted(event(FAILED, "SITE_UPDATE"), *steps) == {}


@pytest.mark.parametrize(
    "steps",
    [
        (step("apply_template"), step("install_plugins")),
        (step("apply_template", template=None), step("install_plugins", plugins=[])),
        (step("install_plugins", undone=True, plugins=["a"]),),
        (step("install_plugins", plugins="none"),),
    ],
)
def test_steps_that_tell_of_none_count_none(steps):
    assert counted(event(COMPLETED, "SITE_UPDATE"), *steps) == {}


def test_the_latency_of_every_check_counts_whatever_the_end():
    steps = (
        step("check_before", wordpress_api_ms=45.2),
        step("check_after", wordpress_api_ms=51),
        step("check_before", undone=True, wordpress_api_ms=9),
        step("start_release"),
    )
    found = counted(event(FAILED, "SITE_UPDATE"), *steps)
    assert found == {"WordPressAPILatency": [45.2, 51]}


def test_requests_and_those_without_an_answer_are_counted_where_steps_tell_them():
    steps = (
        step("check_after", wordpress_requests=2, wordpress_timeouts=1),
        step("monitor", wordpress_requests=60, wordpress_timeouts=0),
        step("monitor", undone=True, wordpress_requests=9, wordpress_timeouts=9),
    )
    assert counted(event(FAILED, "SITE_UPDATE"), *steps) == {
        "WordPressRequests": [2, 60],
        "WordPressTimeouts": [1, 0],
    }


@pytest.mark.parametrize(
    ("kind", "detail_type", "metric"),
    [
        ("SITE_PROMOTION", DetailType.OPERATION_ACCEPTED, "PromotionStarted"),
        ("SITE_PROMOTION", FAILED, "PromotionFailed"),
        ("SITE_PROMOTION", DetailType.OPERATION_ROLLED_BACK, "PromotionRolledBack"),
        ("SITE_ROLLBACK", COMPLETED, "PromotionRolledBack"),
        ("SITE_ROLLBACK", FAILED, None),
        ("SITE_PROMOTION", DetailType.OPERATION_CANCELLED, None),
        ("SITE_PROMOTION", DetailType.OPERATION_REJECTED, None),
        ("SITE_UPDATE", DetailType.OPERATION_ACCEPTED, None),
    ],
)
def test_a_promotion_is_counted_at_its_start_and_at_its_end(kind, detail_type, metric):
    assert counted(event(detail_type, kind)) == ({metric: [1]} if metric else {})


@pytest.mark.parametrize("step_name", ["cut_over", "switch"])
def test_a_promotion_is_complete_once_it_went_live(step_name):
    fact = event(COMPLETED, "SITE_PROMOTION", duration_seconds=900)
    assert counted(fact, step(step_name)) == {
        "PromotionCompleted": [1],
        "PromotionDuration": [900],
    }
    assert counted(fact, step("plan"), step(step_name, undone=True)) == {}  # a dry run


def test_speeds_are_sizes_by_the_seconds_of_their_steps():
    steps = (
        step("export_source", dump_size_bytes=1000, content_size_bytes=300),
        step("import_database", rows={"wp_posts": 12, "wp_options": 140}),
        step("place_content", size_bytes=300, files=3),
    )
    slow = [replace(s, completed_at=AT + timedelta(seconds=4)) for s in steps]
    assert counted(event(FAILED, "SITE_RESTORE"), *slow) == {
        "ExportRate": [325],
        "ImportRate": [38],
        "CopyRate": [75],
    }
    at_once = [replace(s, completed_at=AT) for s in steps]
    assert counted(event(FAILED, "SITE_RESTORE"), *at_once) == {}
    failed = [replace(s, status=StepStatus.FAILED) for s in steps]
    assert counted(event(FAILED, "SITE_RESTORE"), *failed) == {}


@pytest.mark.parametrize("kind", ["SITE_CREATION", "SITE_PROMOTION", "SITE_ROLLBACK"])
@pytest.mark.parametrize(
    ("detail_type", "metric"),
    [
        (DetailType.OPERATION_STALLED, "OperationsStalled"),
        (DetailType.OPERATION_ROLLBACK_FAILED, "RollbackFailed"),
    ],
)
def test_what_stands_still_counts_whatever_it_is(kind, detail_type, metric):
    assert counted(event(detail_type, kind)) == {metric: [1]}
