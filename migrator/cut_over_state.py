"""What a cut-over remembers while it is under way, in the new schema.

There the next attempt finds it, and it goes with the schema when the operation is undone. One row
holds the fence, which rises with every attempt: an attempt that was thought dead and is not finds
another number and writes nothing more. It also holds how far the cut-over is, as JSON without any
value of the site's. Per protected table, a base table tells how each row stood when the writes
were held, as key and digest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from core.domain.job_models import JobModel
from migrator.databases import base_tables, quoted, rows
from migrator.errors import JobFailure
from migrator.protected_tables import OWN_PREFIX

if TYPE_CHECKING:
    from migrator.databases import Connection

STATE = f"{OWN_PREFIX}cut_over"
BASE = f"{OWN_PREFIX}base_"


class SavedTrigger(JobModel):
    """A trigger taken off a table while rows are copied into it."""

    name: str
    sql_mode: str
    statement: str


class TableMark(JobModel):
    """How a protected table of the new release stands, late rows included."""

    rows: int
    digest: int
    high_key: int | None


class Progress(JobModel):
    """How far a cut-over is."""

    phase: Literal["preparing", "held", "moved"] = "preparing"
    """held: the new release is equal to the live one, and the pointer is about to move."""
    held_seconds: float = 0
    carried: dict[str, int] = Field(default_factory=dict)
    late: dict[str, int] = Field(default_factory=dict)
    conflicts: list[str] = Field(default_factory=list)
    bases: dict[str, str] = Field(default_factory=dict)
    """Protected table -> its base table."""
    triggers: list[SavedTrigger] = Field(default_factory=list)
    marks: dict[str, TableMark] = Field(default_factory=dict)
    """Protected table -> its mark, kept up with the late rows."""


class CutOverState:
    """The state's row, as this attempt may write it."""

    def __init__(self, schema: str, fence: int, progress: Progress) -> None:
        self._table = f"{quoted(schema)}.{quoted(STATE)}"
        self._fence = fence
        self.progress = progress

    def require_fence(self, connection: Connection) -> None:
        """Within a transaction: nobody else may take over before it ends.

        Raises JobFailure when somebody already has.
        """
        found = rows(connection, f"SELECT fence FROM {self._table} LOCK IN SHARE MODE")  # noqa: S608 - quoted
        if found != [(self._fence,)]:
            raise JobFailure(
                "Another attempt of this cut-over has taken over; this one stopped before it "
                "wrote anything more. Look at the later attempt's result."
            )

    def save(self, connection: Connection, **changes: object) -> None:
        """Change the progress and write it; raises JobFailure when another attempt took over."""
        self.progress = self.progress.model_copy(update=changes)
        rows(
            connection,
            f"UPDATE {self._table} SET progress = %s WHERE fence = %s",  # noqa: S608 - quoted
            self.progress.model_dump_json(by_alias=True),
            self._fence,
        )
        self.require_fence(connection)


def open_state(connection: Connection, schema: str) -> CutOverState:
    """Return the state with this attempt's own fence; makes it when there is none."""
    table = f"{quoted(schema)}.{quoted(STATE)}"
    rows(
        connection,
        f"CREATE TABLE IF NOT EXISTS {table} (id INT NOT NULL PRIMARY KEY, "
        "fence BIGINT NOT NULL, progress LONGTEXT NOT NULL) ENGINE=InnoDB CHARACTER SET utf8mb4",
    )
    empty = Progress().model_dump_json(by_alias=True)
    rows(connection, f"INSERT IGNORE INTO {table} VALUES (1, 0, %s)", empty)  # noqa: S608 - quoted
    rows(connection, f"UPDATE {table} SET fence = fence + 1")  # noqa: S608 - quoted
    fence, text = rows(connection, f"SELECT fence, progress FROM {table}")[0]  # noqa: S608 - quoted
    return CutOverState(schema, int(fence), Progress.model_validate_json(text))


def is_under_way(connection: Connection, schema: str) -> bool:
    """Tell whether an earlier attempt has left a state behind."""
    return STATE in base_tables(connection, schema)


def drop_state(connection: Connection, schema: str) -> None:
    """Remove everything that the cut-over kept; the state's row last."""
    names = [name for name in base_tables(connection, schema) if name.startswith(OWN_PREFIX)]
    for name in sorted(names, key=lambda name: name == STATE):
        rows(connection, f"DROP TABLE IF EXISTS {quoted(schema)}.{quoted(name)}")
