"""The gates: pure, three-valued verdicts over stored evidence, thresholds and the clock.

A gate passes only on evidence. What could not be measured is inconclusive, and an inconclusive gate
stops a promotion as a failed one does: missing metrics are no proof of health.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import AwareDatetime

from core.domain.gate_evidence import EvidenceModel, GateEvidence, GateThresholds
from core.domain.gate_rules import GATES, Case
from core.domain.gate_verdicts import GateName, GateVerdict


class GateRound(EvidenceModel):
    """Everything that one round of decisions was made from, and the decisions."""

    evidence: GateEvidence
    thresholds: GateThresholds
    decided_at: AwareDatetime
    verdicts: tuple[GateVerdict, ...]

    @property
    def stopping(self) -> tuple[GateVerdict, ...]:
        return tuple(verdict for verdict in self.verdicts if verdict.stops)

    def of(self, name: GateName) -> GateVerdict:
        """Return one gate's verdict."""
        return next(verdict for verdict in self.verdicts if verdict.name is name)


def decide(
    evidence: GateEvidence, thresholds: GateThresholds, now: datetime
) -> tuple[GateVerdict, ...]:
    """Return every gate's verdict."""
    case = Case(evidence=evidence, thresholds=thresholds, now=now)
    return tuple(gate(case) for gate in GATES)


def decide_round(evidence: GateEvidence, thresholds: GateThresholds, now: datetime) -> GateRound:
    """Return the verdicts with all that they were made from."""
    verdicts = decide(evidence, thresholds, now)
    return GateRound(evidence=evidence, thresholds=thresholds, decided_at=now, verdicts=verdicts)


def recompute(stored: GateRound) -> tuple[GateVerdict, ...]:
    """Return the verdicts anew, from nothing but what was stored."""
    return decide(stored.evidence, stored.thresholds, stored.decided_at)
