"""Which events go to which queue, as data; the template's rules are compared with this.

Accepted, StepCompleted and StepFailed go back to the operation's own queue, by its type; the
milestones go to the notifier. A new step adds no detail-type and no rule.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from events.aws_events import (
    BACKUP_ENDED,
    BACKUP_JOB,
    DEPLOYMENT_ENDED,
    DEPLOYMENTS,
    OBJECT_CREATED,
    SNAPSHOTS,
    TASK_STOPPED,
    TRANSFER,
    TRANSFER_ENDED,
)
from events.progress import SOURCE
from events.vocabulary import DetailType, MessageType, OperationType

OPERATION_QUEUES: Final[Mapping[OperationType, str]] = MappingProxyType(
    {
        OperationType.SITE_CREATION: "creation",
        OperationType.SITE_RESTORE: "creation",
        OperationType.SITE_UPDATE: "update",
        OperationType.SITE_DELETION: "deletion",
        OperationType.SITE_PROMOTION: "promotion",
        OperationType.SITE_ROLLBACK: "promotion",
        OperationType.SITE_CHECK: "promotion",
    }
)
"""The workflow queue of each kind of operation."""

REQUEST_QUEUES: Final[Mapping[MessageType, tuple[str, ...]]] = MappingProxyType(
    {
        MessageType.SITE_CREATION_REQUEST: ("creation",),
        MessageType.SITE_RESTORE_REQUEST: ("creation",),
        MessageType.SITE_UPDATE_REQUEST: ("update",),
        MessageType.SITE_DELETION_REQUEST: ("deletion",),
        MessageType.SITE_PROMOTION_REQUEST: ("promotion",),
        MessageType.PROMOTION_ROLLBACK_REQUEST: ("promotion",),
        MessageType.SITE_CHECK_REQUEST: ("promotion",),
        MessageType.OPERATION_APPROVAL: ("creation", "update", "deletion", "promotion"),
        MessageType.OPERATION_REJECTION: ("creation", "update", "deletion", "promotion"),
        MessageType.OPERATION_CANCEL_REQUEST: ("creation", "update", "deletion", "promotion"),
        MessageType.OPERATION_RETRY_REQUEST: ("creation", "update", "deletion", "promotion"),
    }
)
"""Where a sender puts each request; of four, the operation's own."""

ADVANCING: Final = (
    DetailType.OPERATION_ACCEPTED,
    DetailType.STEP_COMPLETED,
    DetailType.STEP_FAILED,
)
"""The facts after which an operation has something to do."""

MILESTONES: Final = (
    DetailType.OPERATION_ACCEPTED,
    DetailType.OPERATION_REJECTED,
    DetailType.OPERATION_AWAITING_APPROVAL,
    DetailType.OPERATION_STALLED,
    DetailType.OPERATION_COMPLETED,
    DetailType.OPERATION_FAILED,
    DetailType.OPERATION_ROLLED_BACK,
    DetailType.OPERATION_ROLLBACK_FAILED,
    DetailType.OPERATION_CANCELLED,
)
"""The facts that people may want to hear of; an acceptance only of a promotion."""

NOTIFIER: Final = "notifier"


def rule_patterns() -> dict[str, list[dict[str, Any]]]:
    """Per queue, the patterns of the rules on the fleet's own bus that feed it."""
    patterns: dict[str, list[dict[str, Any]]] = {
        queue: [_pattern(ADVANCING, _types_of(queue))]
        for queue in dict.fromkeys(OPERATION_QUEUES.values())
    }
    ends = tuple(kind for kind in MILESTONES if kind is not DetailType.OPERATION_ACCEPTED)
    patterns[NOTIFIER] = [
        _pattern(ends, ()),
        _pattern((DetailType.OPERATION_ACCEPTED,), (OperationType.SITE_PROMOTION,)),
    ]
    return patterns


def wake_up_patterns(transfer_bucket: str) -> dict[str, dict[str, Any]]:
    """The patterns of the rules on the default bus that wake waiting steps, by name.

    startedBy and the object key name the operation but not its type, so all of them go
    to one wake-up queue; whoever does not know the operation acknowledges.
    """
    return {
        "task-stopped": {
            "source": ["aws.ecs"],
            "detail-type": [TASK_STOPPED],
            "detail": {"lastStatus": ["STOPPED"], "startedBy": [{"prefix": "sitefleet/"}]},
        },
        "deployment-ended": {
            "source": ["aws.ecs"],
            "detail-type": [*DEPLOYMENTS],
            "detail": {"eventName": [*DEPLOYMENT_ENDED]},
        },
        "result-written": {
            "source": ["aws.s3"],
            "detail-type": [OBJECT_CREATED],
            "detail": {
                "bucket": {"name": [transfer_bucket]},
                "object": {"key": [{"wildcard": "jobs/*/result.json"}]},
            },
        },
        "snapshot-changed": {"source": ["aws.rds"], "detail-type": [*SNAPSHOTS]},
        "backup-ended": {
            "source": ["aws.backup"],
            "detail-type": [BACKUP_JOB],
            "detail": {"state": [*BACKUP_ENDED]},
        },
        "transfer-ended": {
            "source": ["aws.datasync"],
            "detail-type": [TRANSFER],
            "detail": {"State": [*TRANSFER_ENDED]},
        },
    }


# --- private -------------------------------------------------------------------------------


def _types_of(queue: str) -> tuple[OperationType, ...]:
    return tuple(kind for kind, name in OPERATION_QUEUES.items() if name == queue)


def _pattern(
    kinds: tuple[DetailType, ...], operation_types: tuple[OperationType, ...]
) -> dict[str, Any]:
    pattern: dict[str, Any] = {
        "source": [SOURCE],
        "detail-type": [kind.value for kind in kinds],
    }
    if operation_types:
        names = [kind.value for kind in operation_types]
        pattern["detail"] = {"metadata": {"operationType": names}}
    return pattern
