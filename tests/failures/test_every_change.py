"""A failure at any step of any change leaves the old state or the new one, and nothing orphaned.

Creation, update, deletion and restore, with real databases, real WordPress sites and IAM. Each
step has done all its work before it says that it failed: everything is there to be undone.
"""

import pytest

from core.operations.update import UPDATE
from events.vocabulary import OperationStatus
from tests.failures.changes import UPDATES, Nobody, deletion, made_up, restore, steps_of, update
from tests.failures.consumers import WHY
from tests.failures.target import assert_real

pytestmark = pytest.mark.machine
CREATION = steps_of(made_up(Nobody()))
DELETION = steps_of(deletion(Nobody(), keep=False))
RESTORE = steps_of(restore(Nobody(), "0" * 32))
NO_WAY_BACK = DELETION.index("invalidate_cache")
"""From this step on a deletion only goes forward (ADR 0049)."""
SAMPLE = {
    ("creation", "complete"),
    ("wordpress", "configure_plugins"),
    ("deletion", "take_name_down"),
    ("restore", "complete"),
}
"""What `make test` takes of them: around what visitors see, and around what cannot come back."""
MAY_DIFFER = {"/records", "/resources/objects", "/resources/secrets that wait for deletion"}
"""Between a site that has gone and one that never was: it can be had back."""
NONE_BEFORE = {"locks", "secrets that wait for deletion", "certificates", "objects"}
"""What a site that was created, and nothing else, has none of."""


def sampled(kind: str, step: str) -> object:
    marks = () if (kind, step) in SAMPLE else pytest.mark.long
    return pytest.param(kind, step, marks=marks, id=f"{kind}-{step}".replace(", ", "-"))


def failed_as(case, switch: set[str]) -> OperationStatus:
    """Return how an operation ends that is undone: by whether visitors had seen something."""
    plan = case.operation.plan
    seen = switch.intersection(plan[: plan.index(case.step) + 1])
    return OperationStatus.ROLLED_BACK if seen else OperationStatus.FAILED


@pytest.mark.parametrize(("kind", "step"), [sampled("creation", step) for step in CREATION])
def test_a_creation_that_fails_leaves_nothing_but_a_record_that_says_why(changed, kind, step):
    case = changed(kind, step)
    assert (case.operation.failure.message, case.operation.failure.step) == (WHY, step)
    assert case.operation.status is failed_as(case, {"switch"})
    assert case.differences.keys() <= {"/records"}
    assert case.left == []
    reserved = CREATION.index(step) >= CREATION.index("reserve_release")
    records = [(record["status"], record["failureReason"]) for record in case.after["records"]]
    assert records == ([("FAILED", WHY)] if reserved else [])


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        sampled(kind, step)
        for kind, changes in UPDATES.items()
        for step in steps_of(update(Nobody(), changes))
    ],
)
def test_an_update_that_fails_leaves_the_site_as_it_was(changed, kind, step):
    case = changed(kind, step)
    assert (case.operation.failure.message, case.operation.failure.step) == (WHY, step)
    assert case.operation.status is failed_as(case, {s.name for s in UPDATE.steps if s.cuts_over})
    assert case.differences == {}
    assert case.left == []


@pytest.mark.parametrize(
    ("kind", "step"), [sampled("deletion", step) for step in DELETION[:NO_WAY_BACK]]
)
def test_a_deletion_that_fails_before_the_name_is_down_leaves_the_site_as_it_was(
    changed, kind, step
):
    case = changed(kind, step)
    assert (case.operation.failure.message, case.operation.failure.step) == (WHY, step)
    assert case.operation.status is failed_as(case, {"take_name_down"})
    assert case.differences == {}
    assert case.left == []


@pytest.mark.parametrize(
    ("kind", "step"), [sampled("deletion, onward", step) for step in DELETION[NO_WAY_BACK:]]
)
def test_a_deletion_that_fails_behind_it_serves_nothing_and_a_retry_ends_it(changed, kind, step):
    case = changed(kind, step)
    assert (case.operation.failure.message, case.operation.failure.step) == (WHY, step)
    assert case.operation.status is OperationStatus.ROLLBACK_FAILED
    stopped, gone = case.between, case.after
    for part in ("rules", "names"):
        assert stopped["resources"][part] == []
    assert len(stopped["resources"]["locks"]) == 1
    assert case.ended.status is OperationStatus.COMPLETED
    assert case.differences.keys() <= MAY_DIFFER
    assert case.left == []
    assert [record["status"] for record in gone["records"]] == ["DELETED"]
    objects = gone["resources"]["objects"]
    assert all(name.startswith("backups/") for name in objects)
    is_kept = any(case.operation.operation_id in name for name in objects)
    assert is_kept is (step != "discard_backup")


@pytest.mark.parametrize(("kind", "step"), [sampled("restore", step) for step in RESTORE])
def test_a_restore_that_fails_leaves_the_site_deleted_and_its_backup_there(changed, kind, step):
    case = changed(kind, step)
    assert (case.operation.failure.message, case.operation.failure.step) == (WHY, step)
    assert case.operation.status is failed_as(case, {"switch"})
    assert case.differences == {}
    assert case.left == []
    assert [record["status"] for record in case.before["records"]] == ["DELETED"]
    assert len(case.before["resources"]["objects"]) > 2
    assert len(case.before["resources"]["secrets that wait for deletion"]) == 3


@pytest.mark.parametrize(("kind", "step"), [("neighbour", "deletion")])
def test_a_neighbour_with_a_similar_name_survives_byte_by_byte(changed, kind, step):
    """Pages, rows, files, records and every resource of damson-2, once damson is deleted."""
    case = changed(kind, step)
    assert case.operation.status is OperationStatus.COMPLETED
    assert_real(case.before)
    assert case.differences == {}


COMPARED = (
    ("wordpress", "configure_plugins"),
    ("domain", "switch_domain"),
    ("deletion", "take_name_down"),
)


@pytest.mark.parametrize(("kind", "step"), [sampled(*case) for case in COMPARED])
def test_what_is_compared_is_a_real_site(changed, kind, step):
    before = changed(kind, step).before
    assert_real(before)
    resources = before["resources"]
    for kind_of_resource in resources.keys() - NONE_BEFORE:
        assert resources[kind_of_resource], kind_of_resource
