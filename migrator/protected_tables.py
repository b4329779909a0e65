"""Patterns applied to the real tables of a schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.domain.protection import matches
from migrator.databases import base_tables
from migrator.wordpress import table_prefix

if TYPE_CHECKING:
    from migrator.databases import Connection

OWN_PREFIX = "sitefleet_"
"""Tables of the jobs' own (a cut-over's state); they belong to no site."""


def site_tables(connection: Connection, schema: str) -> list[str]:
    """Return the tables of a site, without the jobs' own."""
    return [name for name in base_tables(connection, schema) if not name.startswith(OWN_PREFIX)]


def matching_tables(connection: Connection, schema: str, patterns: Iterable[str]) -> list[str]:
    """Return the tables of a WordPress' schema that fit one of the patterns, by name."""
    wanted = list(patterns)
    if not wanted:
        return []
    prefix = table_prefix(connection, schema)
    return [name for name in site_tables(connection, schema) if matches(name, wanted, prefix)]
