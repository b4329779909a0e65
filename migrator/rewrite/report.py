"""What a rewrite did: counts and places, never a piece of the site's data."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

MAX_BROKEN_LISTED = 1000


@dataclass(frozen=True, slots=True)
class BrokenValue:
    """A value PHP could not read before; ``offset`` is its byte offset in the input dump."""

    table: str
    column: str
    offset: int


@dataclass(slots=True)
class RewriteReport:
    """Counts of one run.

    ``leftovers`` are occurrences of a source host that stayed, by (table, column, kind); kinds:
    email, host, url, guid, blob, ddl, routine.
    """

    bytes_in: int = 0
    bytes_out: int = 0
    dump_completed: bool = False
    forms: Counter[str] = field(default_factory=Counter)
    tables: Counter[str] = field(default_factory=Counter)
    values_changed: Counter[str] = field(default_factory=Counter)
    tables_seen: dict[str, None] = field(default_factory=dict)
    broken: list[BrokenValue] = field(default_factory=list)
    broken_count: int = 0
    leftovers: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    @property
    def replacements(self) -> int:
        """How many origins were replaced."""
        return self.forms.total()

    def add_broken(self, table: str, column: str, offset: int) -> None:
        """Note a value whose lengths were wrong before."""
        self.broken_count += 1
        if len(self.broken) < MAX_BROKEN_LISTED:
            self.broken.append(BrokenValue(table, column, offset))

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data, in a stable order."""
        kinds: defaultdict[str, int] = defaultdict(int)
        for (_, _, kind), count in self.leftovers.items():
            kinds[kind] += count
        return {
            "bytes": {"in": self.bytes_in, "out": self.bytes_out},
            "dumpCompleted": self.dump_completed,
            "replacements": {
                "total": self.replacements,
                "byForm": dict(sorted(self.forms.items())),
                "byTable": dict(sorted(self.tables.items())),
            },
            "valuesChanged": {
                "total": self.values_changed.total(),
                "byTable": dict(sorted(self.values_changed.items())),
            },
            "tables": list(self.tables_seen),
            "broken": {
                "total": self.broken_count,
                "values": [
                    {"table": each.table, "column": each.column, "offset": each.offset}
                    for each in self.broken
                ],
            },
            "leftovers": {
                "total": self.leftovers.total(),
                "byKind": dict(sorted(kinds.items())),
                "places": [
                    {"table": table, "column": column, "kind": kind, "count": count}
                    for (table, column, kind), count in sorted(self.leftovers.items())
                ],
            },
        }

    def to_json(self) -> str:
        """The report as indented JSON text."""
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False) + "\n"
