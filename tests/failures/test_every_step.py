"""A failure at any step of a promotion leaves the target serving exactly what it served before.

With real databases, real WordPress sites and IAM. Each step has done all its work before it says
that it failed: everything is there to be undone.
"""

import pytest

from events.vocabulary import OperationStatus
from tests.failures.consumers import WHY
from tests.failures.promotions import FIRST_PROMOTION, LAST, planned_steps
from tests.failures.target import assert_real

pytestmark = [pytest.mark.machine, pytest.mark.long]
STEPS = planned_steps()
SWITCHED = STEPS[STEPS.index("cut_over") :]


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_fails_leaves_the_target_as_it_was(failed, step):
    case = failed(step)
    assert (case.operation.failure.message, case.operation.failure.step) == (WHY, step)
    assert case.differences == {}
    assert case.left == []
    ends = OperationStatus.ROLLED_BACK if step in SWITCHED else OperationStatus.FAILED
    assert case.operation.status is ends


@pytest.mark.parametrize("step", FIRST_PROMOTION)
def test_a_first_promotion_that_fails_leaves_nothing(failed_first, step):
    case = failed_first(step)
    assert (case.operation.failure.message, case.operation.failure.step) == (WHY, step)
    assert case.differences == {}
    assert case.left == []
    assert case.before["records"] == []
    assert not any(case.before["resources"]["releases"].values())


def test_what_is_compared_is_a_real_site(failed):
    before = failed(LAST).before
    assert_real(before)
    for kind in ("services", "task definitions", "rules", "names", "secrets", "users", "objects"):
        assert before["resources"][kind], kind
