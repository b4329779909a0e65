"""The records of one operation, asked the way that its evidence document asks them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.domain.approval import Decision
from core.domain.operation import Facts, Json, Operation, StepRecord
from events.vocabulary import OperationStatus, OperationType, Phase, StepStatus

ROUND_STEPS = ("check_gates", "decide_again")
CHECK_STEPS = (
    "check_source",
    "check_before",
    "check_after",
    "check_former",
    "check_back",
)
_OF_BACKUPS = frozenset({OperationType.SITE_DELETION, OperationType.SITE_RESTORE})


@dataclass(frozen=True, kw_only=True)
class EvidenceSources:
    """Everything that an evidence document is built from."""

    operation: Operation
    payload: Mapping[str, Json]
    """The request's payload as JSON; a proof is never part of it."""
    records: Sequence[StepRecord]
    decisions: Sequence[Decision]
    outcome: OperationStatus
    """How the operation ends: the document is sealed by its last step, before it has ended."""
    sealed_at: datetime
    policy_version: str

    @property
    def is_rollback(self) -> bool:
        return self.operation.operation_type is OperationType.SITE_ROLLBACK

    @property
    def concerns_backup(self) -> bool:
        """Whether it is a deletion, which makes a backup, or a restore, which begins with one."""
        return self.operation.operation_type in _OF_BACKUPS

    @property
    def was_taken_back(self) -> bool:
        """Whether visitors had seen the new release before it was undone."""
        return self.outcome is OperationStatus.ROLLED_BACK

    def record(self, step: str, phase: Phase = Phase.FORWARD) -> StepRecord | None:
        """Return the newest record of a step in a phase."""
        found = [r for r in self.records if (r.step, r.phase) == (step, phase)]
        return max(found, key=lambda r: r.completed_at, default=None)

    def facts(self, step: str) -> Facts:
        """Return what a step found out, also one that failed; empty when it did not run."""
        record = self.record(step)
        return record.facts if record else {}

    def completed(self, step: str) -> bool:
        """Tell whether a step has done its work."""
        record = self.record(step)
        return record is not None and record.status is StepStatus.COMPLETED

    def undone(self, step: str) -> bool:
        """Tell whether a step was taken back."""
        record = self.record(step, Phase.UNDO)
        return record is not None and record.status is StepStatus.UNDONE

    def text(self, step: str, name: str) -> str | None:
        """Return one of a step's facts as text."""
        value = self.facts(step).get(name)
        return None if value is None else str(value)

    def said(self, name: str) -> str | None:
        """Return one of the payload's fields as text."""
        value = self.payload.get(name)
        return None if value is None else str(value)

    @property
    def incident_id(self) -> str | None:
        emergency = self.payload.get("emergency")
        nested = emergency.get("incidentId") if isinstance(emergency, dict) else None
        return str(nested) if nested else self.said("incidentId")

    def rounds(self) -> Iterator[tuple[str, dict[str, Json]]]:
        """Yield the rounds of gates that were decided, oldest first."""
        for step in ROUND_STEPS:
            stored = self.facts(step).get("round")
            if isinstance(stored, dict):
                yield step, stored

    @property
    def monitor_round(self) -> dict[str, Json] | None:
        stored = self.facts("monitor").get("round")
        return stored if isinstance(stored, dict) else None

    @property
    def from_release(self) -> str | None:
        """Which release was live before, as `r<number>`; of a rollback the one it goes from."""
        if self.is_rollback:
            return _release(self.text("choose_release", "from_release"))
        return _release(self.text("reserve_release", "live_release") or self._surveyed_release())

    @property
    def to_release(self) -> str | None:
        """Which release was to be live."""
        if self.is_rollback:
            return _release(self.text("choose_release", "to_release"))
        return _release(self.text("reserve_release", "release"))

    def _surveyed_release(self) -> str | None:
        way_back = self.facts("survey_target").get("way_back")
        number = way_back.get("live_release") if isinstance(way_back, dict) else None
        return None if number is None else str(number)


def _release(number: str | None) -> str | None:
    return f"r{number}" if number else None
