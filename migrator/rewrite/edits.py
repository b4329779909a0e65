"""Edits: what changes in a text, as non-overlapping spans in rising order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Edit(NamedTuple):
    """``text[start:end]`` becomes ``new``.

    ``form`` names the spelling when the edit replaces an origin's host (one per replacement) and
    is empty for its scheme and for adjusted lengths.
    """

    start: int
    end: int
    new: bytes
    form: str = ""


def apply_edits(text: bytes, edits: Sequence[Edit]) -> bytes:
    """The text after all edits."""
    pieces: list[bytes] = []
    at = 0
    for edit in edits:
        pieces.append(text[at : edit.start])
        pieces.append(edit.new)
        at = edit.end
    pieces.append(text[at:])
    return b"".join(pieces)


def growth(edits: Sequence[Edit]) -> int:
    """Bytes the text gains; negative when it shrinks."""
    return sum(len(edit.new) - (edit.end - edit.start) for edit in edits)


def shifted(edits: Sequence[Edit], offset: int) -> list[Edit]:
    """The same edits seen from a text in which theirs begins at ``offset``."""
    return [Edit(e.start + offset, e.end + offset, e.new, e.form) for e in edits]
