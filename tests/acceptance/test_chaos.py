"""Thirty operations while workers and jobs are killed, AWS stands still, a database restarts.

`make chaos OPERATIONS=1000` asks for more of them.
"""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest

from tests.acceptance.chaos import Chaos
from tests.acceptance.chaos_blows import Hand
from tests.acceptance.chaos_judge import Judge, Verdict
from tests.acceptance.chaos_plan import PROMOTE, Life, blows, lives

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


@pytest.mark.parametrize(
    ("code", "step", "struck", "over", "right"),
    [
        ("PROM_002", "monitor", "mariadb", 12.0, True),
        ("PROM_002", "monitor", "emulator", 12.0, True),
        ("PROM_002", "monitor", "mariadb", 9.0, False),  # before the promotion was asked for
        ("PROM_002", "monitor", "worker", 12.0, False),  # no visitor meets a worker
        ("PROM_002", "test_sites", "mariadb", 12.0, False),  # a step of its own is tried again
        ("PROM_004", "monitor", "mariadb", 12.0, False),
    ],
)
def test_a_promotion_may_be_taken_back_for_a_blow_and_for_nothing_else(
    tmp_path, *, code, step, struck, over, right
):
    hand = Hand(home=tmp_path, plan=blows(1), over={struck: over})
    inventory = SimpleNamespace(hosts=Counter)
    judge = Judge(world=SimpleNamespace(inventory={"sit": inventory}), hand=hand)
    error = {"code": code, "details": {"step": step}}
    end = {
        "detail-type": "SiteOperationRolledBack",
        "detail": {"data": {"status": "ROLLED_BACK", "error": error}},
    }
    life = Life("tenant-chaos-1", "site-1", "chaos-1", (PROMOTE,))
    verdict = judge.judge(life, PROMOTE, end, began=10.0)
    assert verdict.again is right
    assert bool(verdict.complaint) is not right
    if right:
        inventory.hosts = lambda: Counter({"chaos-1.wpsit.kimmyai.io": 1})
        left = Verdict("ROLLED_BACK", "chaos-1.wpsit.kimmyai.io is still there")
        assert judge.judge(life, PROMOTE, end, began=10.0) == left


@pytest.mark.long
def test_every_operation_ends_as_it_must_and_leaves_nothing_behind(chaos, numbers):
    numbers.append(chaos.report())
    assert chaos.complaints == []
    assert chaos.settled == OPERATIONS
    assert sum(chaos.hand.struck.values()) > 10
