"""What a report consists of: titled blocks of pairs, tables and notes, each with a tone.

The terminal and the HTML page show the same blocks, so that both always say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from ops.picture import Line
from ops.wording import one_line, table


class Tone(StrEnum):
    """How a line is meant; a colour where there are colours, never the only sign of it."""

    PLAIN = "plain"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    DIM = "dim"


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """One row of a block's table."""

    cells: tuple[str, ...]
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, kw_only=True)
class Note:
    """One sentence."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, kw_only=True)
class Block:
    """One part of a report; its parts are shown in this order."""

    title: str
    pairs: tuple[tuple[str, str | None], ...] = ()
    """Name and value; a value of None has no line."""
    titles: tuple[str, ...] = ()
    rows: tuple[TableRow, ...] = ()
    notes: tuple[Note, ...] = ()


_STYLES: Final[Mapping[Tone, str]] = {
    Tone.PLAIN: "",
    Tone.GOOD: "green",
    Tone.WARN: "bold yellow",
    Tone.BAD: "bold red",
    Tone.DIM: "dim",
}
_INDENT: Final = "  "


def lines_of(blocks: Iterable[Block]) -> list[Line]:
    """Return blocks as printed lines, with an empty line between them."""
    lines: list[Line] = []
    for block in blocks:
        if lines:
            lines.append(Line(text=""))
        lines += _block_lines(block)
    return lines


def block_documents(blocks: Iterable[Block]) -> list[dict[str, Any]]:
    """Return blocks for programs: what a reader of the report saw, in the same words."""
    return [
        {
            "title": block.title,
            "facts": {name: value for name, value in block.pairs if value is not None},
            "columns": list(block.titles),
            "rows": [{"cells": list(row.cells), "tone": row.tone} for row in block.rows],
            "notes": [{"text": note.text, "tone": note.tone} for note in block.notes],
        }
        for block in blocks
    ]


# --- inside ---------------------------------------------------------------------------------


def _block_lines(block: Block) -> list[Line]:
    return [
        Line(text=block.title, style="bold"),
        *_pair_lines(block.pairs),
        *_table_lines(block.titles, block.rows),
        *(
            Line(text=f"{_INDENT}{one_line(note.text)}", style=_STYLES[note.tone])
            for note in block.notes
        ),
    ]


def _pair_lines(pairs: Sequence[tuple[str, str | None]]) -> list[Line]:
    told = [(name, value) for name, value in pairs if value is not None]
    width = max((len(name) for name, _ in told), default=0)
    return [Line(text=f"{_INDENT}{name:<{width}}  {one_line(value)}") for name, value in told]


def _table_lines(titles: Sequence[str], rows: Sequence[TableRow]) -> list[Line]:
    if not rows:
        return []
    cells = [tuple(one_line(cell) for cell in row.cells) for row in rows]
    head, *texts = table(titles, cells)
    return [
        Line(text=f"{_INDENT}{head}", style="dim"),
        *(
            Line(text=f"{_INDENT}{text}", style=_STYLES[row.tone])
            for text, row in zip(texts, rows, strict=True)
        ),
    ]
