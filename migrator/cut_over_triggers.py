"""Triggers of the new release's protected tables, off while rows are copied into them.

What a trigger once did to a row, or because of it, is in the rows that are copied. They are back
before the pointer moves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.cut_over_state import SavedTrigger
from migrator.databases import quoted, rows
from migrator.load import without_definer

if TYPE_CHECKING:
    from collections.abc import Collection

    from migrator.cut_over_state import CutOverState
    from migrator.databases import Connection, Credentials, Databases


def take_off(
    connection: Connection, schema: str, tables: Collection[str], state: CutOverState
) -> None:
    """Remember the triggers of these tables, then drop them; repeatable."""
    found = rows(
        connection,
        "SELECT trigger_name, event_object_table FROM information_schema.triggers "
        "WHERE trigger_schema = %s ORDER BY event_object_table, action_order",
        schema,
    )
    names = [str(name) for name, table in found if table in tables]
    known = {trigger.name for trigger in state.progress.triggers}
    saved = [_saved(connection, schema, name) for name in names if name not in known]
    if saved:
        state.save(connection, triggers=[*state.progress.triggers, *saved])
    for name in names:
        rows(connection, f"DROP TRIGGER IF EXISTS {quoted(schema)}.{quoted(name)}")


def put_back(
    databases: Databases, site: Credentials, schema: str, triggers: Collection[SavedTrigger]
) -> None:
    """Make the triggers again, as the site's own user, who they belong to; repeatable."""
    if not triggers:
        return
    with databases.connect(site, schema) as connection:
        for trigger in triggers:
            rows(connection, "SET SESSION sql_mode = %s", trigger.sql_mode)
            rows(connection, f"DROP TRIGGER IF EXISTS {quoted(trigger.name)}")
            with connection.cursor() as cursor:
                cursor.execute(trigger.statement)


def _saved(connection: Connection, schema: str, name: str) -> SavedTrigger:
    _, mode, statement, *_ = rows(
        connection, f"SHOW CREATE TRIGGER {quoted(schema)}.{quoted(name)}"
    )[0]
    return SavedTrigger(name=name, sql_mode=str(mode), statement=without_definer(str(statement)))
