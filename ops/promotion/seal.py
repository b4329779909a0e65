"""The seal of an operation's evidence: the document's sha256, kept in the operation's record.

Two things are verified: that the document is the one that was sealed, and that the records still
say what the document says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from core.domain.errors import SitefleetError
from core.domain.evidence import build_document
from core.domain.evidence_records import EvidenceSources
from core.domain.names import evidence_key
from events.vocabulary import OperationStatus
from ops.connection import Connection
from ops.promotion.records import PromotionRecords
from ops.wording import listed

SEALING_STEPS: Final = ("seal_record", "open_record")
"""The step that seals, and the one whose undo does when an operation was taken back."""
_COMPARED: Final = (
    *("request", "plan", "approvals", "gates", "monitor", "artefacts", "checks"),
    *("backup", "removed", "built"),
)


@dataclass(frozen=True, kw_only=True)
class Seal:
    """Whether the evidence is sealed, and whether the seal holds."""

    key: str
    recorded: str | None = None
    """The sha256 in the record."""
    found: str | None = None
    """The sha256 of the document as it is now."""
    problem: str | None = None
    """Why the document could not be read."""
    changed: tuple[str, ...] = ()
    """Parts that the records tell otherwise than the sealed document."""
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_sealed(self) -> bool:
        """Whether the document is the one that was sealed, to the letter."""
        return self.recorded is not None and self.recorded == self.found

    @property
    def is_broken(self) -> bool:
        return self.recorded is not None and (not self.is_sealed or bool(self.changed))

    @property
    def sentence(self) -> str:
        """Say it."""
        if self.recorded is None:
            return "Not sealed: this is what the records say so far."
        if self.found is None:
            why = self.problem or "it is not there"
            return f"SEAL NOT VERIFIED: the document {self.key} cannot be read: {why}."
        if not self.is_sealed:
            return f"SEAL BROKEN: the document {self.key} is not the one that was sealed."
        if self.changed:
            return (
                f"RECORDS CHANGED: the document {self.key} is the one that was sealed, and the "
                f"records now tell another story of: {listed(self.changed)}."
            )
        return (
            f"Sealed: the document {self.key} has the sha256 that is in the record, and the "
            "records say the same."
        )


def read_seal(connection: Connection, records: PromotionRecords) -> Seal:
    """Read the sealed document, compute its sha256 anew, and compare it with the records."""
    operation_id = records.operation.operation_id
    key, recorded = evidence_key(operation_id), _recorded(records)
    try:
        text = connection.document(key)
    except SitefleetError as error:
        return Seal(key=key, recorded=recorded, problem=str(error).rstrip("."))
    if text is None:
        return Seal(key=key, recorded=recorded)
    found = hashlib.sha256(text.encode()).hexdigest()
    document = _document(text)
    changed = changed_parts(records, document) if found == recorded else ()
    return Seal(key=key, recorded=recorded, found=found, changed=changed, document=document)


def changed_parts(records: PromotionRecords, document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the parts of a sealed document that do not follow from the records any more."""
    told, outcome = document.get("operation"), document.get("outcome")
    if not isinstance(told, Mapping) or not isinstance(outcome, Mapping):
        return ("operation",)
    again = build_document(
        sources_of(
            records,
            outcome=OperationStatus(outcome["status"]),
            sealed_at=datetime.fromisoformat(told["sealedAt"]),
            policy_version=str(told["policyVersion"]),
        )
    )
    now: Mapping[str, Any] = json.loads(json.dumps(again))
    changed = [name for name in _COMPARED if now.get(name) != document.get(name)]
    if any(step not in now["steps"] for step in document.get("steps", [])):
        changed.append("steps")
    return tuple(changed)


def sources_of(
    records: PromotionRecords,
    *,
    outcome: OperationStatus,
    sealed_at: datetime,
    policy_version: str,
) -> EvidenceSources:
    """Return what evidence is built from."""
    return EvidenceSources(
        operation=records.operation,
        payload=records.payload,
        records=records.steps,
        decisions=records.decisions,
        outcome=outcome,
        sealed_at=sealed_at,
        policy_version=policy_version,
    )


# --- inside ---------------------------------------------------------------------------------


def _recorded(records: PromotionRecords) -> str | None:
    sealing = [record.facts for record in records.steps if record.step in SEALING_STEPS]
    found = [facts.get("evidence_sha256") or facts.get("sha256") for facts in sealing]
    found.append(records.operation.summary.get("evidenceSha256"))
    digest = next((value for value in found if value), None)
    return str(digest).removeprefix("sha256:") if digest else None


def _document(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
