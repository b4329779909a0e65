"""A conditional write of DynamoDB whose refusal is an answer, not an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from core.adapters.aws.errors import calling, code_of
from core.adapters.aws.retries import briefly
from core.domain.errors import TransientError

MOST_TRIES: Final = 8
"""Of a transaction that meets another one; they last milliseconds."""
MET_A_TRANSACTION: Final = "TransactionConflictException"
"""How a write that is no transaction is answered while one is at work on its item."""
REFUSALS: Final = frozenset({"ConditionalCheckFailedException", "TransactionCanceledException"})


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """The condition did not hold."""

    item: Mapping[str, Any] | None
    """The item as it stood (ReturnValuesOnConditionCheckFailure=ALL_OLD); None: there is none."""
    failed: tuple[int, ...] = ()
    """Of a transaction: which of its writes were refused."""


class ConflictError(TransientError):
    """Two writes at the same moment, one of them a transaction: no condition was looked at."""


def conditionally[T](about: str, call: Callable[[], T]) -> T | Refusal:
    """Return the write's answer, or how the item stood when it was refused.

    Raises ConflictError, which is transient, when other transactions on its items do not end.
    """

    def once() -> T | Refusal:
        with calling("DynamoDB", about):
            try:
                return call()
            except ClientError as error:
                if _is_conflict(error):
                    raise ConflictError(f"Other transactions are at work on {about}.") from error
                if code_of(error) not in REFUSALS:
                    raise
                return Refusal(item=_item(error), failed=_failed(error))

    return briefly(ConflictError, attempts=MOST_TRIES)(once)


def names_in(*expressions: str) -> dict[str, str]:
    """Return what the #placeholders of expressions stand for: many of ours are reserved words."""
    words = re.sub(r"[(),]", " ", " ".join(expressions)).split()
    return {word: word[1:] for word in sorted(set(words)) if word.startswith("#")}


def _item(error: ClientError) -> Mapping[str, Any] | None:
    response: Mapping[str, Any] = error.response
    if "Item" in response:
        found: Mapping[str, Any] = response["Item"]
        return found
    for reason in response.get("CancellationReasons", []):
        if reason.get("Item"):
            item: Mapping[str, Any] = reason["Item"]
            return item
    return None


def _failed(error: ClientError) -> tuple[int, ...]:
    response: Mapping[str, Any] = error.response
    reasons = enumerate(response.get("CancellationReasons", []))
    return tuple(n for n, reason in reasons if reason.get("Code") == "ConditionalCheckFailed")


def _is_conflict(error: ClientError) -> bool:
    """A transaction meets another one, or a plain write meets a transaction."""
    if code_of(error) == MET_A_TRANSACTION:
        return True
    return "CancellationReasons" in error.response and not _failed(error)
