"""Queues: encryption, dead letters, times, and who may send."""

from __future__ import annotations

from core.settings import Settings
from events.formats import Environment
from tests.template.stack import Stack, overrides, statements

DEAD_LETTER_QUEUES = {
    "bbws-wp-site-operations-dlq-sit",
    "bbws-wp-site-undeliverable-sit",
    "bbws-wp-site-parked-sit",
}
WORKFLOW_QUEUES = {
    f"bbws-wp-site-{name}-sit" for name in ("creation", "update", "deletion", "promotion")
}
FOURTEEN_DAYS = "1209600"


def test_every_queue_is_encrypted(sit):
    assert all(queue["SqsManagedSseEnabled"] for queue in sit.of_type("AWS::SQS::Queue").values())


def test_every_queue_has_a_dead_letter_queue_or_is_one(sit):
    for name, queue in sit.by_name("AWS::SQS::Queue").items():
        if name in DEAD_LETTER_QUEUES:
            assert "RedrivePolicy" not in queue
            assert queue["MessageRetentionPeriod"] == FOURTEEN_DAYS
            continue
        dead_letters = "operations-dlq" if name in WORKFLOW_QUEUES else "undeliverable"
        assert queue["RedrivePolicy"] == {
            "deadLetterTargetArn": sit.arn(f"sqs:bbws-wp-site-{dead_letters}-sit"),
            "maxReceiveCount": "5",
        }, name


def test_dead_letters_outlive_the_queue_they_come_from(sit):
    for name, queue in sit.by_name("AWS::SQS::Queue").items():
        if name not in DEAD_LETTER_QUEUES:
            assert int(queue["MessageRetentionPeriod"]) < int(FOURTEEN_DAYS)


def test_a_message_stays_hidden_six_times_as_long_as_a_function_may_run(stack):
    functions = stack.by_name("AWS::Lambda::Function")
    env = stack.parameters["Environment"]
    replayer = f"{env}-bbws-async-processor-dlq-replayer"
    assert {name: f["Timeout"] for name, f in functions.items() if f["Timeout"] != "60"} == {
        replayer: "900"
    }
    for name, queue in stack.by_name("AWS::SQS::Queue").items():
        if "RedrivePolicy" in queue:
            longest = 900 if name == f"bbws-wp-site-replayer-{env}" else 60
            assert int(queue["VisibilityTimeout"]) >= 6 * longest, name


def test_a_lease_outlives_the_function_and_ends_before_the_message_returns(stack):
    values = {name: int(stack.parameters[name]) for name in TIMES}
    assert values["LeaseSeconds"] > values["FunctionTimeoutSeconds"]
    assert values["LeaseSeconds"] < values["VisibilitySeconds"]


TIMES = ("LeaseSeconds", "FunctionTimeoutSeconds", "VisibilitySeconds")


def test_the_template_s_times_are_the_settings_defaults(expanded):
    fields = Settings.model_fields
    for parameter, field in {
        "FunctionTimeoutSeconds": "function_timeout_seconds",
        "LeaseSeconds": "lease_seconds",
        "VisibilitySeconds": "visibility_seconds",
        "MaxReceiveCount": "max_receive_count",
    }.items():
        assert expanded["Parameters"][parameter]["Default"] == fields[field].default


def test_every_queue_has_a_policy_that_refuses_plain_http(sit):
    guarded = set()
    for policy in sit.of_type("AWS::SQS::QueuePolicy").values():
        [url] = policy["Queues"]
        [deny] = [s for s in statements(policy["PolicyDocument"]) if s["Effect"] == "Deny"]
        name = url.rsplit("/", 1)[-1]
        assert deny == {
            "Sid": "OnlyTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": sit.arn(f"sqs:{name}"),
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        guarded.add(name)
    assert guarded == set(sit.by_name("AWS::SQS::Queue"))


def test_senders_may_send_to_the_workflow_queues_and_to_no_other(busy):
    open_to = set()
    for policy in busy.of_type("AWS::SQS::QueuePolicy").values():
        for statement in statements(policy["PolicyDocument"]):
            if statement["Effect"] == "Allow" and "AWS" in statement["Principal"]:
                assert statement["Principal"]["AWS"] == [
                    "arn:aws:iam::111122223333:role/sites-service"
                ]
                assert statement["Action"] == ["sqs:SendMessage", "sqs:GetQueueUrl"]
                open_to.add(policy["Queues"][0].rsplit("/", 1)[-1])
    assert open_to == WORKFLOW_QUEUES


def test_nobody_outside_is_let_in_by_default(sit):
    for policy in sit.of_type("AWS::SQS::QueuePolicy").values():
        for statement in statements(policy["PolicyDocument"]):
            if statement["Effect"] == "Allow":
                assert set(statement["Principal"]) == {"Service"}
                assert statement["Condition"]["ArnEquals"]["aws:SourceArn"]


def test_an_existing_queue_is_adopted_not_made(expanded):
    adopted = Stack(expanded, {**overrides("sit"), "ExistingCreationQueue": "theirs"})
    assert "CreationQueue" not in adopted.resources
    assert "CreationQueuePolicy" not in adopted.resources
    mapping = adopted.of_type("AWS::Lambda::EventSourceMapping")["CreationMapping"]
    assert mapping["EventSourceArn"] == adopted.arn("sqs:theirs")
    function = adopted.of_type("AWS::Lambda::Function")["CreationFunction"]
    settings = Settings.from_environ(function["Environment"]["Variables"])
    assert settings.queue_url_creation.endswith("/815856636111/theirs")
    assert settings.environment is Environment.SIT
