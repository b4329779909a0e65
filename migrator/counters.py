"""AUTO_INCREMENT counters of tables: read, and raised."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from migrator.databases import quoted, rows

if TYPE_CHECKING:
    from migrator.databases import Connection
    from migrator.digests import Shape

_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}


def next_number(connection: Connection, schema: str, table: str) -> int:
    """Return the next AUTO_INCREMENT value of a table; 0 where it has none.

    Asked of the table itself: what information_schema says may be a day old on MySQL. A table that
    never had a row says nothing and begins with 1.
    """
    text = rows(connection, f"SHOW CREATE TABLE {quoted(schema)}.{quoted(table)}")[0][1]
    if found := re.search(r"^\).* AUTO_INCREMENT=(\d+)", str(text), re.MULTILINE):
        return int(found[1])
    return 1 if "AUTO_INCREMENT" in str(text) else 0


def raise_counter(connection: Connection, schema: str, table: str, number: int) -> None:
    """Set a table's next AUTO_INCREMENT value; the server never goes below its highest row."""
    if number > 1:
        rows(
            connection,
            f"ALTER TABLE {quoted(schema)}.{quoted(table)} AUTO_INCREMENT = {number:d}",
        )


def largest_number(shape: Shape) -> int:
    """Return the largest value of a table's integer key."""
    kind = next(column.type for column in shape.columns if column.name == shape.key[0])
    bits = _BITS[re.split(r"[( ]", kind)[0]]
    return int(2 ** (bits if "unsigned" in kind else bits - 1)) - 1
