"""The rare paths that a full run must have taken: a proof that never goes there proves nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final


class Rare(StrEnum):
    """A path that only mishaps or people lead to."""

    LEASE_TAKEN_OVER = "a lease is taken over from a worker that died"
    FENCED = "a worker that slept is refused its commit"
    BUSY = "a message finds its step being worked on"
    WAKE_UP_FINDS_BUSY = "a wake-up finds its step being worked on"
    PERSON_FINDS_BUSY = "a person's message finds its step being worked on"
    PREPARED_FOUND = "a prepared result is found and committed"
    EVENTS_REPUBLISHED = "lost events are published again"
    OLD_POLL = "an older poll is dropped"
    REPOLL = "a poll that may never have been sent is sent again"
    LATE_FOR_THE_END = "a message comes after the end"
    CANCEL_AT_COMMIT = "a cancel comes while a step is recorded"
    CANCEL_IN_LINE = "who waits for a turn is cancelled"
    LATE_CANCEL = "a cancel that comes too late is refused"
    IDLE_RETRY = "a retry of what does not stand still is refused"
    OTHER_PAYLOAD = "the same key with another payload is refused"
    STATUS_ANSWER = "a repeated request is answered"
    LOCK_HANDED_ON = "a site's lock goes to the first in line"
    TURN_HANDED_ON = "a tenant's turn goes to the first in line"
    TURN_BY_SWEEPER = "the sweeper starts who waits for a turn"
    NUDGED = "the sweeper sends again what was lost"
    DIED_TOO_OFTEN = "the sweeper reports a step that kills its workers"
    DEADLINE = "a step waits past its deadline"
    EXHAUSTED = "the last attempt of a step fails"
    STALLED_THEN_ENDED = "an operation that stood still is helped to its end"
    ROLLBACK_FAILED_THEN_ENDED = "a failed way back is resumed to its end"
    FACT_ONCE = "a fact that was announced is not announced again"
    BURIED_UNREAD = "a message that killed its workers is replayed"
    LEFT_BEHIND = "a partly refused batch of events is published again"
    ENDS_COMPLETED = "an operation ends COMPLETED"
    ENDS_FAILED = "an operation ends FAILED"
    ENDS_ROLLED_BACK = "an operation ends ROLLED_BACK"
    ENDS_CANCELLED = "an operation ends CANCELLED"
    ENDS_REJECTED = "an operation ends REJECTED"


IN_LOGS: Final[Mapping[str, Rare]] = {
    "nudging_operation": Rare.NUDGED,
    "skipping_announced_fact": Rare.FACT_ONCE,
}


def of_logs(entries: Iterable[Mapping[str, Any]]) -> Counter[Rare]:
    """Return which rare paths the logs of a run tell of."""
    found: Counter[Rare] = Counter()
    for entry in entries:
        name = str(entry["event"])
        if name in IN_LOGS:
            found[IN_LOGS[name]] += 1
        elif name == "stalling":
            killed = "survives" in str(entry.get("waiting_for"))
            found[Rare.DIED_TOO_OFTEN if killed else Rare.DEADLINE] += 1
        elif name == "refusing_message":
            found += _refused(str(entry.get("reason")))
        elif name == "failing_attempt" and entry.get("exceptionType") == "PublishError":
            found[Rare.LEFT_BEHIND] += 1
    return found


def _refused(reason: str) -> Counter[Rare]:
    told = {
        "nothing left to cancel": Rare.LATE_CANCEL,
        "neither stalled nor": Rare.IDLE_RETRY,
        "same idempotencyKey and another payload": Rare.OTHER_PAYLOAD,
    }
    return Counter(rare for part, rare in told.items() if part in reason)


def never_taken(counts: Mapping[Rare, int]) -> list[Rare]:
    """Return the rare paths that no seed has taken."""
    return [rare for rare in Rare if not counts.get(rare)]
