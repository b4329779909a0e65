"""The sealed evidence of one operation: who, what, why, how long, and how it ended.

A pure function of stored records: the same records give the same text, to the letter, and so the
same sha256. The document is what is kept when step records have expired.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.approval import Decision
from core.domain.checklists import checklists_of
from core.domain.evidence_records import CHECK_STEPS, EvidenceSources
from core.domain.operation import Facts, Json, StepRecord
from core.domain.site_evidence import backed_up_site
from events.formats import format_timestamp

SCHEMA_VERSION = "1.0"

type Document = dict[str, Json]


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """The document as text, and the digest that proves it."""

    text: str
    sha256: str


def build_document(sources: EvidenceSources) -> Document:
    """Return the evidence document."""
    return {
        "schemaVersion": SCHEMA_VERSION,
        "operation": _operation(sources),
        "request": dict(sources.payload),
        "approvals": _approvals(sources),
        "steps": [_step(record) for record in sources.records],
        "checks": _checks(sources),
        "outcome": _outcome(sources),
        **(backed_up_site(sources) if sources.concerns_backup else _promoted(sources)),
    }


def seal(document: Document) -> Sealed:
    """Return the canonical text (sorted keys, no spaces, UTF-8) and its sha256."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Sealed(text=text, sha256=hashlib.sha256(text.encode()).hexdigest())


def deployment_record(document: Document, sha256: str) -> Mapping[str, str]:
    """Return the item for bbws-deployments-{env}: the seeds' eight fields, and the evidence.

    A promotion that was taken back after its cut-over is a rollback there, from the new release to
    the former one, because that is what readers of the table look for.
    """
    operation, outcome = _part(document, "operation"), _part(document, "outcome")
    back = outcome["status"] == "ROLLED_BACK"
    action = "rollback" if back or operation["type"] == "SITE_ROLLBACK" else "promotion"
    versions = [_text(outcome["fromRelease"]), _text(outcome["toRelease"])]
    from_version, to_version = reversed(versions) if back else versions
    return {
        "deployment_id": f"{action}-{operation['operationId']}",
        "timestamp": _text(operation["sealedAt"]),
        "environment": _text(operation["environment"]),
        "action": action,
        "from_version": from_version,
        "to_version": to_version,
        "actor": _text(operation["requestedBy"]),
        "reason": _text(outcome["reason"]),
        "operation_id": _text(operation["operationId"]),
        "tenant_id": _text(operation["tenantId"]),
        "site_id": _text(operation["siteId"]),
        "status": _text(outcome["status"]),
        "evidence_sha256": sha256,
    }


# --- the parts ------------------------------------------------------------------------------


def _promoted(sources: EvidenceSources) -> Document:
    """Return what only a promotion, or its rollback, has to tell."""
    return {
        "plan": _plan(sources),
        "gates": [{"step": step, "round": stored} for step, stored in sources.rounds()],
        "monitor": sources.monitor_round,
        "artefacts": _artefacts(sources),
        "checklists": checklists_of(sources),
    }


def _operation(sources: EvidenceSources) -> Document:
    operation = sources.operation
    return {
        "operationId": operation.operation_id,
        "type": operation.operation_type.value,
        "tenantId": operation.tenant_id,
        "siteId": operation.site_id,
        "environment": operation.environment.value,
        "sourceEnvironment": sources.said("sourceEnvironment"),
        "correlationId": operation.correlation_id,
        "requestedBy": operation.requested_by,
        "changeTicket": sources.said("changeTicket"),
        "incidentId": sources.incident_id,
        "policyVersion": sources.policy_version,
        "startedAt": format_timestamp(operation.created_at),
        "sealedAt": format_timestamp(sources.sealed_at),
    }


def _plan(sources: EvidenceSources) -> Document | None:
    facts = sources.facts("plan")
    census = facts.get("census")
    if not isinstance(census, dict):
        return None
    survey = sources.facts("survey_target")
    return {
        "planHash": facts.get("plan_hash"),
        "source": _census_summary(census),
        "selection": sources.payload.get("selection"),
        "protection": sources.payload.get("protect"),
        "target": survey.get("target"),
        "wayBack": survey.get("way_back"),
    }


def _census_summary(census: dict[str, Json]) -> Document:
    """Return what a person asks of the source; the whole census stays with the plan's step."""
    tables, content = census.get("tables"), census.get("content")
    replacements = census.get("replacements")
    names = ("release", "siteVersion", "wordpressVersion", "phpVersion", "imageDigest")
    told: Document = {name: census.get(name) for name in names}
    told |= {name: census.get(name) for name in ("theme", "plugins", "permalinks")}
    told["tables"] = len(tables) if isinstance(tables, dict) else None
    told["rows"] = _sum(tables)
    told["files"] = content.get("files") if isinstance(content, dict) else None
    told["contentSizeBytes"] = content.get("sizeBytes") if isinstance(content, dict) else None
    told["databaseSizeBytes"] = census.get("databaseSizeBytes")
    told["replacements"] = _sum(replacements)
    return told


def _approvals(sources: EvidenceSources) -> Document:
    asked = sources.facts("request_approval")
    given = sources.facts("await_approval")
    return {
        "roles": asked.get("roles", []),
        "askedAt": asked.get("asked_at"),
        "expiresAt": asked.get("expires_at"),
        "approvedAt": given.get("approved_at"),
        "countedByRole": given.get("by_role"),
        "decisions": [_decision(decision) for decision in sources.decisions],
    }


def _decision(decision: Decision) -> Document:
    return {
        "role": decision.role,
        "person": decision.person,
        "principal": decision.principal,
        "approves": decision.approves,
        "comment": decision.comment,
        "decidedAt": format_timestamp(decision.decided_at),
        "planHash": decision.plan_hash,
        "proofDigest": decision.proof_digest,
    }


def _artefacts(sources: EvidenceSources) -> Document:
    exported, backup = sources.facts("export_source"), sources.facts("back_up_target")
    return {
        "imageDigest": sources.text("replicate_image", "image_digest"),
        "dumpSha256": exported.get("dump_sha256"),
        "manifestSha256": exported.get("manifest_sha256"),
        "databaseSnapshotArn": backup.get("database_snapshot"),
        "recoveryPointArn": backup.get("recovery_point"),
        "taskDefinitionArn": sources.text("start_release", "task_definition_arn"),
        "salvage": _salvage(sources),
    }


def _salvage(sources: EvidenceSources) -> Json:
    """Return what was exported of rows written to a release that was taken back."""
    for facts in (sources.facts("salvage_rows"), _undo_facts(sources, "cut_over")):
        if facts.get("object_key"):
            return {name: facts.get(name) for name in ("object_key", "sha256", "rows")}
    return None


def _undo_facts(sources: EvidenceSources, step: str) -> Facts:
    found = [r for r in sources.records if r.step == step and r.phase.value == "undo"]
    return found[-1].facts if found else {}


def _step(record: StepRecord) -> Document:
    failure = record.failure
    return {
        "step": record.step,
        "phase": record.phase.value,
        "status": record.status.value,
        "attempt": record.attempt,
        "startedAt": format_timestamp(record.started_at),
        "completedAt": format_timestamp(record.completed_at),
        "durationSeconds": round(record.duration_seconds, 3),
        "error": {"code": failure.code, "message": failure.message} if failure else None,
    }


def _checks(sources: EvidenceSources) -> list[Json]:
    checks: list[Json] = []
    for step in CHECK_STEPS:
        record = sources.record(step)
        if record is None:
            continue
        failure = record.failure
        facts = record.facts
        checks.append(
            {
                "step": step,
                "passed": failure is None and facts.get("passed", True),
                "checks": facts.get("names") or facts.get("checks"),
                "failed": list(_failed_names(failure.details)) if failure else [],
            }
        )
    return checks


def _failed_names(details: Facts) -> list[Json]:
    failed = details.get("failed")
    return failed if isinstance(failed, list) else []


def _outcome(sources: EvidenceSources) -> Document:
    operation, cut = sources.operation, sources.facts("cut_over")
    failure = operation.failure
    seconds = (sources.sealed_at - operation.created_at).total_seconds()
    return {
        "status": sources.outcome.value,
        "reason": _reason(sources),
        "error": {"code": failure.code, "message": failure.message, "step": failure.step}
        if failure
        else None,
        "durationSeconds": round(seconds, 3),
        "fromRelease": sources.from_release,
        "toRelease": sources.to_release,
        "heldSeconds": cut.get("held_seconds"),
        "rowsCarried": cut.get("carried"),
        "rowsLate": cut.get("late"),
        "conflicts": cut.get("conflicts"),
    }


def _reason(sources: EvidenceSources) -> str:
    failure = sources.operation.failure
    if failure is not None:
        return failure.message
    if sources.is_rollback or sources.concerns_backup:
        return sources.said("reason") or ""
    ticket = sources.said("changeTicket")
    if sources.incident_id:
        return f"incident {sources.incident_id}"
    return f"change ticket {ticket}" if ticket else "promotion on request"


def _part(document: Document, name: str) -> dict[str, Json]:
    part = document[name]
    return part if isinstance(part, dict) else {}


def _text(value: Json) -> str:
    return "none" if value is None else str(value)


def _sum(counts: Json) -> int | None:
    if not isinstance(counts, dict):
        return None
    return sum(value for value in counts.values() if isinstance(value, int))
