"""What became of a replayed message is told to the replay that sent it; others are not counted."""

from __future__ import annotations

import structlog

from core.domain.errors import SitefleetError
from core.domain.letters import REPLAY_ID
from core.domain.replays import Told
from core.engine.message import Acknowledged, Disposition, QueueMessage
from core.ports.clock import Clock
from core.ports.dead_letters import ReplayOutcomes

MOST_SENTENCE_CHARACTERS = 500

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def tell(
    outcomes: ReplayOutcomes, clock: Clock, message: QueueMessage, disposition: Disposition
) -> None:
    """Keep what became of a message that an operator has sent again.

    It is told before the message is acknowledged. That it cannot be told fails nothing: the
    replay then says that it has heard of no outcome.
    """
    replay_id, replay_of = message.attributes.get(REPLAY_ID), message.replay_of
    if replay_id is None or replay_of is None or not isinstance(disposition, Acknowledged):
        return
    try:
        outcomes.tell(
            Told(
                replay_id=replay_id.value,
                message_id=replay_of,
                fate=disposition.fate,
                sentence=disposition.why[:MOST_SENTENCE_CHARACTERS],
                at=clock.now(),
            )
        )
    except SitefleetError as error:
        log.warning("missing_replay", replayId=replay_id.value, exc_info=error)
