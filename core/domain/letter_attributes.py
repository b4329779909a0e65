"""Attributes that are kept inside one attribute: a JSON object of name -> [data type, value]. Pure.

The text may come back from a file or from an older release: of what is no such pair nothing can be
said, and it must not take the others with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.domain.letters import Attribute


def pairs_of(attributes: Mapping[str, Attribute]) -> dict[str, list[str]]:
    """Return attributes as they are kept."""
    return {name: [a.data_type, a.value] for name, a in attributes.items()}


def read_pairs(kept: Mapping[str, Any]) -> dict[str, Attribute]:
    """Return the attributes that were kept; an entry that is no pair is left out."""
    return {
        name: Attribute(data_type=pair[0], value=pair[1])
        for name, pair in kept.items()
        if _is_pair(pair)
    }


def _is_pair(found: Any) -> bool:
    match found:
        case [str(), str()]:
            return True
    return False
