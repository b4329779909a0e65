"""Strict reading of JSON that a stranger sent: what is unclear is refused, whatever its shape.

Python's own reader lets duplicate keys, NaN, infinities, lone surrogates and integers of any
size through, and raises three kinds of exception; here there is one.
"""

import json
import math
import re
from typing import Any, Final, Never

MAX_DEPTH: Final = 32
"""Objects and lists inside one another; the deepest message of the contract needs 8."""
_INT64: Final = 2**63


class UnreadableError(ValueError):
    """The text is not JSON that can be read in exactly one way."""


def parse(text: str) -> Any:
    """Read one JSON value, or raise UnreadableError with a sentence."""
    try:
        value = json.loads(
            text,
            object_pairs_hook=_without_duplicates,
            parse_int=_bounded_int,
            parse_float=_finite_float,
            parse_constant=_no_constant,
        )
    except UnreadableError:
        raise
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise UnreadableError(f"it is not JSON ({error.msg.lower()} at {where})") from None
    except RecursionError:
        raise _too_deep() from None
    _check(value, may_hold_surrogates=r"\u" in text)
    return value


def shown(value: object, limit: int = 80) -> str:
    """A short, one-line, ASCII form of a value for an error text."""
    if isinstance(value, dict):
        return f"an object with {len(value)} fields"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    text = json.dumps(value[: limit + 1] if isinstance(value, str) else value, default=repr)
    return text if len(text) <= limit else text[: limit - 3] + "..."


# --- private -------------------------------------------------------------------------------


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnreadableError("an object in it gives the same key twice")
    return found


def _bounded_int(digits: str) -> int:
    if len(digits) > len(str(_INT64)) + 1 or not -_INT64 <= int(digits) < _INT64:
        raise UnreadableError("it holds a whole number of more than 64 bits")
    return int(digits)


def _finite_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise UnreadableError("it holds a number too large to represent")
    return number


def _no_constant(name: str) -> Never:
    raise UnreadableError(f"it holds {name}, which JSON does not have")


def _too_deep() -> UnreadableError:
    return UnreadableError(f"it nests objects and lists more than {MAX_DEPTH} deep")


_SURROGATE = re.compile("[\ud800-\udfff]")


def _check(value: Any, *, may_hold_surrogates: bool) -> None:
    """Walk without recursion: depth, and text that no encoding can carry."""
    level, depth = [[value]], -1
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise _too_deep()
        inside = [item for parts in level for item in parts]
        if may_hold_surrogates and any(_is_half(item) for item in inside):
            raise UnreadableError("it holds half of a surrogate pair, which is no character")
        level = [_parts(item) for item in inside if isinstance(item, dict | list)]


def _parts(container: dict[str, Any] | list[Any]) -> list[Any]:
    return [*container, *container.values()] if isinstance(container, dict) else container


def _is_half(item: object) -> bool:
    return isinstance(item, str) and _SURROGATE.search(item) is not None
