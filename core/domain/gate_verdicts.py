"""What a gate says: one of three verdicts, the reason, and what would make it pass."""

from __future__ import annotations

from enum import StrEnum

from core.domain.gate_evidence import EvidenceModel


class Verdict(StrEnum):
    """What a gate says."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class GateName(StrEnum):
    """Every gate, in the order in which they are shown."""

    PROMOTION_PATH = "promotion_path"
    SOURCE_TESTED = "source_tested"
    SOURCE_ERRORS = "source_errors"
    SOURCE_THROTTLES = "source_throttles"
    CRITICAL_LOG_LINES = "critical_log_lines"
    STABILITY_AGE = "stability_age"
    MAINTENANCE_WINDOW = "maintenance_window"
    CHANGE_TICKET = "change_ticket"
    DATABASE_STORAGE = "database_storage"
    RULE_PRIORITIES = "rule_priorities"
    PERMISSIONS = "permissions"


class GateVerdict(EvidenceModel):
    """One gate's verdict with its reason."""

    name: GateName
    verdict: Verdict
    why: str
    would_pass: str | None = None
    """What would make it pass; None when it does."""

    @property
    def stops(self) -> bool:
        """Whether a promotion ends here; a closed window only waits."""
        return self.verdict is not Verdict.PASS and self.name is not GateName.MAINTENANCE_WINDOW


def passes(name: GateName, why: str) -> GateVerdict:
    """Return a pass."""
    return GateVerdict(name=name, verdict=Verdict.PASS, why=why)


def fails(name: GateName, why: str, would_pass: str) -> GateVerdict:
    """Return a failure with what would make the gate pass."""
    return GateVerdict(name=name, verdict=Verdict.FAIL, why=why, would_pass=would_pass)


def is_open(name: GateName, why: str, would_pass: str) -> GateVerdict:
    """Return that nothing can be said, and what it takes."""
    return GateVerdict(name=name, verdict=Verdict.INCONCLUSIVE, why=why, would_pass=would_pass)
