"""Tables of a dump: their columns in order, and which of them are never rewritten."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

_NAME = rb"(?:`(?:[^`]|``)++`|\"(?:[^\"]|\"\")++\"|[\w$\x80-\xff]++)"
QUALIFIED_NAME = _NAME + rb"(?:\s*+\.\s*+" + _NAME + rb")?+"
_CREATE = re.compile(
    rb"CREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMPORARY\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?("
    + QUALIFIED_NAME
    + rb")\s*\(",
    re.IGNORECASE,
)
_PART = re.compile(
    rb"(?:'(?:[^'\\]|\\.|'')*+'|\"(?:[^\"\\]|\\.)*+\"|`[^`]*+`"
    rb"|\((?:[^()'\"`]|'(?:[^'\\]|\\.|'')*+'|\"[^\"]*+\"|`[^`]*+`|\([^()]*+\))*+\)|[^,()'\"`])++",
    re.DOTALL,
)
_COLUMN = re.compile(rb"\s*(" + _NAME + rb")\s+(\w+)")
_NOT_COLUMNS = frozenset(
    b"primary unique key index fulltext spatial constraint check foreign period".split()
)
_BINARY_TYPES = frozenset(b"tinyblob blob mediumblob longblob binary varbinary".split())
_POSTS_COLUMNS = [
    "ID",
    "post_author",
    "post_date",
    "post_date_gmt",
    "post_content",
    "post_title",
    "post_excerpt",
    "post_status",
    "comment_status",
    "ping_status",
    "post_password",
    "post_name",
    "to_ping",
    "pinged",
    "post_modified",
    "post_modified_gmt",
    "post_content_filtered",
    "post_parent",
    "guid",
    "menu_order",
    "post_type",
    "post_mime_type",
    "comment_count",
]


class Keep(StrEnum):
    """Why a column is left byte for byte."""

    BLOB = "blob"
    """Binary data: text found in it is not text."""
    GUID = "guid"
    """wp_posts.guid identifies a post for ever; it only looks like an address."""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns in the order in which rows list them; ``keep`` maps an index to its reason."""

    name: str
    columns: tuple[str, ...] = ()
    keep: dict[int, Keep] = field(default_factory=dict)

    def column(self, index: int) -> str:
        """The column's name, or ``#7`` where the dump does not tell."""
        return self.columns[index] if 0 <= index < len(self.columns) else f"#{index + 1}"


class Catalog:
    """The tables defined so far in a dump."""

    def __init__(self, *, keep_guid: bool) -> None:
        self._keep_guid = keep_guid
        self._types: dict[str, dict[str, bool]] = {}  # table -> column -> binary?

    def define(self, statement: bytes) -> None:
        """Learn the columns of a CREATE TABLE statement; anything else is ignored."""
        found = _CREATE.match(statement)
        if found is None:
            return
        columns: dict[str, bool] = {}
        at = found.end()
        while part := _PART.match(statement, at):
            column = _COLUMN.match(part[0])
            if column and column[1].lower() not in _NOT_COLUMNS:
                columns[plain_name(column[1])] = column[2].lower() in _BINARY_TYPES
            at = part.end()
            if statement[at : at + 1] != b",":
                break
            at += 1
        self._types[plain_name(found[1])] = columns

    def table(self, name: str, listed: Sequence[str] = ()) -> Table:
        """The table as an INSERT sees it; ``listed`` is the statement's own column list."""
        types = self._types.get(name, {})
        is_posts = name.endswith("posts")
        columns = tuple(listed or types or (_POSTS_COLUMNS if is_posts else ()))
        keep: dict[int, Keep] = {}
        for index, column in enumerate(columns):
            if types.get(column, False):
                keep[index] = Keep.BLOB
            elif self._keep_guid and is_posts and column.lower() == "guid":
                keep[index] = Keep.GUID
        return Table(name, columns, keep)


def plain_name(quoted: bytes) -> str:
    """A possibly quoted and qualified name as text, without its schema."""
    last = re.findall(_NAME, quoted)[-1]
    mark = last[:1]
    if mark in (b"`", b'"'):
        last = last[1:-1].replace(mark + mark, mark)
    text: str = last.decode("utf-8", "replace")
    return text


def listed_names(columns: bytes) -> list[str]:
    """Names of an INSERT's column list, parentheses included or not."""
    return [plain_name(each) for each in re.findall(_NAME, columns)]
