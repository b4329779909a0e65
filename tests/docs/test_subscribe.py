"""The subscriber's page: each policy receives what the page says, and its subscriber works."""

from __future__ import annotations

import json
import re

import boto3
import pytest
from moto import mock_aws
from pages import ROOT, Page

from events.filter_policies import read_policy, why_not
from events.formats import Environment
from events.sample_facts import sample_facts
from events.sample_messages import sample_notification
from events.vocabulary import NotificationType
from ops.subscriptions import hints_of

PATH = ROOT / "docs/howto/subscribe.md"
TEXT = PATH.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```json policy\n(.+?)```\n(?:\n(Receives .+?)\n\n)?", TEXT, re.DOTALL)
REGION = "af-south-1"


def received(policy):
    wanted = read_policy(policy)
    facts = sample_facts(Environment.PROD)
    return {fact.event_type.value for fact in facts if not why_not(wanted, fact.attributes())}


@pytest.mark.parametrize(("policy", "told"), EXAMPLES)
def test_a_policy_receives_what_the_page_says(policy, told):
    assert received(policy)
    assert hints_of(read_policy(policy)) == []
    if told:
        assert set(re.findall(r"`(\w+)`", told)) == received(policy)


def test_the_page_tells_of_what_most_policies_receive():
    assert len(EXAMPLES) >= 6
    assert sum(bool(told) for _, told in EXAMPLES) >= 4


def test_policies_in_commands_are_taken_too():
    policies = [
        json.loads(text)["FilterPolicy"] for text in re.findall(r"--attributes '(.+?)'", TEXT)
    ]
    assert len(policies) == 3
    assert all(received(policy) for policy in policies)


@pytest.fixture
def subscriber(monkeypatch):
    """The page's own subscriber, with its queue, its table and a topic."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    [block] = [b for b in Page(path=PATH, text=TEXT).blocks if b.info == "python subscriber"]
    with mock_aws():
        boto3.client("dynamodb", region_name=REGION).create_table(
            TableName="my-seen-facts",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "eventId", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "eventId", "AttributeType": "S"}],
        )
        names = {}
        exec(compile(block.text, PATH.name, "exec"), names)
        yield names


def test_the_subscriber_handles_each_fact_once_however_often_it_arrives(subscriber):
    sqs = boto3.client("sqs", region_name=REGION)
    url = sqs.create_queue(QueueName="my-queue")["QueueUrl"]
    sns = boto3.client("sns", region_name=REGION)
    topic = sns.create_topic(Name="topic")["TopicArn"]
    arn = "arn:aws:sqs:af-south-1:123456789012:my-queue"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    kinds = (NotificationType.SITE_CREATION_COMPLETE, NotificationType.OPERATION_STALLED)
    facts = [sample_notification(kind) for kind in (*kinds, kinds[0])]
    for fact in facts:
        sns.publish(TopicArn=topic, Message=fact.default_json())
    handled = []
    subscriber["work_off"](url, handled.append)
    assert [fact["eventId"] for fact in handled] == [fact.event_id for fact in facts[:2]]
    assert sqs.receive_message(QueueUrl=url).get("Messages", []) == []
