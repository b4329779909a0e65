"""What the matcher says of a filter policy is what a topic does: same policies, facts and queues.

The emulator's topic is the judge: moto takes no `equals-ignore-case` of another case.
"""

from __future__ import annotations

import json

import pytest

from core.adapters.aws.topic import SnsTopic
from events.filter_policies import read_policy, why_not
from events.formats import Environment
from events.sample_facts import sample_facts
from tests.docs.pages import PAGES, Page

POLICIES = [
    {"outcome": ["failed", "rolled_back"]},
    {"outcome": [{"anything-but": ["succeeded", "started"]}]},
    {"eventType": [{"anything-but": {"prefix": "SITE_PROMOTION"}}]},
    {"eventType": [{"prefix": "SITE_CREATION"}], "severity": ["warning", "critical"]},
    {"eventType": [{"suffix": "_FAILED"}]},
    {"tenantId": [{"equals-ignore-case": "TENANT-1"}]},
    {"tenantId": ["TENANT-1"]},
    {"tenantId": [{"exists": True}]},
    {"customer": [{"exists": False}]},
    {"customer": [{"anything-but": "x"}]},
    {"tenantId": [{"anything-but": "unknown"}]},
    {"severity": [1]},
    {"severity": [{"numeric": [">", 0]}]},
    {"$or": [{"severity": ["critical"]}, {"outcome": ["waiting"], "environment": ["prod"]}]},
    {"environment": ["prod"], "$or": [{"outcome": ["stalled"]}, {"severity": ["info"]}]},
]
"""One for each thing that the grammar can say of attributes that are texts."""


def documented():
    """The filter policies that the documents give people to copy."""
    pages = [Page(path=path, text=path.read_text(encoding="utf-8")) for path in PAGES]
    return [
        json.loads(block.text)
        for page in pages
        for block in page.blocks
        if block.info == "json policy"
    ]


def test_there_are_policies_in_the_documents():
    assert len(documented()) >= 5


def test_a_topic_delivers_exactly_what_the_matcher_says(emulator):
    policies = [*POLICIES, *documented()]
    clients, facts = emulator.clients, sample_facts(Environment.PROD)
    arn = clients.sns.create_topic(Name="bbws-wp-notifications-prod")["TopicArn"]
    urls = [
        _subscribe(emulator, arn, f"q{number}", policy) for number, policy in enumerate(policies)
    ]
    topic = SnsTopic(clients=clients, topic_arn=arn)
    for fact in facts:
        topic.announce(fact)
    for policy, url in zip(policies, urls, strict=True):
        wanted = read_policy(json.dumps(policy))
        received = [fact for fact in facts if not why_not(wanted, fact.attributes())]
        told = sorted(tuple(fact.attributes().values()) for fact in received)
        assert _delivered(clients.sqs, url) == told, policy


def _subscribe(aws, topic_arn, name, policy):
    url = aws.clients.sqs.create_queue(QueueName=name)["QueueUrl"]
    aws.clients.sns.subscribe(
        TopicArn=topic_arn,
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:af-south-1:{aws.account_id}:{name}",
        Attributes={"FilterPolicy": json.dumps(policy)},
    )
    return url


def _delivered(sqs, url):
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            attributes = json.loads(message["Body"])["MessageAttributes"]
            names = ("eventType", "environment", "tenantId", "severity", "outcome")
            found.append(tuple(attributes[name]["Value"] for name in names))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return sorted(found)


@pytest.mark.parametrize("policy", [{f"a{n}": ["x"] for n in range(6)}])
def test_moto_refuses_what_the_matcher_refuses(moto, policy):
    arn = moto.clients.sns.create_topic(Name="topic")["TopicArn"]
    with pytest.raises(moto.clients.sns.exceptions.InvalidParameterException):
        _subscribe(moto, arn, "q", policy)
