"""Writes to tables held for a bounded moment: writers wait, readers do not, nobody sees an error.

Each table is locked by a connection of its own. One connection with several locks would take part
in deadlocks with transactions that use the tables in another order, and the server ends those by
an error at the client. With one lock each, a cycle is only a wait that runs out: everything is let
go, the writers go on, and the next try begins with the table that had to be waited for, so that
the locks soon follow the writers' own order.

FLUSH TABLES ... WITH READ LOCK rather than LOCK TABLES ... READ: a request for the latter gives
way to every new writer and never comes through on a busy table.

The server itself bounds the hold: a lock's connection that is idle for `seconds` is closed by it
(wait_timeout), and so is one whose process has died.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pymysql
import structlog

from migrator.databases import quoted, rows
from migrator.errors import JobFailure

if TYPE_CHECKING:
    from migrator.databases import Connection, Credentials, Databases

log = structlog.get_logger(__name__)

_TRIES = 12
_LOCK_SECONDS = 1
"""The least that MySQL's lock_wait_timeout can be."""
_PAUSE_SECONDS = 0.15
_IDLE_SECONDS = 600
"""How long a connection may be idle while it holds nothing."""
_LOCK_WAIT_TIMEOUT = 1205
_NO_RIGHT = frozenset({1044, 1045, 1142, 1227})


class Hold:
    """Locks on the tables of a schema, taken and let go together."""

    def __init__(self, locks: dict[str, Connection], schema: str, seconds: float) -> None:
        self._locks, self._schema, self._seconds = locks, schema, seconds
        self._statement = "FLUSH TABLES {} WITH READ LOCK"
        self._began = 0.0
        self._held = False

    @property
    def rest_seconds(self) -> float:
        """How much of the hold's time is left."""
        return self._began + self._seconds - time.monotonic()

    def take(self) -> None:
        """Lock all tables; raises JobFailure (retryable) when writers never leave a gap."""
        order = list(self._locks)
        for number in range(1, _TRIES + 1):
            self._began = time.monotonic()
            busy = self._try(order)
            if busy is None:
                self._held = True
                return
            self._unlock()
            order.remove(busy)
            order.insert(0, busy)
            log.info("hold_tried_in_vain", number=number, busy=busy)
            time.sleep(_PAUSE_SECONDS * number)
        raise JobFailure(
            f"Writes to {order[0]} could not be held: in {_TRIES} tries its transactions never "
            "ended within a second. Nothing was moved; run the job again at a quieter time.",
            retryable=True,
        )

    def confirm(self) -> None:
        """Make sure that every lock is still held; raises JobFailure (retryable) when not.

        This is the last thing before the pointer moves: the locks live on for what is left.
        """
        rest = self.rest_seconds
        try:
            for lock in self._locks.values():
                rows(lock, "SET SESSION wait_timeout = %s", max(1, math.ceil(rest)))
        except pymysql.MySQLError:
            rest = 0
        if rest <= 0:
            raise self.too_long()

    def too_long(self) -> JobFailure:
        """Return the failure of a hold whose time is over."""
        return JobFailure(
            f"Holding writes took longer than {self._seconds:g} s, which is all that the policy "
            "allows. They were let go and the pointer was not moved; run the job again, at a "
            "quieter time or with a longer hold_seconds.",
            retryable=True,
        )

    def let_go(self) -> float:
        """Unlock everything; return how long writers waited at most."""
        if self._held:
            self._unlock()
            self._held = False
        return time.monotonic() - self._began

    # --- private ---

    def _try(self, order: Sequence[str]) -> str | None:
        """Lock table by table; return the one that was busy, None when all are locked."""
        for table in order:
            try:
                self._lock(table)
            except pymysql.MySQLError as error:
                if error.args[0] != _LOCK_WAIT_TIMEOUT:
                    raise
                return table
        return None

    def _lock(self, table: str) -> None:
        name = f"{quoted(self._schema)}.{quoted(table)}"
        lock = self._locks[table]
        rows(lock, "SET SESSION wait_timeout = %s", max(1, math.ceil(self._seconds)))
        try:
            rows(lock, self._statement.format(name))
        except pymysql.MySQLError as error:
            if error.args[0] not in _NO_RIGHT or self._statement.startswith("LOCK"):
                raise
            log.warning("hold_without_reload_right", error=error.args[0])
            self._statement = "LOCK TABLES {} READ"
            rows(lock, self._statement.format(name))

    def _unlock(self) -> None:
        for lock in self._locks.values():
            try:
                rows(lock, "UNLOCK TABLES")
                rows(lock, "SET SESSION wait_timeout = %s", _IDLE_SECONDS)
            except pymysql.MySQLError:
                continue  # the server has closed it, and its lock with it


@contextmanager
def holding(
    databases: Databases,
    administrator: Credentials,
    schema: str,
    tables: Sequence[str],
    seconds: float,
) -> Iterator[Hold]:
    """Hold writes to tables for a block at most; whatever happens in it, they are let go."""
    with ExitStack() as stack:
        locks = {table: stack.enter_context(databases.connect(administrator)) for table in tables}
        for lock in locks.values():
            rows(lock, "SET SESSION lock_wait_timeout = %s", _LOCK_SECONDS)
        hold = Hold(locks, schema, seconds)
        hold.take()
        try:
            yield hold
        finally:
            hold.let_go()
