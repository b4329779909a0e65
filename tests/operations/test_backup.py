"""Backups before the work: found or started, waited for, recorded; a failed one ends it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.adapters.memory.backups import MemoryBackups
from core.engine.outcome import Done, Failed, Wait
from core.operations.steps.backup import back_up_target

NAME = "prod-tenant-1-pre-promotion-20261124203000-0f1e2d3c"


@pytest.fixture
def slow(stage):
    """Backups that take ten minutes."""
    stage.step = "back_up_target"
    ports = stage.fleet.engine.ports
    object.__setattr__(ports, "backups", MemoryBackups(stage.world, settle_seconds=600))
    return stage


def test_both_are_recorded_by_their_arns(stage):
    outcome = stage.run(back_up_target)
    assert isinstance(outcome, Done)
    assert outcome.facts["name"] == NAME
    assert outcome.facts["database_snapshot"].startswith("arn:aws:rds:")
    assert outcome.facts["recovery_point"].startswith("arn:aws:backup:")


def test_both_are_waited_for_and_started_once(slow):
    outcome = slow.run(back_up_target)
    assert outcome == Wait(
        seconds=30,
        why=f"the database snapshot {NAME} (It is being made.) and the recovery point {NAME} "
        "(It is being made.)",
    )
    slow.now += timedelta(seconds=599)
    assert isinstance(slow.run(back_up_target), Wait)
    slow.now += timedelta(seconds=1)
    assert isinstance(slow.run(back_up_target), Done)
    assert len(slow.world.backups) == 2


def test_their_events_will_find_the_operation(slow):
    slow.run(back_up_target)
    store = slow.fleet.store
    found = {store.operation_of_resource(backup.arn) for backup in slow.world.backups.values()}
    assert found == {"0f1e2d3c-0000-5000-8000-000000000001"}


@pytest.mark.parametrize("service", ["rds", "backup"])
def test_one_that_fails_ends_the_promotion_before_anything_changed(stage, service):
    stage.world.broken_backups = {service: "The storage is full."}
    outcome = stage.run(back_up_target)
    assert isinstance(outcome, Failed)
    assert f"{NAME} failed: The storage is full." in outcome.why
    assert "Nothing was changed" in outcome.why


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ({"database": False}, {"database_snapshot": False, "recovery_point": True}),
        ({"file_system": False}, {"database_snapshot": True, "recovery_point": False}),
    ],
)
def test_policy_may_leave_one_out(stage, wanted, kept):
    stage.promotion_rules("backup", **wanted)
    facts = stage.run(back_up_target).facts
    assert {name: facts[name] is not None for name in kept} == kept
