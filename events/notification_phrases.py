"""The sentences of announcements: what happened, what that means, and what to do next."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from events.vocabulary import NotificationOutcome, NotificationType

_Type = NotificationType
_Outcome = NotificationOutcome

HEADLINES: Final[Mapping[NotificationType, str]] = MappingProxyType(
    {
        _Type.SITE_CREATION_COMPLETE: "Site created",
        _Type.SITE_CREATION_FAILED: "Site creation failed",
        _Type.SITE_UPDATE_COMPLETE: "Site updated",
        _Type.SITE_UPDATE_FAILED: "Site update failed",
        _Type.SITE_DELETION_COMPLETE: "Site deleted",
        _Type.SITE_DELETION_FAILED: "Site deletion failed",
        _Type.SITE_RESTORE_COMPLETE: "Site restored",
        _Type.SITE_RESTORE_FAILED: "Site restore failed",
        _Type.SITE_PROMOTION_STARTED: "Promotion started",
        _Type.SITE_PROMOTION_AWAITING_APPROVAL: "Promotion waits for approval",
        _Type.SITE_PROMOTION_COMPLETE: "Promotion complete",
        _Type.SITE_PROMOTION_FAILED: "Promotion failed",
        _Type.SITE_PROMOTION_ROLLED_BACK: "Promotion rolled back",
        _Type.SITE_PROMOTION_ROLLBACK_FAILED: "Promotion rollback failed",
        _Type.SITE_PROMOTION_CANCELLED: "Promotion cancelled",
        _Type.SITE_CHECK_FAILED: "Site check failed",
        _Type.OPERATION_AWAITING_APPROVAL: "Operation waits for approval",
        _Type.OPERATION_REJECTED: "Request rejected",
        _Type.OPERATION_STALLED: "Operation stalled",
        _Type.DLQ_REPLAY_FINISHED: "Dead-letter replay finished",
    }
)

MEANINGS: Final[Mapping[NotificationOutcome, str]] = MappingProxyType(
    {
        _Outcome.STARTED: "The work has begun; you will hear how it ends.",
        _Outcome.WAITING: "The plan is ready; nothing changes until it is approved.",
        _Outcome.SUCCEEDED: "It is done and checked.",
        _Outcome.FAILED: "Nothing of it went live; what it had made was taken back.",
        _Outcome.ROLLED_BACK: "It had gone live and was taken back.",
        _Outcome.REJECTED: "The request was not accepted; nothing was done.",
        _Outcome.CANCELLED: "It was cancelled, and what it had made was taken back.",
        _Outcome.STALLED: "It is past its deadline and makes no progress by itself.",
    }
)

MEANINGS_OF: Final[Mapping[tuple[NotificationType, NotificationOutcome], str]] = MappingProxyType(
    {
        (_Type.SITE_DELETION_COMPLETE, _Outcome.SUCCEEDED): (
            "The backup was restored and compared, then the site was removed."
        ),
        (_Type.SITE_PROMOTION_ROLLED_BACK, _Outcome.ROLLED_BACK): (
            "It had gone live and was taken back: visitors have the release of before."
        ),
        (_Type.SITE_UPDATE_FAILED, _Outcome.FAILED): (
            "What it had changed was taken back; the site serves as before."
        ),
        (_Type.SITE_PROMOTION_ROLLBACK_FAILED, _Outcome.FAILED): (
            "It was not taken back; the release that was live stays live."
        ),
        (_Type.SITE_PROMOTION_ROLLBACK_FAILED, _Outcome.CANCELLED): (
            "The way back was cancelled; the release that was live stays live."
        ),
        (_Type.SITE_DELETION_FAILED, _Outcome.FAILED): (
            "Nothing was deleted. The site serves as before."
        ),
    }
)
"""Where the outcome alone would say it wrong."""

NEXT_STEPS: Final[Mapping[NotificationOutcome, str]] = MappingProxyType(
    {
        _Outcome.STARTED: "Nothing to do; look at its progress if you like.",
        _Outcome.WAITING: "Read the plan, then approve or reject it before it expires.",
        _Outcome.SUCCEEDED: "Nothing to do.",
        _Outcome.FAILED: "Look at the evidence of the step that failed.",
        _Outcome.ROLLED_BACK: "Look at the evidence before asking for it again.",
        _Outcome.REJECTED: "Correct the request and send it again.",
        _Outcome.CANCELLED: "Nothing to do.",
        _Outcome.STALLED: "Look at the last evidence, then retry or cancel it.",
    }
)


ADVICE: Final[Mapping[NotificationType, str]] = MappingProxyType(
    {
        _Type.SITE_CHECK_FAILED: (
            "Read which checks failed and visit the site. If visitors are hurt, take it back."
        ),
        _Type.OPERATION_STALLED: (
            "Read what it waits for. When the cause is gone, retry it; to give up, cancel it."
        ),
    }
)
"""Where neither the outcome nor the error's code says what to do about this kind."""
