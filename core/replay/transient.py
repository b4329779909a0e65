"""Which letters may be replayed without a person: those whose failure passes by itself.

What a scheduled run sends was never replayed before, and failed because an outside service did not
answer, or because EventBridge could not deliver. What killed its worker, was refused, or broke for
a reason that nobody has named waits for a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.domain.errors import PublishError, TransientError, UnfinishedError
from core.domain.letters import Letter, LetterKind
from events.vocabulary import ErrorCode

EXCEPTIONS: Final = frozenset(
    {
        *(error.__name__ for error in (TransientError, UnfinishedError, PublishError)),
        "ConflictError",
        ErrorCode.WP_001.value,
        ErrorCode.WP_002.value,
    }
)
"""By name, as the letters carry them; the codes are those that the contract marks `retry`."""


def passes_by_itself(letter: Letter) -> bool:
    """Tell whether a letter may be sent again without a person."""
    if letter.replay_count > 0 or letter.origin is None:
        return False
    if letter.kind is LetterKind.TARGET_FAILURE:
        return True
    return letter.kind is LetterKind.EXHAUSTED and letter.failure.exception in EXCEPTIONS


def passing(letters: Sequence[Letter], limit: int | None) -> list[Letter]:
    """Return those that may be sent again, at most so many."""
    found = [letter for letter in letters if passes_by_itself(letter)]
    return found[:limit]
