"""Subscribers hear of a replay's end once: DLQ_REPLAY_FINISHED."""

from __future__ import annotations

from collections.abc import Collection

from core.domain.notices import Notice
from core.domain.replay_steps import NOT_GOOD
from core.domain.replays import UNSENT, EntryState, Replay
from core.engine.engine import Engine
from core.ports.announcements import Mark
from core.ports.messaging import Topic
from core.replay.work import Announce
from events import identity
from events.notifications import Notification, dlq_replay_finished
from events.vocabulary import NotificationType, Phase

FAILED = NOT_GOOD | {EntryState.UNSENDABLE}
NOT_TRIED = UNSENT - FAILED


def announcer(engine: Engine, topic: Topic) -> Announce:
    """Return what tells the topic; a fact's mark keeps a repetition from being announced."""

    def announce(replay: Replay) -> None:
        event_id = identity.event_id(
            replay.replay_id, Phase.FORWARD, "replay", 0, NotificationType.DLQ_REPLAY_FINISHED
        )
        mark = engine.store.announce(event_id, engine.now(), by=replay.replay_id)
        if mark is not Mark.MINE:
            return
        notification = _notification(engine, replay, event_id)
        topic.announce(notification)
        engine.store.announced(
            Notice(
                mark=event_id,
                event_id=event_id,
                event_type=notification.event_type.value,
                outcome=notification.outcome.value,
                severity=notification.severity.value,
                correlation_id=replay.replay_id,
                tenant_id=notification.tenant_id,
                announced_at=engine.now(),
            )
        )

    return announce


def _notification(engine: Engine, replay: Replay, event_id: str) -> Notification:
    return dlq_replay_finished(
        event_id=event_id,
        correlation_id=replay.replay_id,
        timestamp=replay.finished_at or engine.now(),
        environment=engine.policy.environment,
        replayed=replay.total - _number(replay, NOT_TRIED),
        failed=_number(replay, FAILED),
        requested_by=replay.requested_by,
        reason=replay.reason,
    )


def _number(replay: Replay, states: Collection[EntryState]) -> int:
    return sum(replay.counts.get(state, 0) for state in states)
