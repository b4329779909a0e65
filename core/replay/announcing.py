"""Subscribers hear of a replay's end once: DLQ_REPLAY_FINISHED."""

from __future__ import annotations

from core.domain.replays import EntryState, Replay
from core.engine.engine import Engine
from core.ports.messaging import Topic
from core.replay.work import Announce
from events import identity
from events.notifications import dlq_replay_finished
from events.vocabulary import NotificationType, Phase

NOT_GOOD = (EntryState.FAILED_AGAIN, EntryState.RUNNING, EntryState.STOPPED)


def announcer(engine: Engine, topic: Topic) -> Announce:
    """Return what tells the topic; a fact's mark keeps a repetition from being announced."""

    def announce(replay: Replay) -> None:
        event_id = identity.event_id(
            replay.replay_id, Phase.FORWARD, "replay", 0, NotificationType.DLQ_REPLAY_FINISHED
        )
        if not engine.store.announce(event_id, engine.now()):
            return
        failed = sum(replay.counts.get(state, 0) for state in NOT_GOOD)
        topic.announce(
            dlq_replay_finished(
                event_id=event_id,
                correlation_id=replay.replay_id,
                timestamp=replay.finished_at or engine.now(),
                environment=engine.policy.environment,
                replayed=replay.total - replay.counts.get(EntryState.GONE, 0),
                failed=failed,
                requested_by=replay.requested_by,
                reason=replay.reason,
            )
        )
        engine.store.announced(event_id, engine.now())

    return announce
