"""The boundary around ports, and the time and ids of a simulation."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.adapters.memory.boundary import (
    AnswerLostError,
    Boundary,
    Crashed,
    Moment,
    Stop,
)
from core.adapters.memory.clock import EPOCH, ManualClock, SeededIds
from core.adapters.memory.transfer import MemoryTransfer
from core.adapters.system import RandomIds, SystemClock
from core.domain.errors import TransientError
from tests.contract.backends import Memory


@pytest.fixture
def memory() -> Memory:
    memory = Memory()
    memory.world.objects.update({"a/1": b"", "a/2": b"", "b/1": b""})
    return memory


def run(memory: Memory, boundary: Boundary) -> None:
    """Three calls, two of which change something."""
    transfer = boundary.wrap("transfer", MemoryTransfer(memory.world))
    transfer.delete_prefix("a/")
    transfer.exists("b/1")
    transfer.delete_prefix("b/")


def test_every_call_is_counted_and_answers_as_before(memory: Memory):
    boundary = Boundary()
    assert boundary.wrap("transfer", MemoryTransfer(memory.world)).delete_prefix("a/") == 2
    run(memory, boundary)
    assert [(call.number, call.port, call.method) for call in boundary.calls] == [
        (1, "transfer", "delete_prefix"),
        (2, "transfer", "delete_prefix"),
        (3, "transfer", "exists"),
        (4, "transfer", "delete_prefix"),
    ]


@pytest.mark.parametrize(
    ("moment", "error", "left"),
    [
        (Moment.BEFORE, Crashed, 1),
        (Moment.AFTER, Crashed, 0),
        (Moment.ANSWER_LOST, AnswerLostError, 0),
    ],
)
def test_a_run_is_stopped_around_one_call(memory: Memory, moment: Moment, error, left: int):
    boundary = Stop(call=3, moment=moment).boundary()
    with pytest.raises(error, match=r"call 3, transfer\.delete_prefix"):
        run(memory, boundary)
    assert len(memory.world.objects) == left
    run(memory, boundary)
    assert len(memory.world.objects) == 0


def test_a_dead_worker_is_not_kept_alive_by_a_handler_of_errors():
    assert not issubclass(Crashed, Exception)
    assert issubclass(AnswerLostError, TransientError)


def test_the_manual_clock_moves_only_when_it_is_moved():
    clock = ManualClock()
    assert clock.now() == EPOCH
    assert clock.advance(1.5) == EPOCH + timedelta(seconds=1.5)
    assert clock.advance_to(EPOCH) == EPOCH + timedelta(seconds=1.5)
    assert clock.advance_to(EPOCH + timedelta(hours=1)) == EPOCH + timedelta(hours=1)


def test_seeded_ids_are_the_same_in_every_run_and_never_given_out_twice():
    first, again, other = SeededIds(1), SeededIds(1), SeededIds(2)
    ids = [first.new_id() for _ in range(100)]
    assert [again.new_id() for _ in range(100)] == ids
    assert len({*ids, *(other.new_id() for _ in range(100))}) == 200


def test_the_systems_clock_is_aware_and_its_ids_differ():
    assert SystemClock().now().utcoffset() == timedelta(0)
    ids = RandomIds()
    assert ids.new_id() != ids.new_id()
