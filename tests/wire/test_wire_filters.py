"""Which events reach which queue: every fact has its place, and none has two by accident."""

from events.filters import (
    ADVANCING,
    MILESTONES,
    OPERATION_QUEUES,
    REQUEST_QUEUES,
    rule_patterns,
    wake_up_patterns,
)
from events.vocabulary import DetailType, MessageType, OperationType

ADVANCES = ["SiteOperationAccepted", "SiteStepCompleted", "SiteStepFailed"]


def test_the_rules_of_the_fleets_bus():
    def back_to(*types):
        return [
            {
                "source": ["bbws.sites"],
                "detail-type": ADVANCES,
                "detail": {"metadata": {"operationType": list(types)}},
            }
        ]

    assert rule_patterns() == {
        "creation": back_to("SITE_CREATION", "SITE_RESTORE"),
        "update": back_to("SITE_UPDATE"),
        "deletion": back_to("SITE_DELETION"),
        "promotion": back_to("SITE_PROMOTION", "SITE_ROLLBACK", "SITE_CHECK"),
        "notifier": [
            {
                "source": ["bbws.sites"],
                "detail-type": [
                    "SiteOperationRejected",
                    "SiteOperationAwaitingApproval",
                    "SiteOperationStalled",
                    "SiteOperationCompleted",
                    "SiteOperationFailed",
                    "SiteOperationRolledBack",
                    "SiteOperationRollbackFailed",
                    "SiteOperationCancelled",
                ],
            },
            {
                "source": ["bbws.sites"],
                "detail-type": ["SiteOperationAccepted"],
                "detail": {"metadata": {"operationType": ["SITE_PROMOTION"]}},
            },
        ],
    }


def test_every_operation_and_every_request_has_a_queue():
    queues = {"creation", "update", "deletion", "promotion"}

    assert set(OPERATION_QUEUES) == set(OperationType)
    assert set(OPERATION_QUEUES.values()) == queues
    assert set(REQUEST_QUEUES) == set(MessageType)
    assert {name for names in REQUEST_QUEUES.values() for name in names} == queues


def test_only_the_status_of_a_repeat_is_routed_nowhere():
    assert set(DetailType) - set(ADVANCING) - set(MILESTONES) == {DetailType.OPERATION_STATUS}


def test_wake_ups_select_only_what_the_fleet_caused():
    patterns = wake_up_patterns("bbws-transfer-dev")

    assert patterns["task-stopped"]["detail"] == {
        "lastStatus": ["STOPPED"],
        "startedBy": [{"prefix": "sitefleet/"}],
    }
    assert patterns["backup-ended"]["detail"] == {
        "state": ["COMPLETED", "FAILED", "ABORTED", "EXPIRED", "PARTIAL"]
    }
    assert patterns["transfer-ended"]["detail"] == {"State": ["SUCCESS", "ERROR"]}
    assert patterns["result-written"]["detail"]["bucket"] == {"name": ["bbws-transfer-dev"]}
    assert {tuple(pattern["source"]) for pattern in patterns.values()} == {
        ("aws.ecs",),
        ("aws.s3",),
        ("aws.rds",),
        ("aws.backup",),
        ("aws.datasync",),
    }
