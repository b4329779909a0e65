"""Whose a letter is that names no site: its operation's, read for all of them together."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from dead import Switch, a_fleet, copies, put, stalled_by

from core.domain.letters import Origin
from core.domain.replays import ReplayFilter
from core.replay.desk import groups_of
from events.progress import StepPoll, WakeUp
from simulation.operator import Operator

WHY = "The table is throttled."
CANCEL = {
    "messageType": "OPERATION_CANCEL_REQUEST",
    "correlationId": "stop",
    "requestedBy": "jane.doe@example.com",
    "timestamp": "2026-11-21T08:00:00Z",
}


def made(number: int):
    """Return operations that stand at a step, each with its event's letter and a poll's."""
    switch = Switch()
    fleet = a_fleet(switch)
    first = stalled_by(fleet, switch, "lock_site", WHY, "site-x")
    operations = list(copies(fleet, first, number))
    fleet.world.dead_letters[:] = fleet.world.dead_letters[-number:]
    for letter, operation in zip(list(fleet.world.dead_letters), operations, strict=True):
        poll = StepPoll(
            operation_id=operation.operation_id, event_id=operation.event_id, wait_number=1
        )
        own = {n: v for n, v in letter.attributes.items() if n != "tenantId"}
        put(fleet, poll.queue_body(), attributes=own)
    return Operator(fleet=fleet), operations


def test_a_poll_is_in_the_group_of_the_event_whose_step_broke():
    operator, operations = made(5)
    [group] = groups_of(operator.desk.collect(ReplayFilter()))
    assert (group.count, group.failure.workflow) == (10, "SITE_CREATION")
    assert set(group.tenants) == {operation.tenant_id for operation in operations}


def test_a_filter_by_site_or_tenant_finds_polls():
    operator, operations = made(5)
    one = operations[2]
    for wanted in (ReplayFilter(site_id=one.site_id), ReplayFilter(tenant_id=one.tenant_id)):
        found = operator.plan(wanted)
        assert {o.letter.operation_id for o in found} == {one.operation_id}
        assert "STEP_POLL" in {o.letter.message_type for o in found}
        assert len(found) == 2


@pytest.mark.parametrize("source", ["wakeup", "creation"])
def test_what_sqs_moved_is_its_operations_too(source):
    operator, [operation] = made(1)
    operator.fleet.world.dead_letters.clear()
    bodies = [
        WakeUp(operation_id=operation.operation_id, reason="A job has ended.").queue_body(),
        json.dumps(CANCEL | {"payload": {"operationId": operation.operation_id, "reason": "no"}}),
    ]
    for body in bodies:
        put(operator.fleet, body, source=source)
    letters = operator.desk.collect(ReplayFilter(site_id=operation.site_id))
    assert [letter.raw.body for letter in letters] == bodies
    assert {letter.failure.workflow for letter in letters} == {"SITE_CREATION"}
    assert {letter.origin for letter in letters} == {Origin(source)}


def test_an_operation_that_is_not_there_tells_nothing():
    operator, operations = made(2)
    operator.fleet.store.operations.clear()
    letters = operator.desk.collect(ReplayFilter())
    polls = [letter for letter in letters if letter.message_type == "STEP_POLL"]
    assert {(letter.site_id, letter.failure.workflow) for letter in polls} == {(None, "creation")}
    assert len(polls) == len(operations)


def test_a_plan_asks_no_more_for_more_polls():
    assert asked_about(3) == asked_about(40)


def asked_about(number: int) -> Counter[tuple[str, str]]:
    operator, _ = made(number)
    before = len(operator.fleet.boundary.calls)
    operator.plan()
    made_calls = operator.fleet.boundary.calls[before:]
    return Counter((call.port, call.method) for call in made_calls if call.port != "letters")
