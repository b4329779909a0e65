"""Digests of rows, computed by the database: what tells whether two tables hold the same.

A row's digest is 64 bits of a SHA-1 over all its columns, each with its length, so that NULL, an
empty text and a shifted border differ. Digests of many rows are added up: the sum does not depend
on their order, and rows that come or go change it by exactly their own digests. Sums are made per
chunk of the primary key, so that a change is found without comparing every row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from migrator.databases import quoted, rows

if TYPE_CHECKING:
    from migrator.databases import Connection

CHUNK_KEYS = 1000
"""Values of an integer key that make one chunk."""
_HASHED_BYTES = 1 << 16
"""A longer value enters a row's digest by its own: no row's text may outgrow a packet."""
_CHUNKS_OF_OTHER_KEYS = 1 << 24
"""CRC-32 of another key, divided by this: 256 chunks."""
_RANGES = 200
_SLICED_ROWS = 50_000
_INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})
_LARGE = frozenset(
    {"text", "mediumtext", "longtext", "blob", "mediumblob", "longblob", "json", "varbinary"}
)


class Column(NamedTuple):
    """A column as two tables can be compared by."""

    name: str
    type: str
    """As it is written in a CREATE TABLE, but for character set and collation."""
    charset: str
    collation: str
    is_large: bool


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How a table's rows are read and told apart."""

    table: str
    columns: tuple[Column, ...]
    """Without generated ones, which no statement may write."""
    key: tuple[str, ...]
    """Columns of the primary key; none (or only parts of columns): rows are told apart by their
    digests."""
    has_integer_key: bool
    """Whether the key is one integer column, whose values rise with new rows."""
    counts_up: bool
    """Whether that column is AUTO_INCREMENT."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)


class Sum(NamedTuple):
    """How many rows, and the sum of their digests."""

    rows: int
    digest: int

    def __str__(self) -> str:
        return f"{self.rows}:{self.digest:x}"


class Slice(NamedTuple):
    """Chunks from `first` up to, but without, `end`; None: no border. Borders are positive."""

    first: int | None
    end: int | None


type Sums = Mapping[int, Sum]
"""Chunk -> its sum; a chunk without rows is not there."""


def shapes(connection: Connection, schema: str, tables: Collection[str]) -> dict[str, Shape]:
    """Return the shape of each of the tables that exist."""
    keys: dict[str, list[str]] = {}
    partial = set()
    for table, column, part in rows(connection, _KEYS, schema):
        keys.setdefault(table, []).append(column)
        if part is not None:
            partial.add(table)
    found: dict[str, list[tuple[Column, str, str]]] = {}
    for table, name, kind, whole_type, charset, collation, extra in rows(
        connection, _COLUMNS, schema
    ):
        column = Column(name, str(whole_type), charset or "", collation or "", kind in _LARGE)
        found.setdefault(table, []).append((column, kind, str(extra).lower()))
    return {
        table: _shape(table, found[table], [] if table in partial else keys.get(table, []))
        for table in tables
        if table in found
    }


def row_digest(shape: Shape, alias: str) -> str:
    """Return the SQL of a row's digest: an unsigned integer of 64 bits."""
    parts = ",".join(_part(f"{alias}.{quoted(column.name)}", column) for column in shape.columns)
    return f"CAST(CONV(LEFT(SHA1(CONCAT({parts})),16),16,10) AS UNSIGNED)"


def chunk_of(shape: Shape, alias: str) -> str:
    """Return the SQL of the number of the chunk that a row belongs to."""
    if not shape.key:
        return "0"
    columns = [f"{alias}.{quoted(name)}" for name in shape.key]
    if shape.has_integer_key:
        return f"({columns[0]} DIV {CHUNK_KEYS})"
    parts = ",".join(f"CAST({column} AS BINARY)" for column in columns)
    return f"(CRC32(CONCAT_WS('#',{parts})) DIV {_CHUNKS_OF_OTHER_KEYS})"


def in_chunks(shape: Shape, alias: str, chunks: Collection[int]) -> str:
    """Return the SQL condition that a row lies in one of the chunks."""
    if not shape.key:
        return "TRUE" if chunks else "FALSE"
    if not shape.has_integer_key or len(chunks) > _RANGES:
        numbers = ",".join(str(number) for number in sorted(chunks))
        return f"{chunk_of(shape, alias)} IN ({numbers})" if chunks else "FALSE"
    column = f"{alias}.{quoted(shape.key[0])}"
    ranges = " OR ".join(f"{column} BETWEEN {low} AND {high}" for low, high in _bounds(chunks))
    return f"({ranges})" if ranges else "FALSE"


def chunk_sums(
    connection: Connection, schema: str, shape: Shape, chunks: Collection[int] | None = None
) -> Sums:
    """Return the sums of a table's chunks, or of those named; one pass over the table."""
    condition = "TRUE" if chunks is None else in_chunks(shape, "t", chunks)
    return _sums_where(connection, schema, shape, condition)


def sliced_sums(connection: Connection, *, schema: str, shape: Shape, part: Slice) -> Sums:
    """Return the sums of one slice of a table's chunks."""
    key = f"t.{quoted(shape.key[0])}" if shape.key else ""
    low = [] if part.first is None else [f"{key} >= {part.first * CHUNK_KEYS}"]
    high = [] if part.end is None else [f"{key} < {part.end * CHUNK_KEYS}"]
    condition = " AND ".join([*low, *high]) or "TRUE"
    return _sums_where(connection, schema, shape, condition)


def slices_of(shape: Shape, known: Sums, count: int) -> list[Slice]:
    """Cut a table into slices of about as many rows, by what is known of its chunks.

    Together they cover every key that there may be. A small table, or one whose key is no number,
    is one slice.
    """
    whole = sum(each.rows for each in known.values())
    if not shape.has_integer_key or whole < _SLICED_ROWS:
        return [Slice(None, None)]
    cuts: list[int] = []
    seen = 0
    for chunk in sorted(chunk for chunk in known if chunk > 0):
        if seen >= whole * (len(cuts) + 1) / count:
            cuts.append(chunk)
        seen += known[chunk].rows
    return [Slice(*ends) for ends in pairwise([None, *cuts, None])]


def _sums_where(connection: Connection, schema: str, shape: Shape, condition: str) -> Sums:
    found = rows(
        connection,
        f"SELECT {chunk_of(shape, 't')} AS chunk, COUNT(*), SUM({row_digest(shape, 't')}) "  # noqa: S608 - quoted names only
        f"FROM {quoted(schema)}.{quoted(shape.table)} t WHERE {condition} GROUP BY chunk",
    )
    return {int(chunk): Sum(int(count), int(digest)) for chunk, count, digest in found}


def total(sums: Sums) -> Sum:
    """Return the sum over all chunks."""
    return Sum(sum(each.rows for each in sums.values()), sum(each.digest for each in sums.values()))


def sum_up_to(connection: Connection, schema: str, shape: Shape, high_key: int | None) -> Sum:
    """Return the sum of a table's rows whose integer key is at most `high_key` (None: all)."""
    condition = "TRUE" if high_key is None else f"t.{quoted(shape.key[0])} <= {high_key:d}"
    count, digest = rows(
        connection,
        f"SELECT COUNT(*), COALESCE(SUM({row_digest(shape, 't')}), 0) "  # noqa: S608 - quoted
        f"FROM {quoted(schema)}.{quoted(shape.table)} t WHERE {condition}",
    )[0]
    return Sum(int(count), int(digest))


def different_chunks(one: Sums, other: Sums) -> set[int]:
    """Return the chunks whose sums differ."""
    return {chunk for chunk in one.keys() | other.keys() if one.get(chunk) != other.get(chunk)}


# --- private --------------------------------------------------------------------------------

_KEYS = (
    "SELECT table_name, column_name, sub_part FROM information_schema.statistics "
    "WHERE table_schema = %s AND index_name = 'PRIMARY' ORDER BY table_name, seq_in_index"
)
_COLUMNS = (
    "SELECT table_name, column_name, data_type, column_type, character_set_name, "
    "collation_name, extra "
    "FROM information_schema.columns WHERE table_schema = %s "
    "AND COALESCE(generation_expression, '') = '' ORDER BY table_name, ordinal_position"
)


def _shape(table: str, found: list[tuple[Column, str, str]], key: list[str]) -> Shape:
    kinds = {column.name: (kind, extra) for column, kind, extra in found}
    kind, extra = kinds.get(key[0], ("", "")) if len(key) == 1 else ("", "")
    return Shape(
        table=table,
        columns=tuple(column for column, _, _ in found),
        key=tuple(key),
        has_integer_key=kind in _INTEGERS,
        counts_up=kind in _INTEGERS and "auto_increment" in extra,
    )


def _part(value: str, column: Column) -> str:
    plain = f"CAST({value} AS BINARY)"
    told = f"CONCAT(LENGTH({plain}),':',{plain})"
    if column.is_large:
        told = f"IF(LENGTH({value})>{_HASHED_BYTES},CONCAT('#',SHA1({value})),{told})"
    return f"COALESCE({told},'-')"


def _bounds(chunks: Collection[int]) -> list[tuple[int, int]]:
    """Return the ranges of keys that chunks cover, neighbours joined; DIV rounds towards zero."""
    joined: list[tuple[int, int]] = []
    for number in sorted(chunks):
        low = number * CHUNK_KEYS - (CHUNK_KEYS - 1 if number <= 0 else 0)
        high = number * CHUNK_KEYS + (CHUNK_KEYS - 1 if number >= 0 else 0)
        if joined and joined[-1][1] + 1 >= low:
            joined[-1] = (joined[-1][0], high)
        else:
            joined.append((low, high))
    return joined
