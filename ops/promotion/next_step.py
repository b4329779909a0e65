"""The next safe command of a promotion, for whoever looks at it in the middle of the night."""

from __future__ import annotations

from core.domain.operation import Operation
from events.vocabulary import OperationStatus, OperationType
from ops.picture import next_command
from ops.promotion.records import PROMOTION_TYPES, PromotionRecords
from ops.timeline import stands_still

EVIDENCE_STATUSES = frozenset({OperationStatus.FAILED, OperationStatus.ROLLED_BACK})


def next_safe_command(records: PromotionRecords) -> str:
    """Return one command that does no harm and leads on."""
    operation = records.operation
    operation_id, env = operation.operation_id, f"--env {operation.environment}"
    if operation.status is OperationStatus.AWAITING_APPROVAL and not stands_still(operation):
        return f"sitefleet promotions plan {operation_id} {env}"
    if operation.status in EVIDENCE_STATUSES:
        return f"sitefleet promotions evidence {operation_id} {env}"
    if records.payload.get("dryRun") and operation.is_terminal:
        return f"sitefleet promotions plan {operation_id} {env}"
    if operation.status is OperationStatus.COMPLETED and is_promotion(records):
        return f"sitefleet promotions report {operation_id} {env}"
    if not operation.is_terminal and not stands_still(operation):
        return f"sitefleet promotions show {operation_id} {env} --watch"
    return next_command(operation)


def decide_commands(records: PromotionRecords) -> tuple[str, ...]:
    """Return how to approve and reject a plan that waits for it; nothing when none does."""
    operation = records.operation
    role = next(iter(records.missing_roles), None)
    if operation.status is not OperationStatus.AWAITING_APPROVAL or role is None:
        return ()
    group = group_of(operation)
    where = f"{operation.operation_id} --env {operation.environment} --role {role}"
    return (
        f"sitefleet {group} approve {where}",
        f'sitefleet {group} reject {where} --comment "..."',
    )


def group_of(operation: Operation) -> str:
    """Return the command group that shows an operation best."""
    return "promotions" if operation.operation_type in PROMOTION_TYPES else "operations"


def is_promotion(records: PromotionRecords) -> bool:
    """Tell a promotion from a rollback."""
    return records.operation.operation_type is OperationType.SITE_PROMOTION
