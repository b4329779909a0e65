"""The platform's checklists (environment promotion runbook, 7.1 to 7.3), filled in by the machine.

Each line keeps the runbook's words. What a line asks of a Lambda function is answered for the site,
which is what the fleet promotes. A line about something that the fleet cannot see says so.
"""

from __future__ import annotations

from core.domain.checklist_lines import (
    Line,
    approved_by,
    backed_up,
    checks_passed,
    deployment_recorded,
    distribution,
    gate,
    gates_passed,
    looked_at_later,
    monitor_passed,
    outcome_is,
    outside,
    started,
    way_back_known,
    window_confirmed,
)
from core.domain.evidence_records import EvidenceSources
from core.domain.operation import Json
from core.domain.rollback_lines import rolled_back, taken_back_by
from events.formats import Environment
from events.vocabulary import OperationStatus, OperationType

type Section = tuple[str, tuple[Line, ...]]

_PIPELINE = "of code; the fleet promotes a site, whose code comes as an image"

TO_SIT: tuple[Section, ...] = (
    (
        "Pre-Promotion Checks",
        (
            outside("All unit tests pass (80%+ coverage)", _PIPELINE),
            outside("Code linting passed (ruff, black)", _PIPELINE),
            outside("Type checking passed (mypy)", _PIPELINE),
            outside("Security scan passed (bandit)", _PIPELINE),
            checks_passed("Integration tests pass in DEV", "check_source"),
            gate("DEV error rate < 10 errors/hour", "source_errors"),
            gate("DEV throttle rate = 0/hour", "source_throttles"),
            checks_passed("DEV Lambda health check returns 200", "check_source"),
            outside("Release notes documented", "of people"),
            approved_by("Dev Lead approval obtained", "DEV_LEAD"),
        ),
    ),
    (
        "Promotion Execution",
        (
            started("GitHub workflow triggered: `promote-to-sit.yml`"),
            started("Workflow inputs configured correctly"),
            gates_passed("Pre-flight checks passed"),
            outcome_is("Deployment completed successfully", OperationStatus.COMPLETED),
            checks_passed("Post-deployment verification passed", "check_after"),
        ),
    ),
    (
        "Post-Promotion Verification",
        (
            checks_passed("SIT Lambda health check returns 200", "check_after"),
            checks_passed("SIT smoke tests pass", "check_after"),
            monitor_passed("No errors in CloudWatch (5-min window)"),
            checks_passed("API Gateway returns expected responses", "check_after"),
            deployment_recorded("DynamoDB deployment record created"),
        ),
    ),
    ("Sign-off", (started("Promoter Signature"),)),
)

TO_PROD: tuple[Section, ...] = (
    (
        "Pre-Promotion Checks",
        (
            gate("SIT stable for 24 hours", "stability_age"),
            gate("SIT error count < 5 in last 24h", "source_errors"),
            gate("SIT throttle count = 0 in last 24h", "source_throttles"),
            checks_passed("All integration tests pass in SIT", "check_source"),
            outside("Security scan re-run passed", _PIPELINE),
            window_confirmed("Maintenance window confirmed"),
            way_back_known("Rollback plan documented"),
            gate(
                "Change request approved",
                "change_ticket",
                note="Whether the ticket itself is approved is not known to the fleet.",
            ),
        ),
    ),
    (
        "Approvals",
        (
            approved_by("Tech Lead approval", "TECH_LEAD"),
            approved_by("Operations Lead approval", "OPERATIONS_LEAD"),
            approved_by("CTO approval (emergency)", "CTO"),
        ),
    ),
    (
        "Promotion Execution",
        (
            started("GitHub workflow triggered: `promote-to-prod.yml`"),
            window_confirmed("Maintenance window checkbox confirmed"),
            approved_by("GitHub environment approval received"),
            gates_passed("Pre-flight checks passed"),
            gates_passed("Quality gates passed"),
            backed_up("Backup alias created"),
            outcome_is("Deployment completed successfully", OperationStatus.COMPLETED),
            monitor_passed("5-minute error monitoring passed"),
        ),
    ),
    (
        "Post-Promotion Verification",
        (
            checks_passed("PROD Lambda health check returns 200", "check_after"),
            checks_passed("PROD smoke tests pass (read-only)", "check_after"),
            monitor_passed("No errors in CloudWatch (5-min window)"),
            distribution("CloudFront distribution healthy"),
            checks_passed("API Gateway returns expected responses", "check_after"),
            deployment_recorded("DynamoDB deployment record created"),
            outside(
                "CloudWatch alarms not triggered",
                "of alarms; the fleet reads the metrics behind them itself (see the monitor)",
            ),
        ),
    ),
    (
        "Post-Promotion Monitoring (24h)",
        (
            looked_at_later("1-hour check: No errors", "1"),
            looked_at_later("4-hour check: No errors", "4"),
            looked_at_later("12-hour check: No errors", "12"),
            looked_at_later("24-hour check: No errors", "24"),
            outside("Customer feedback: No issues reported", "of people"),
        ),
    ),
    (
        "Sign-off",
        (
            started("Promoter Signature"),
            approved_by("Tech Lead Signature", "TECH_LEAD"),
            approved_by("Operations Lead Signature", "OPERATIONS_LEAD"),
        ),
    ),
)

ROLLBACK: tuple[Section, ...] = (
    (
        "Pre-Rollback",
        (
            rolled_back("Incident documented", "incident"),
            rolled_back("Current state backed up (incident alias created)", "kept"),
            rolled_back("Rollback target version identified", "target"),
            taken_back_by("Rollback approved by"),
        ),
    ),
    (
        "Rollback Execution",
        (
            rolled_back("Rollback command executed", "pointer"),
            rolled_back("Lambda alias updated", "pointer"),
            rolled_back("Health check verified", "checked"),
        ),
    ),
    (
        "Post-Rollback Verification",
        (
            rolled_back("Health endpoint returns 200", "checked"),
            outside(
                "No new errors in CloudWatch",
                "of metrics after a rollback; see the site's alarms",
            ),
            rolled_back("API responses correct", "checked"),
            deployment_recorded("DynamoDB rollback record created"),
        ),
    ),
    (
        "Post-Mortem",
        (
            outside("Root cause identified", "of people"),
            outside("Fix developed and tested in DEV", "of people"),
            outside("Post-mortem document created", "of people"),
            outside("Prevention measures documented", "of people"),
        ),
    ),
    ("Sign-off", (started("Rollback Executor"), taken_back_by("Approver"))),
)


def checklists_of(sources: EvidenceSources) -> list[Json]:
    """Return the lists that apply; a promotion that was taken back has the rollback's, too."""
    listed: list[Json] = []
    if sources.operation.operation_type is OperationType.SITE_PROMOTION:
        is_prod = sources.operation.environment is Environment.PROD
        title = "SIT to PROD Promotion Checklist" if is_prod else "DEV to SIT Promotion Checklist"
        listed.append(_filled(title, TO_PROD if is_prod else TO_SIT, sources))
    if sources.is_rollback or sources.was_taken_back:
        listed.append(_filled("Rollback Checklist", ROLLBACK, sources))
    return listed


def _filled(title: str, sections: tuple[Section, ...], sources: EvidenceSources) -> Json:
    filled: list[Json] = [
        {"title": name, "lines": [line(sources) for line in lines]} for name, lines in sections
    ]
    return {"title": title, "sections": filled}
