"""What the plan of a replay says is what happens, for letters of every shape."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from dead import REFUSED, a_fleet, mixed, put

from core.domain.letters import LetterKind
from core.domain.operation import AttemptFailure
from core.domain.replays import Fate, ReplayFilter, ReplayStatus
from core.replay.desk import groups_of
from simulation.operator import Operator
from simulation.requests import creation

SIZES = [360, pytest.param(10_000, marks=pytest.mark.long)]


@pytest.fixture(scope="module", params=SIZES)
def looked_at(request):
    scene = mixed(request.param)
    operator = Operator(fleet=scene.fleet)
    foretold = operator.plan()
    return scene, operator, foretold


def test_every_shape_is_recognised_and_equal_failures_group(looked_at):
    _, _, foretold = looked_at
    letters = [one.letter for one in foretold]
    assert {letter.kind for letter in letters} == {
        LetterKind.REFUSED,
        LetterKind.EXHAUSTED,
        LetterKind.ABANDONED,
        LetterKind.TARGET_FAILURE,
        LetterKind.TOPIC_FAILURE,
        LetterKind.UNREADABLE,
    }
    groups = groups_of(letters)
    assert len(groups) >= 20
    assert sum(group.count for group in groups) == len(letters)
    refused = [g for g in groups if g.kinds.get("refused")]
    assert len(refused) == len(REFUSED)
    assert max(len(g.tenants) for g in groups if g.kinds.get("exhausted")) == 5


def test_every_fate_is_foretold(looked_at):
    _, _, foretold = looked_at
    fates = Counter(one.forecast.fate for one in foretold)
    assert set(fates) == set(Fate) - {Fate.TURNED_BACK, Fate.BROKE}, fates
    assert all(one.forecast.sentence for one in foretold)


def test_what_was_foretold_is_what_happens(looked_at):
    scene, operator, foretold = looked_at
    fleet = scene.fleet
    depth = len(fleet.world.dead_letters) + len(fleet.world.undeliverable)
    assert depth == len(foretold), "looking takes nothing away"
    replay = operator.replay(ReplayFilter(), sends_refused=True)
    assert replay.status is ReplayStatus.FINISHED
    entries = operator.journal.entries(replay.replay_id)
    refused = {e.group_id for e in entries if e.forecast is Fate.REFUSED}
    sent = [e for e in entries if e.fate is not None]
    wrong = [(e.forecast, e.fate, e.sentence, e.outcome) for e in sent if e.forecast != e.fate]
    assert wrong == []
    held_back = [e for e in entries if e.fate is None]
    assert {e.group_id for e in held_back} <= refused, "only what fails again is held back"
    assert {e.state.value for e in held_back} <= {"stopped"}


def test_a_plan_asks_no_more_for_more_sites():
    """Sites, locks, operations and marks are read together: AWS answers for a hundred at once."""
    assert asked_about(10) == asked_about(90)


def asked_about(number: int) -> Counter[tuple[str, str]]:
    """Plan requests for so many new sites; return what was asked of everything but the queues."""
    fleet = a_fleet()
    for count in range(number):
        site_id = f"site-{count}"
        body = creation(site_id, tenantId="tenant-1", subdomain=site_id, correlation=site_id)
        put(fleet, body, source="creation", tenant_id="tenant-1")
    operator = Operator(fleet=fleet)
    before = len(fleet.boundary.calls)
    fates = {one.forecast.fate for one in operator.plan()}
    assert fates == {Fate.ACCEPTED}
    made = ((call.port, call.method) for call in fleet.boundary.calls[before:])
    return Counter(call for call in made if call[0] != "letters")


def test_a_silent_letter_says_what_its_recorded_attempts_said():
    """SQS moved it without a word; of two such letters each has its own attempts."""
    fleet = a_fleet()
    errors = {"550e8400-e29b-41d4-a716-446655440000": "KeyError"}
    errors["550e8400-e29b-41d4-a716-446655440001"] = "TransientError"
    for operation_id, exception in errors.items():
        body = json.dumps({"messageType": "STEP_POLL", "operationId": operation_id})
        letter = put(fleet, body, source="creation")
        fleet.store.record_failure(
            AttemptFailure(
                message_id=letter.message_id,
                operation_id=operation_id,
                step="update_dns",
                attempt=4,
                exception_type=exception,
                message="It broke.",
                occurred_at=fleet.clock.now(),
            )
        )
    letters = Operator(fleet=fleet).desk.collect(ReplayFilter())
    told = {letter.failure.exception for letter in letters}
    assert (told, {letter.failure.step for letter in letters}) == (
        set(errors.values()),
        {"update_dns"},
    )
