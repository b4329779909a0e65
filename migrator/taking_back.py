"""Taking a change to a WordPress back: what it wrote, and nothing that others wrote since.

An option that only the change has written gets its former value. Where others have written to the
same option since, their part stays (migrator/merge.php); where that cannot be told apart, all of it
stays, and is named. Tables and pages that the change made go, unless somebody has used them.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from core.domain.wordpress_changes import TakenBackFacts
from migrator.databases import base_tables, quoted, rows
from migrator.directories import remove
from migrator.php_programs import ask_php, failed
from migrator.savepoints import Saved, Savepoint, written_options

if TYPE_CHECKING:
    from migrator.databases import Connection

log = structlog.get_logger(__name__)

_MERGE = Path(__file__).with_name("merge.php")
_ANSWER_BYTES = 64 << 20
_MERGE_SECONDS = 60
_ATTEMPTS = 5
_EMPTY = "a:0:{}"


class TakingBack:
    """One change on its way back; done again, it finds everything as it should be."""

    def __init__(
        self, savepoint: Savepoint, connection: Connection, schema: str, prefix: str, root: Path
    ) -> None:
        self._savepoint = savepoint
        self._connection = connection
        self._schema = schema
        self._prefix = prefix
        self._root = root

    def run(self) -> TakenBackFacts:
        """Files that were there first, then options, then what the change has added."""
        saved = self._savepoint.saved()
        if saved is None:
            return TakenBackFacts(restored=False)
        for path, was_there in saved.folders.items():
            if was_there:
                self._savepoint.put_folder_back(self._root, path)
        active = self._was_active(saved)
        restored, kept = self._options(saved)
        for path, was_there in saved.folders.items():
            target = self._root / path
            rest = [target.with_name(f".{target.name}.{kind}") for kind in ("new", "old")]
            for gone in rest if was_there else (target, *rest):
                remove(gone)
        facts = TakenBackFacts(
            restored=True,
            options=restored,
            kept_options=kept,
            kept_tables=self._tables(saved, was_active=active),
            kept_pages=self._pages(saved),
        )
        log.info("change_taken_back", kept=len(kept), options=len(restored))
        return facts

    # --- options ---

    def _options(self, saved: Saved) -> tuple[list[str], list[str]]:
        restored: list[str] = []
        kept: list[str] = []
        for name, values in written_options(self._savepoint).items():
            before = saved.options.get(name)
            (restored if self._option(name, before, values) else kept).append(name)
        return restored, kept

    def _option(self, name: str, before: tuple[str, str] | None, written: list[str | None]) -> bool:
        """Put one option back; False: somebody else's value is in it and stays."""
        for _ in range(_ATTEMPTS):
            now = self._now(name)
            target = before[0] if before else None
            if now == target:
                return True
            if now not in written:
                merged = _merged(target, written[-1], now)
                if merged is None:
                    return False
                target = None if before is None and merged == _EMPTY else merged
            if self._write(name, now, target, before[1] if before else "yes"):
                return True
        return False

    def _now(self, name: str) -> str | None:
        statement = f"SELECT option_value FROM {self._table('options')} WHERE option_name = %s"  # noqa: S608 - quoted
        found = rows(self._connection, statement, name)
        return str(found[0][0]) if found else None

    def _write(self, name: str, now: str | None, target: str | None, autoload: str) -> bool:
        """Write on the condition that the value is still the one that was looked at."""
        table = self._table("options")
        with self._connection.cursor() as cursor:
            if now is None:
                return bool(
                    cursor.execute(
                        f"INSERT IGNORE INTO {table} (option_name, option_value, autoload) "  # noqa: S608 - quoted
                        "VALUES (%s, %s, %s)",
                        (name, target, autoload),
                    )
                )
            same = "option_name = %s AND BINARY option_value = BINARY %s"
            if target is None:
                return bool(cursor.execute(f"DELETE FROM {table} WHERE {same}", (name, now)))  # noqa: S608 - quoted
            return bool(
                cursor.execute(
                    f"UPDATE {table} SET option_value = %s WHERE {same}",  # noqa: S608 - quoted
                    (target, name, now),
                )
            )

    # --- tables and pages ---

    def _was_active(self, saved: Saved) -> bool:
        """Tell whether visitors may have run what the change brought."""
        before = saved.options.get("active_plugins")
        is_written = "active_plugins" in written_options(self._savepoint)
        return is_written and self._now("active_plugins") != (before[0] if before else None)

    def _tables(self, saved: Saved, *, was_active: bool) -> list[str]:
        """Drop the tables that the change made; return those that somebody has written to."""
        finished, kept = self._savepoint.finished(), []
        made = {line["table"] for line in self._savepoint.lines() if "table" in line}
        made |= set(finished.tables if finished else ())
        for table in sorted(
            (made - set(saved.tables)) & set(base_tables(self._connection, self._schema))
        ):
            if finished is None:
                untouched = not was_active or self._is_empty(table)
            else:
                untouched = checksum(self._connection, self._schema, table) == finished.tables.get(
                    table
                )
            if untouched:
                rows(self._connection, f"DROP TABLE {quoted(self._schema)}.{quoted(table)}")
            else:
                kept.append(table)
        return kept

    def _is_empty(self, table: str) -> bool:
        statement = f"SELECT 1 FROM {quoted(self._schema)}.{quoted(table)} LIMIT 1"  # noqa: S608 - quoted
        return not rows(self._connection, statement)

    def _pages(self, saved: Saved) -> list[str]:
        """Remove the pages that the change made; return those that somebody has worked on since."""
        kept = []
        for post_id, modified in self._made(saved).items():
            found = rows(
                self._connection,
                f"SELECT post_name, post_modified_gmt, comment_count FROM {self._table('posts')} "  # noqa: S608 - quoted
                "WHERE ID = %s",
                post_id,
            )
            if not found:
                continue
            name, modified_now, comments = found[0]
            if comments or (modified is not None and str(modified_now) != modified):
                kept.append(str(name))
                continue
            for table, column in (
                ("postmeta", "post_id"),
                ("term_relationships", "object_id"),
                ("posts", "ID"),
            ):
                rows(
                    self._connection,
                    f"DELETE FROM {self._table(table)} WHERE {column} = %s",  # noqa: S608 - quoted
                    post_id,
                )
        return kept

    def _made(self, saved: Saved) -> dict[int, str | None]:
        """Return the posts that the change made -> when they were last modified by it."""
        made: dict[int, str | None] = {}
        making: list[tuple[str, str]] = []
        for line in self._savepoint.lines():
            if "making" in line:
                making.append((line["making"], line["type"]))
            if "made" in line:
                made[int(line["made"])] = line["modified"]
        if len(making) > len(made):  # it was killed while it made the last one
            statement = (
                f"SELECT ID FROM {self._table('posts')} "  # noqa: S608 - quoted
                "WHERE ID > %s AND post_name = %s AND post_type = %s"
            )
            for (post_id,) in rows(self._connection, statement, saved.highest_post, *making[-1]):
                made.setdefault(int(post_id), None)
        return made

    def _table(self, name: str) -> str:
        return f"{quoted(self._schema)}.{quoted(self._prefix + name)}"


def checksum(connection: Connection, schema: str, table: str) -> int:
    """Return the server's checksum over a table's rows."""
    found = rows(connection, f"CHECKSUM TABLE {quoted(schema)}.{quoted(table)}")
    return int(found[0][1] or 0)


def _merged(before: str | None, written: str | None, now: str | None) -> str | None:
    """Return the value without the change's part; None when the two cannot be told apart."""
    if written is None or now is None:
        return None
    question = [{"before": _encoded(before), "written": _encoded(written), "now": _encoded(now)}]
    what = "the comparison of an option's values"
    answer = ask_php(
        ["php", "-n", str(_MERGE)],
        question,
        what=what,
        within_seconds=_MERGE_SECONDS,
        most_bytes=_ANSWER_BYTES,
    )
    if answer.code != 0:
        raise failed(answer, what)
    found = answer.last_line[0]
    return None if found is False else base64.b64decode(found).decode("utf-8")


def _encoded(text: str | None) -> str | None:
    return None if text is None else base64.b64encode(text.encode()).decode()
