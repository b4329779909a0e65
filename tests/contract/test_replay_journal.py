"""ReplayJournal: one replay open at a time, nothing of it lost, and one worker at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.adapters.aws.replay_journal import DynamoReplayJournal
from core.adapters.memory.boundary import Crashed
from core.adapters.memory.replay_journal import MemoryReplayJournal
from core.domain.errors import LostClaimError, TransientError
from core.domain.replays import EntryState, Replay, ReplayStatus
from core.ports.dead_letters import ReplayJournal
from tests.contract.backends import Aws, Backend, Memory
from tests.contract.stored_replays import ENTRIES, LEASE, NOW, REPLAY, SMALL, entry, of


@pytest.fixture
def journal(backend: Backend) -> ReplayJournal:
    if isinstance(backend, Memory):
        return MemoryReplayJournal()
    return of(backend)


def claimed(journal: ReplayJournal, replay: Replay, owner: str = "one") -> Replay:
    found = journal.claim(replay.replay_id, owner=owner, now=NOW, lease_until=NOW + LEASE)
    assert found is not None
    return found


def test_nothing_is_there_at_first(journal: ReplayJournal):
    assert journal.get(REPLAY.replay_id) is None
    assert journal.open_replay() is None
    assert list(journal.entries(REPLAY.replay_id)) == []
    assert list(journal.recent(5)) == []
    lost = journal.claim(REPLAY.replay_id, owner="one", now=NOW, lease_until=NOW + LEASE)
    assert lost is None


def test_a_replay_comes_back_whole_with_its_entries_in_order(journal: ReplayJournal):
    assert journal.begin(REPLAY, list(reversed(ENTRIES))) == REPLAY
    assert journal.get(REPLAY.replay_id) == REPLAY
    assert journal.open_replay() == REPLAY
    assert list(journal.entries(REPLAY.replay_id)) == ENTRIES


def test_as_many_entries_as_there_are_letters(journal: ReplayJournal):
    """More than a batch, and in the order of numbers, not of texts."""
    many = [entry(number, sentence="x" * 200) for number in range(131)]
    journal.begin(REPLAY, many)
    assert list(journal.entries(REPLAY.replay_id)) == many


def test_a_second_replay_gets_the_open_one_and_leaves_nothing(journal: ReplayJournal):
    journal.begin(REPLAY, ENTRIES)
    assert journal.begin(SMALL, [entry(0)]) == REPLAY
    assert journal.get(SMALL.replay_id) is None
    assert list(journal.entries(SMALL.replay_id)) == []
    assert list(journal.recent(5)) == [REPLAY]


def test_the_same_replay_begun_again_is_itself(journal: ReplayJournal):
    """The answer of the first time was lost."""
    journal.begin(REPLAY, ENTRIES)
    assert journal.begin(REPLAY, ENTRIES) == REPLAY
    assert list(journal.entries(REPLAY.replay_id)) == ENTRIES


def test_one_worker_at_a_time_holds_it(journal: ReplayJournal):
    journal.begin(REPLAY, ENTRIES)
    mine = claimed(journal, REPLAY)
    assert (mine.fence, mine.lease_owner, mine.lease_until) == (1, "one", NOW + LEASE)
    soon = NOW + timedelta(seconds=90)
    other = {"owner": "two", "lease_until": soon + LEASE}
    assert journal.claim(REPLAY.replay_id, now=soon, **other) is None
    again = journal.claim(REPLAY.replay_id, owner="one", now=soon, lease_until=soon + LEASE)
    assert again is not None
    assert again.fence == 2
    late = soon + LEASE
    taken = journal.claim(REPLAY.replay_id, owner="two", now=late, lease_until=late + LEASE)
    assert taken is not None
    assert (taken.fence, taken.lease_owner) == (3, "two")
    assert journal.get(REPLAY.replay_id) == taken


def test_who_lost_the_replay_writes_nothing_over_it(journal: ReplayJournal):
    journal.begin(REPLAY, ENTRIES)
    mine = claimed(journal, REPLAY)
    late = NOW + LEASE
    journal.claim(REPLAY.replay_id, owner="two", now=late, lease_until=late + LEASE)
    for status in (ReplayStatus.OPEN, ReplayStatus.FINISHED):
        with pytest.raises(LostClaimError, match="has taken replay"):
            journal.save(replace(mine, status=status, sending=2))
    stored = journal.get(REPLAY.replay_id)
    assert stored is not None
    assert (stored.sending, stored.fence, stored.status) == (None, 2, ReplayStatus.OPEN)
    assert journal.open_replay() == stored


def test_what_is_saved_is_there(journal: ReplayJournal):
    journal.begin(REPLAY, ENTRIES)
    mine = claimed(journal, REPLAY)
    for sending, unconfirmed in ((1, {0: "n-0", 2: ""}), (None, {})):
        state = replace(
            mine,
            sending=sending,
            unconfirmed=unconfirmed,
            counts={"sent": 1},
            stopped_groups=("0a1b2c3d",),
        )
        journal.save(state)
        assert journal.get(REPLAY.replay_id) == state


@pytest.mark.parametrize("status", [ReplayStatus.FINISHED, ReplayStatus.ABANDONED])
def test_the_end_of_one_lets_the_next_begin(journal: ReplayJournal, status: ReplayStatus):
    journal.begin(REPLAY, ENTRIES)
    ended = replace(
        claimed(journal, REPLAY), status=status, finished_at=NOW, lease_owner=None, lease_until=None
    )
    journal.save(ended)
    assert journal.open_replay() is None
    assert journal.get(REPLAY.replay_id) == ended
    assert journal.begin(SMALL, [entry(0)]) == SMALL
    assert list(journal.recent(1)) == [SMALL]
    assert list(journal.recent(5)) == [SMALL, ended]


def test_the_end_written_twice_ends_nothing_else(journal: ReplayJournal):
    """The answer of the first time was lost, and another has begun since."""
    journal.begin(REPLAY, ENTRIES)
    ended = replace(claimed(journal, REPLAY), status=ReplayStatus.FINISHED, finished_at=NOW)
    journal.save(ended)
    journal.save(ended)
    journal.begin(SMALL, [])
    journal.save(ended)
    assert journal.open_replay() == SMALL
    assert journal.get(REPLAY.replay_id) == ended


def test_what_became_of_entries_is_written_over_them(journal: ReplayJournal):
    journal.begin(REPLAY, ENTRIES)
    sent = replace(ENTRIES[1], state=EntryState.SENT, new_message_id="n-1", sent_at=NOW)
    gone = replace(ENTRIES[2], state=EntryState.GONE)
    journal.record(REPLAY, [sent, gone])
    journal.record(REPLAY, [])
    assert list(journal.entries(REPLAY.replay_id)) == [ENTRIES[0], sent, gone]


def test_many_entries_are_written_over_at_once(journal: ReplayJournal):
    """More than a transaction holds."""
    many = [entry(number) for number in range(131)]
    journal.begin(REPLAY, many)
    stopped = [replace(one, state=EntryState.STOPPED) for one in many]
    journal.record(claimed(journal, REPLAY), [*many, *stopped])
    assert list(journal.entries(REPLAY.replay_id)) == stopped


def test_who_lost_the_replay_writes_nothing_over_its_entries(journal: ReplayJournal):
    """It slept for longer than its lease, and another has gone on."""
    journal.begin(REPLAY, ENTRIES)
    mine = claimed(journal, REPLAY)
    late = NOW + LEASE
    his = journal.claim(REPLAY.replay_id, owner="two", now=late, lease_until=late + LEASE)
    assert his is not None
    done = replace(ENTRIES[1], state=EntryState.DONE)
    journal.record(his, [done])
    with pytest.raises(LostClaimError, match="has taken replay"):
        journal.record(mine, [replace(ENTRIES[1], state=EntryState.SENT), ENTRIES[2]])
    assert list(journal.entries(REPLAY.replay_id)) == [ENTRIES[0], done, ENTRIES[2]]
    assert journal.get(REPLAY.replay_id) == his


def test_entries_of_a_replay_that_is_not_there_are_not_written(journal: ReplayJournal):
    with pytest.raises(LostClaimError):
        journal.record(REPLAY, ENTRIES)
    assert list(journal.entries(REPLAY.replay_id)) == []


def test_a_begin_that_died_leaves_no_entries_to_the_next_one(journal: ReplayJournal, monkeypatch):
    """The function's command comes again under the same name, and means fewer letters."""
    with monkeypatch.context() as patch:
        patch.setattr(journal, "_open", _dies)
        with pytest.raises(Crashed):
            journal.begin(REPLAY, ENTRIES)
    assert journal.open_replay() is None
    fewer = [replace(ENTRIES[1], number=0), replace(ENTRIES[2], number=1)]
    again = replace(REPLAY, total=2, created_at=NOW + timedelta(minutes=5))
    assert journal.begin(again, fewer) == again
    assert list(journal.entries(REPLAY.replay_id)) == fewer


def _dies(*_: object) -> None:
    raise Crashed("before it was open")


def test_a_name_that_was_used_keeps_its_replay(journal: ReplayJournal):
    """A command that comes once more, late: what it began has ended, and stays as it is told."""
    journal.begin(REPLAY, ENTRIES)
    ended = replace(claimed(journal, REPLAY), status=ReplayStatus.FINISHED, finished_at=NOW)
    journal.save(ended)
    assert journal.begin(replace(REPLAY, total=1), [entry(0)]) == ended
    assert list(journal.entries(REPLAY.replay_id)) == ENTRIES
    assert journal.open_replay() is None


# --- only DynamoDB ----------------------------------------------------------------------------


class Reluctant:
    """A client that puts some writes of each batch off, so many times."""

    def __init__(self, client, times: int) -> None:
        self._client, self.times, self.sizes = client, times, []

    def __getattr__(self, name: str):
        return getattr(self._client, name)

    def batch_write_item(self, RequestItems: dict) -> dict:  # noqa: N803
        [(table, requests)] = RequestItems.items()
        self.sizes.append(len(requests))
        if self.times == 0:
            return self._client.batch_write_item(RequestItems=RequestItems)
        self.times -= 1
        now, later = requests[:-2], requests[-2:]
        if now:
            self._client.batch_write_item(RequestItems={table: now})
        return {"UnprocessedItems": {table: later}}


def test_writes_that_were_put_off_are_written(moto: Aws):
    client = Reluctant(moto.clients.dynamodb, times=2)
    journal = DynamoReplayJournal(client=client, table_name=moto.make_table("operations"))  # type: ignore[arg-type]
    many = [entry(number) for number in range(30)]
    journal.begin(REPLAY, many)
    assert client.sizes == [25, 2, 2, 5]
    assert list(journal.entries(REPLAY.replay_id)) == many


def test_writes_that_are_always_put_off_open_nothing(moto: Aws):
    table = moto.make_table("operations")
    journal = DynamoReplayJournal(
        client=Reluctant(moto.clients.dynamodb, times=99),  # type: ignore[arg-type]
        table_name=table,
    )
    with pytest.raises(TransientError, match="put off 2 items"):
        journal.begin(REPLAY, ENTRIES)
    assert journal.open_replay() is None


def test_two_that_begin_the_same_replay_at_once_do_not_mix_their_entries(aws: Aws):
    """The queue has given one command to two functions, and each sees other letters."""
    one = of(aws)
    two = DynamoReplayJournal(client=aws.clients.dynamodb, table_name="operations")
    opened = one._open
    meanwhile = replace(REPLAY, created_at=NOW + timedelta(seconds=9))

    def open_late(replay: Replay):
        with pytest.raises(TransientError, match="Another process is beginning replay"):
            two.begin(meanwhile, [entry(0, message_id="m-other")])
        return opened(replay)

    one._open = open_late  # type: ignore[method-assign]
    assert one.begin(REPLAY, ENTRIES) == REPLAY
    assert list(two.entries(REPLAY.replay_id)) == ENTRIES
    assert two.begin(meanwhile, []) == REPLAY


def test_who_slept_while_it_began_a_replay_opens_nothing_over_its_successor(aws: Aws):
    sleeper = of(aws)
    journal = DynamoReplayJournal(client=aws.clients.dynamodb, table_name="operations")
    opened, drafted = sleeper._open, journal._open
    later = replace(REPLAY, created_at=NOW + timedelta(minutes=5), total=1)

    def sleep(replay: Replay):
        def wake_the_sleeper(successor: Replay):
            refused = opened(replay)
            assert refused is not None
            with pytest.raises(TransientError, match="Another process is beginning replay"):
                sleeper._in_the_way(replay, refused)
            return drafted(successor)

        journal._open = wake_the_sleeper  # type: ignore[method-assign]
        assert journal.begin(later, [entry(0)]) == later
        return opened(replay)

    sleeper._open = sleep  # type: ignore[method-assign]
    assert sleeper.begin(REPLAY, ENTRIES) == later
    assert list(journal.entries(REPLAY.replay_id)) == [entry(0)]


def test_a_replay_that_opens_meanwhile_wins_and_the_other_leaves_no_entries(aws: Aws):
    """Both have looked, and nothing was open."""
    journal = of(aws)
    late = DynamoReplayJournal(client=aws.clients.dynamodb, table_name="operations")
    looked = late.open_replay

    def begin_meanwhile() -> Replay | None:
        late.open_replay = looked  # type: ignore[method-assign]
        journal.begin(REPLAY, ENTRIES)
        return None

    late.open_replay = begin_meanwhile  # type: ignore[method-assign]
    assert late.begin(SMALL, [entry(number) for number in range(30)]) == REPLAY
    assert list(late.entries(SMALL.replay_id)) == []
    assert late.get(SMALL.replay_id) is None
    assert list(late.recent(5)) == [REPLAY]
