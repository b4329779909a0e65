"""Dead letters in groups, as cheaply as one look allows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from events.formats import Environment
from ops.letters import DEAD_LETTER_QUEUES, SeenLetter, look_into


@dataclass(frozen=True, kw_only=True)
class LetterGroup:
    """Letters that lie in one queue for one reason."""

    queue: str
    error_code: str | None
    """None: SQS moved it after its last receive, and it says no reason."""
    reason: str
    seen: int


def group_dead_letters(sqs: Any, environment: Environment) -> Sequence[LetterGroup]:
    """Return the groups among the first letters of both dead-letter queues, largest first."""
    names = [f"bbws-wp-{queue}-{environment}" for queue in DEAD_LETTER_QUEUES]
    return groups_of(letter for name in names for letter in look_into(sqs, name).seen)


def groups_of(letters: Iterable[SeenLetter]) -> list[LetterGroup]:
    """Count letters by queue, code and reason."""
    counts = Counter((one.queue, one.error_code, one.reason) for one in letters)
    return [
        LetterGroup(queue=queue, error_code=code, reason=reason, seen=number)
        for (queue, code, reason), number in counts.most_common()
    ]
