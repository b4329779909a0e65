"""Thirty operations while workers and jobs are killed, AWS stands still, a database restarts.

`make chaos OPERATIONS=1000` asks for more of them.
"""

from __future__ import annotations

import pytest

from tests.acceptance.chaos import Chaos
from tests.acceptance.chaos_plan import blows, lives

pytestmark = pytest.mark.machine
OPERATIONS, SEED = 30, 1


@pytest.fixture(scope="module")
def chaos(world):
    world.warm_up()
    run = Chaos(world=world, operations=OPERATIONS, seed=SEED)
    run.run()
    return run


def test_the_same_seed_is_the_same_plan():
    def shape(seed):
        asked = [(life.tenant_id, life.asks) for life in lives(seed, 50)]
        broken = blows(seed)
        return asked, [next(broken) for _ in range(50)]

    assert shape(1) == shape(1)
    assert shape(1) != shape(2)
    assert sum(len(life.asks) for life in lives(1, 50)) == 50


@pytest.mark.long
def test_every_operation_ends_as_it_must_and_leaves_nothing_behind(chaos, numbers):
    numbers.append(chaos.report())
    assert chaos.complaints == []
    assert len(chaos.ended) == OPERATIONS
    assert sum(chaos.hand.struck.values()) > 10
