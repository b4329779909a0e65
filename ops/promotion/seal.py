"""The seal of a promotion's evidence: the document's sha256, kept in the promotion's record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.domain.errors import SitefleetError
from core.domain.names import evidence_key
from ops.connection import Connection
from ops.promotion.records import PromotionRecords


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
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_sealed(self) -> bool:
        return self.recorded is not None and self.recorded == self.found

    @property
    def is_broken(self) -> bool:
        return self.recorded is not None and not self.is_sealed

    @property
    def sentence(self) -> str:
        """Say it."""
        if self.is_sealed:
            return f"Sealed: the document {self.key} has the sha256 that is in the record."
        if self.recorded is None:
            return "Not sealed: this is what the records say so far."
        if self.found is None:
            why = self.problem or "it is not there"
            return f"SEAL NOT VERIFIED: the document {self.key} cannot be read: {why}."
        return f"SEAL BROKEN: the document {self.key} is not the one that was sealed."


def read_seal(connection: Connection, records: PromotionRecords) -> Seal:
    """Read the sealed document and compute its sha256 anew."""
    operation_id = records.operation.operation_id
    key, recorded = evidence_key(operation_id), _recorded(records)
    try:
        text = connection.document(key)
    except SitefleetError as error:
        return Seal(key=key, recorded=recorded, problem=str(error).rstrip("."))
    if text is None:
        return Seal(key=key, recorded=recorded)
    found = hashlib.sha256(text.encode()).hexdigest()
    return Seal(key=key, recorded=recorded, found=found, document=_document(text))


# --- inside ---------------------------------------------------------------------------------


def _recorded(records: PromotionRecords) -> str | None:
    found = records.facts("seal_record").get("sha256")
    found = found or records.operation.summary.get("evidenceSha256")
    return str(found).removeprefix("sha256:") if found else None


def _document(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
