"""A conditional write of DynamoDB whose refusal is an answer, not an error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from core.adapters.aws.errors import calling, code_of

REFUSALS: Final = frozenset({"ConditionalCheckFailedException", "TransactionCanceledException"})


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """The condition did not hold."""

    item: Mapping[str, Any] | None
    """The item as it stood (ReturnValuesOnConditionCheckFailure=ALL_OLD); None: there is none."""
    failed: tuple[int, ...] = ()
    """Of a transaction: which of its writes were refused."""


def conditionally[T](about: str, call: Callable[[], T]) -> T | Refusal:
    """Return the write's answer, or how the item stood when it was refused."""
    with calling("DynamoDB", about):
        try:
            return call()
        except ClientError as error:
            if code_of(error) not in REFUSALS or _is_conflict(error):
                raise
            return Refusal(item=_item(error), failed=_failed(error))


def names(attributes: Iterable[str]) -> dict[str, str]:
    """Return placeholders for all attribute names: many of ours are reserved words."""
    return {f"#{name}": name for name in attributes}


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
    """Two transactions at the same moment: neither condition was looked at."""
    return "CancellationReasons" in error.response and not _failed(error)
