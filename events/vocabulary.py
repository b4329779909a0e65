"""The closed word lists of the wire, and nothing that decides anything."""

from enum import StrEnum
from typing import Final

from events.error_codes import ErrorCode

__all__ = [
    "ALIASES",
    "TERMINAL_STATUSES",
    "DetailType",
    "ErrorCode",
    "MessageType",
    "NotificationOutcome",
    "NotificationType",
    "OperationStatus",
    "OperationType",
    "Phase",
    "Severity",
    "SiteStatus",
    "StepStatus",
]


class MessageType(StrEnum):
    """What an upstream service may ask for."""

    SITE_CREATION_REQUEST = "SITE_CREATION_REQUEST"
    SITE_UPDATE_REQUEST = "SITE_UPDATE_REQUEST"
    SITE_DELETION_REQUEST = "SITE_DELETION_REQUEST"
    SITE_RESTORE_REQUEST = "SITE_RESTORE_REQUEST"
    SITE_PROMOTION_REQUEST = "SITE_PROMOTION_REQUEST"
    PROMOTION_ROLLBACK_REQUEST = "PROMOTION_ROLLBACK_REQUEST"
    SITE_CHECK_REQUEST = "SITE_CHECK_REQUEST"
    OPERATION_APPROVAL = "OPERATION_APPROVAL"
    OPERATION_REJECTION = "OPERATION_REJECTION"
    OPERATION_CANCEL_REQUEST = "OPERATION_CANCEL_REQUEST"
    OPERATION_RETRY_REQUEST = "OPERATION_RETRY_REQUEST"


ALIASES: Final = {
    "PROMOTION_APPROVAL": MessageType.OPERATION_APPROVAL,
    "PROMOTION_REJECTION": MessageType.OPERATION_REJECTION,
}
"""Older names that senders still use, and what they decode to."""


class OperationType(StrEnum):
    """The kind of work an operation does."""

    SITE_CREATION = "SITE_CREATION"
    SITE_UPDATE = "SITE_UPDATE"
    SITE_DELETION = "SITE_DELETION"
    SITE_RESTORE = "SITE_RESTORE"
    SITE_PROMOTION = "SITE_PROMOTION"
    SITE_ROLLBACK = "SITE_ROLLBACK"
    SITE_CHECK = "SITE_CHECK"  # looks at a live site and changes nothing


class OperationStatus(StrEnum):
    """Where an operation stands. `stalledSince` is kept beside it, not in it."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    ROLLING_BACK = "ROLLING_BACK"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"  # undone before anything was live
    ROLLED_BACK = "ROLLED_BACK"  # undone after the cut-over
    ROLLBACK_FAILED = "ROLLBACK_FAILED"  # a person has to act; retry applies
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"

    @property
    def is_terminal(self) -> bool:
        """True when the operation never moves again."""
        return self in TERMINAL_STATUSES


TERMINAL_STATUSES: Final = frozenset(
    {
        OperationStatus.COMPLETED,
        OperationStatus.FAILED,
        OperationStatus.ROLLED_BACK,
        OperationStatus.CANCELLED,
        OperationStatus.REJECTED,
    }
)


class StepStatus(StrEnum):
    """Where one step of an operation stands."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    UNDONE = "UNDONE"
    SKIPPED = "SKIPPED"


class SiteStatus(StrEnum):
    """Where a site stands.

    PROVISIONING -> ACTIVE or FAILED; ACTIVE <-> SUSPENDED;
    ACTIVE -> DEPROVISIONING -> DELETED (soft, with a backup).
    """

    PROVISIONING = "PROVISIONING"
    ACTIVE = "ACTIVE"
    FAILED = "FAILED"
    SUSPENDED = "SUSPENDED"
    DEPROVISIONING = "DEPROVISIONING"
    DELETED = "DELETED"


class Phase(StrEnum):
    """Whether a step does its work or takes it back."""

    FORWARD = "forward"
    UNDO = "undo"


class DetailType(StrEnum):
    """The kinds of fact the fleet publishes; stable for years, a new step adds none."""

    OPERATION_ACCEPTED = "SiteOperationAccepted"
    OPERATION_REJECTED = "SiteOperationRejected"
    OPERATION_STATUS = "SiteOperationStatus"
    STEP_COMPLETED = "SiteStepCompleted"
    STEP_FAILED = "SiteStepFailed"
    OPERATION_AWAITING_APPROVAL = "SiteOperationAwaitingApproval"
    OPERATION_STALLED = "SiteOperationStalled"
    OPERATION_COMPLETED = "SiteOperationCompleted"
    OPERATION_FAILED = "SiteOperationFailed"
    OPERATION_ROLLED_BACK = "SiteOperationRolledBack"
    OPERATION_ROLLBACK_FAILED = "SiteOperationRollbackFailed"
    OPERATION_CANCELLED = "SiteOperationCancelled"


class NotificationType(StrEnum):
    """The `eventType` of an announcement."""

    SITE_CREATION_COMPLETE = "SITE_CREATION_COMPLETE"
    SITE_CREATION_FAILED = "SITE_CREATION_FAILED"
    SITE_UPDATE_COMPLETE = "SITE_UPDATE_COMPLETE"
    SITE_UPDATE_FAILED = "SITE_UPDATE_FAILED"
    SITE_DELETION_COMPLETE = "SITE_DELETION_COMPLETE"
    SITE_DELETION_FAILED = "SITE_DELETION_FAILED"
    SITE_RESTORE_COMPLETE = "SITE_RESTORE_COMPLETE"
    SITE_RESTORE_FAILED = "SITE_RESTORE_FAILED"
    SITE_PROMOTION_STARTED = "SITE_PROMOTION_STARTED"
    SITE_PROMOTION_AWAITING_APPROVAL = "SITE_PROMOTION_AWAITING_APPROVAL"
    SITE_PROMOTION_COMPLETE = "SITE_PROMOTION_COMPLETE"
    SITE_PROMOTION_FAILED = "SITE_PROMOTION_FAILED"
    SITE_PROMOTION_ROLLED_BACK = "SITE_PROMOTION_ROLLED_BACK"
    SITE_PROMOTION_ROLLBACK_FAILED = "SITE_PROMOTION_ROLLBACK_FAILED"
    SITE_PROMOTION_CANCELLED = "SITE_PROMOTION_CANCELLED"
    SITE_CHECK_FAILED = "SITE_CHECK_FAILED"
    OPERATION_AWAITING_APPROVAL = "OPERATION_AWAITING_APPROVAL"  # a deletion or update that waits
    OPERATION_REJECTED = "OPERATION_REJECTED"
    OPERATION_STALLED = "OPERATION_STALLED"
    DLQ_REPLAY_FINISHED = "DLQ_REPLAY_FINISHED"


class Severity(StrEnum):
    """How loud an announcement is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class NotificationOutcome(StrEnum):
    """What an announcement says, in one word that subscribers filter on."""

    STARTED = "started"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    STALLED = "stalled"
