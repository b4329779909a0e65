"""The cut-over job: hold writes, copy what changed, compare, move the pointer, let go, late rows.

Writers of protected tables wait for the time of the hold and see no error; readers do not notice.
Before the pointer moves, both releases hold the same, the counters of the new one have left a gap
for the numbers of late rows, and the marks are written. Afterwards the writers that had waited
finish at the former release, and what they wrote is carried over with their own numbers.

It can be killed anywhere. Locks end with their connections; until the pointer has moved, the next
attempt begins anew, and afterwards it goes on with the late rows, from the base that was kept.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pymysql
import structlog

from core.domain.job_facts import CutOverFacts
from migrator.carrying import prepare_copying, recount_comments
from migrator.counters import largest_number, next_number, raise_counter
from migrator.cut_over_marks import count_tables, keep_marks, mark_table
from migrator.cut_over_state import drop_state, open_state
from migrator.cut_over_triggers import put_back, take_off
from migrator.digests import shapes
from migrator.equalising import bound_statements, catch_up, copies_of, equalise, reading
from migrator.errors import JobFailure
from migrator.hold import holding
from migrator.late_rows import carry_late_rows
from migrator.marks import read_marks
from migrator.protected_tables import matching_tables
from migrator.schemas import (
    operation_lock,
    require_not_live,
    require_own_schema,
    require_site_schema,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.domain.job_facts import Marks
    from core.domain.jobs import CutOverJob
    from migrator.cut_over_state import CutOverState
    from migrator.databases import Connection, Credentials
    from migrator.equalising import Ahead, Readers
    from migrator.hold import Hold
    from migrator.services import Services
    from migrator.table_copies import TableCopy

log = structlog.get_logger(__name__)

_GAP = 1000
"""The least numbers that are left free for late rows of a table."""
_FIRST_PASS_SECONDS = 0.1
_PASS_SECONDS = 1.0
_LONGEST_DRAINS = 4
_STATEMENT_TOO_LONG = frozenset({1969, 3024})


def run_cut_over(services: Services, job: CutOverJob) -> CutOverFacts:
    """Cut over once, however often it is begun."""
    schema = job.database.schema_name
    require_not_live(services.sites, job, require_own_schema(schema, job.tenant_id, job.site_id))
    if job.live_schema is not None:
        require_site_schema(services.sites, job, job.live_schema)
    databases = services.databases
    administrator = databases.credentials(services.configuration.required("database_admin_secret"))
    with databases.connect(administrator, schema) as admin, operation_lock(admin, job.operation_id):
        return _CutOver(services, job, administrator, admin).run()


class _Prepared(NamedTuple):
    """What is known before the hold."""

    state: CutOverState
    copies: list[TableCopy]
    ahead: Mapping[str, Ahead]
    counted: Marks
    """How the unprotected tables stand."""
    readers: Readers


@dataclass(frozen=True)
class _CutOver:
    """One attempt."""

    services: Services
    job: CutOverJob
    administrator: Credentials
    admin: Connection

    @property
    def schema(self) -> str:
        return self.job.database.schema_name

    def run(self) -> CutOverFacts:
        marks = read_marks(self.services, self.job.marks)
        moved = self._has_moved()
        if moved and marks is not None and marks.cut_over is not None:
            drop_state(self.admin, self.schema)  # only the answer of an earlier attempt was lost
            return marks.cut_over
        state = open_state(self.admin, self.schema)
        if not moved:
            self._cut_over(state)
        elif state.progress.phase == "preparing":
            raise JobFailure(
                "The listener rule points at the new release already, and not by this job: nothing "
                "tells which writes have reached it. Point it back, then run the job again."
            )
        self._late(state)
        facts = self._facts(state, pointer_moved=moved or self.job.rule_arn is not None)
        counted = read_marks(self.services, self.job.marks) or count_tables(self.admin, self.schema)
        keep_marks(self.services, self.job, counted, state.progress.marks, facts)
        drop_state(self.admin, self.schema)
        log.info(
            "cut_over", held=facts.held_seconds, carried=sum(facts.carried.values()),
            late=sum(facts.late.values()), conflicts=len(facts.conflicts),
        )  # fmt: skip
        return facts

    def _has_moved(self) -> bool:
        if self.job.rule_arn is None:
            return False
        return self.services.pointer.target(self.job.rule_arn) == self.job.target_group_arn

    def _facts(self, state: CutOverState, *, pointer_moved: bool) -> CutOverFacts:
        progress = state.progress
        return CutOverFacts(
            pointer_moved=pointer_moved,
            held_seconds=progress.held_seconds,
            carried=progress.carried,
            late=progress.late,
            conflicts=progress.conflicts,
        )

    # --- until the pointer has moved ---

    def _cut_over(self, state: CutOverState) -> None:
        prepare_copying(self.admin)
        live = self.job.live_schema
        copies = copies_of(self.admin, live, self.schema, self.job.protected_tables) if live else []
        counted = count_tables(self.admin, self.schema)
        if not copies:
            keep_marks(self.services, self.job, counted, {})
            state.save(self.admin, phase="held")
            self._move()
            return
        bases = {copy.table: copy.base_name for copy in copies}
        state.save(self.admin, phase="preparing", bases=bases)
        take_off(self.admin, self.schema, bases, state)
        with reading(self.services.databases, self.administrator) as readers:
            ahead = catch_up(self.admin, readers, copies, state)
            self._leave_gaps(copies, gaps=2)
            self._hold(_Prepared(state, copies, ahead, counted, readers))

    def _hold(self, prepared: _Prepared) -> None:
        """Hold writes; a statement that takes too long ends the hold, not only itself."""
        job, databases, copies = self.job, self.services.databases, prepared.copies
        tables = [copy.table for copy in copies]
        with holding(
            databases, self.administrator, copies[0].live_schema, tables, job.hold_seconds
        ) as hold:
            try:
                self._while_held(hold, prepared)
            except pymysql.MySQLError as error:
                if error.args[0] in _STATEMENT_TOO_LONG:
                    raise hold.too_long() from None
                raise
            held = hold.let_go()
        bound_statements(self.admin, None)
        prepared.state.save(self.admin, phase="moved", held_seconds=round(held, 3))

    def _while_held(self, hold: Hold, prepared: _Prepared) -> None:
        state, copies = prepared.state, prepared.copies
        prepared.readers.bound(hold.rest_seconds)
        bound_statements(self.admin, hold.rest_seconds)
        self._require_same_tables(copies)
        carried, sums = equalise(self.admin, prepared.readers, copies, prepared.ahead, state)
        site = self.services.databases.credentials(self.job.database.secret_id)
        put_back(self.services.databases, site, self.schema, state.progress.triggers)
        self._leave_gaps(copies, gaps=1)
        new = shapes(self.admin, self.schema, [copy.table for copy in copies])
        marks = {
            copy.table: mark_table(self.admin, copy, new[copy.table], sums[copy.table])
            for copy in copies
        }
        keep_marks(self.services, self.job, prepared.counted, marks)
        held = self.job.hold_seconds - hold.rest_seconds
        state.save(
            self.admin, phase="held", carried=carried, marks=marks, held_seconds=round(held, 3)
        )
        hold.confirm()
        self._move()

    def _move(self) -> None:
        if self.job.rule_arn is not None:
            self.services.pointer.move(self.job.rule_arn, self.job.target_group_arn)

    def _require_same_tables(self, copies: list[TableCopy]) -> None:
        live = copies[0].live_schema
        found = matching_tables(self.admin, live, self.job.protected_tables)
        if found != [copy.table for copy in copies]:
            raise JobFailure(
                "Protected tables were made or dropped in the live release while the cut-over was "
                "being prepared. Nothing was moved; run the job again.",
                retryable=True,
            )

    def _leave_gaps(self, copies: list[TableCopy], *, gaps: int) -> None:
        """Raise the new release's counters, so that numbers of late rows are free there.

        As many as the live release has given out since the import, and at least a thousand.
        """
        for copy in copies:
            if not copy.shape.counts_up:
                continue
            live = next_number(self.admin, copy.live_schema, copy.table)
            new = next_number(self.admin, copy.schema, copy.table)
            wanted = live + gaps * max(_GAP, live - new)
            if new < live + _GAP and wanted < largest_number(copy.shape):
                raise_counter(self.admin, copy.schema, copy.table, wanted)

    # --- afterwards ---

    def _late(self, state: CutOverState) -> None:
        """Carry late rows, again and again, until the drain is over and a pass finds nothing.

        Soon and often at first: what the writers had waited with is missed most just then.
        """
        live, tables = self.job.live_schema, list(state.progress.bases)
        if live is None or not tables:
            return
        prepare_copying(self.admin)
        copies = self._resumed(live, state)
        new = shapes(self.admin, self.schema, tables)
        began, pause = time.monotonic(), _FIRST_PASS_SECONDS
        while True:
            begun = time.monotonic()
            found = sum(
                carry_late_rows(self.admin, copy, new[copy.table], state) for copy in copies
            )
            spent = time.monotonic() - begun
            rest = began + self.job.drain_seconds - time.monotonic()
            if rest <= 0 and (not found or -rest > self.job.drain_seconds * _LONGEST_DRAINS):
                break
            time.sleep(max(0.0, min(max(pause, spent * 2), rest)))
            pause = min(pause * 2, _PASS_SECONDS)
        recount_comments(self.admin, self.schema, {*state.progress.late, *state.progress.carried})

    def _resumed(self, live: str, state: CutOverState) -> list[TableCopy]:
        """Return the copies with the bases that were kept, also by an attempt that was killed."""
        found = copies_of(self.admin, live, self.schema, list(state.progress.bases))
        bases = state.progress.bases
        return [copy.with_base(bases[copy.table]) for copy in found if copy.table in bases]
