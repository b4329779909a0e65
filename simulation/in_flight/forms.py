"""How a simulated world is written down: one entry for each thing that it holds.

Flat, so that two moments of a run can be stored as the difference between them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter

from core.adapters.memory.world import StoredMessage

type Flat = dict[str, Any]
"""Path -> what stands there, as JSON."""


def written(holder: object, prefix: str, left_out: Collection[str] = ()) -> Flat:
    """Return the fields of a dataclass below a prefix; each entry of a dict or list has a path."""
    flat: Flat = {}
    for name, kind in _kinds(type(holder)):
        if name in left_out:
            continue
        value, path = getattr(holder, name), f"{prefix}/{name}"
        if get_origin(kind) is dict:
            key_kind, value_kind = get_args(kind)
            for key, content in value.items():
                pair = [_plain(key, key_kind), _plain(content, value_kind)]
                flat[f"{path}/{json.dumps(pair[0])}"] = pair
        elif get_origin(kind) is list:
            flat |= {f"{path}/{n:05}": one for n, one in enumerate(_plain(value, kind))}
        else:
            flat[path] = _plain(value, kind)
    return flat


def fill(holder: object, prefix: str, flat: Flat, left_out: Collection[str] = ()) -> None:
    """Set the fields of a dataclass to what was written; a field that was not keeps its default.

    Raises ValueError where what was written does not fit the field any more.
    """
    for name, kind in _kinds(type(holder)):
        path = f"{prefix}/{name}"
        if name in left_out:
            continue
        if get_origin(kind) is dict:
            pair = _adapter(tuple.__class_getitem__(get_args(kind)))
            entries = dict(pair.validate_python(entry) for entry in below(flat, path))
            setattr(holder, name, entries)
        elif get_origin(kind) is list:
            setattr(holder, name, _adapter(kind).validate_python(below(flat, path)))
        elif path in flat:
            setattr(holder, name, _adapter(kind).validate_python(flat[path]))


def below(flat: Flat, path: str) -> list[Any]:
    """Return what stands below a path, in the order of the paths."""
    found = (name for name in flat if name.startswith(f"{path}/"))
    return [flat[name] for name in sorted(found)]


def message_form(message: StoredMessage) -> Any:
    """Return a queued message as JSON."""
    return _adapter(StoredMessage).dump_python(message, mode="json")


def message_of(form: Any) -> StoredMessage:
    """Read a queued message."""
    message: StoredMessage = _adapter(StoredMessage).validate_python(form)
    return message


def difference(before: Flat, after: Flat) -> tuple[Flat, list[str]]:
    """Return what was set and what is gone."""
    changed = {path: value for path, value in after.items() if before.get(path, ...) != value}
    return changed, sorted(path for path in before if path not in after)


# --- inside ---------------------------------------------------------------------------------


def _kinds(holder: type) -> Iterator[tuple[str, Any]]:
    yield from _hints(holder).items()


@cache
def _hints(holder: type) -> dict[str, Any]:
    return get_type_hints(holder)


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _plain(value: object, kind: Any) -> Any:
    """Return JSON; sets in order, so that the same world is always the same text."""
    plain = _adapter(kind).dump_python(value, mode="json")
    return sorted(plain, key=json.dumps) if get_origin(kind) in {set, frozenset} else plain
