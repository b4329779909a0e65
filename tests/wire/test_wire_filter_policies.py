"""SNS filter policies: what is taken, what is refused and why, and which facts are received."""

from __future__ import annotations

import json

import pytest

from events.filter_policies import FilterPolicyError, read_policy, why_not
from events.formats import Environment
from events.notifications import ANNOUNCED, notification_for
from events.sample_facts import sample_facts
from events.sample_messages import sample_event
from events.vocabulary import NotificationOutcome, NotificationType, Severity

FACT = {
    "eventType": "SITE_CREATION_FAILED",
    "environment": "prod",
    "tenantId": "tenant-1",
    "severity": "warning",
    "outcome": "failed",
}

NO_BRANCH = (
    "no branch of $or agrees: "
    'outcome is failed; wanted: "started"; nor severity is warning; wanted: "info"'
)


def receives(policy, attributes=FACT):
    return not why_not(read_policy(json.dumps(policy)), attributes)


@pytest.mark.parametrize(
    "policy",
    [
        {"outcome": ["failed"]},
        {"outcome": ["succeeded", "failed"], "environment": ["prod"]},
        {"outcome": [{"anything-but": "succeeded"}]},
        {"outcome": [{"anything-but": ["succeeded", "started"]}]},
        {"eventType": [{"anything-but": {"prefix": "SITE_PROMOTION"}}]},
        {"eventType": [{"prefix": "SITE_CREATION"}]},
        {"eventType": [{"suffix": "_FAILED"}]},
        {"eventType": [{"wildcard": "SITE_*_FAILED"}]},
        {"tenantId": [{"equals-ignore-case": "TENANT-1"}]},
        {"tenantId": [{"exists": True}]},
        {"customer": [{"exists": False}]},
        {"$or": [{"outcome": ["succeeded"]}, {"severity": ["warning"], "environment": ["prod"]}]},
        {"tenantId": ["tenant-1"], "$or": [{"outcome": ["failed"]}, {"severity": ["info"]}]},
    ],
)
def test_received(policy):
    assert receives(policy)


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ({"outcome": ["succeeded"]}, 'outcome is failed; wanted: "succeeded"'),
        ({"outcome": ["FAILED"]}, 'outcome is failed; wanted: "FAILED"'),
        (
            {"outcome": ["failed"], "environment": ["dev", "sit"]},
            'environment is prod; wanted: "dev" or "sit"',
        ),
        (
            {"outcome": [{"anything-but": ["failed"]}]},
            'outcome is failed; wanted: {"anything-but": ["failed"]}',
        ),
        (
            {"eventType": [{"anything-but": {"prefix": "SITE_C"}}]},
            'eventType is SITE_CREATION_FAILED; wanted: {"anything-but": {"prefix": "SITE_C"}}',
        ),
        (
            {"tenantId": [{"exists": False}]},
            'tenantId is tenant-1; wanted: {"exists": false}',
        ),
        (
            {"customer": [{"anything-but": "x"}]},
            'it has no customer; wanted: {"anything-but": "x"}',
        ),
        ({"customer": ["x"]}, 'it has no customer; wanted: "x"'),
        ({"tenantId": [1]}, "tenantId is tenant-1; wanted: 1"),
        (
            {"tenantId": [{"numeric": [">", 0]}]},
            'tenantId is tenant-1; wanted: {"numeric": [">", 0]}',
        ),
        (
            {"tenantId": [{"cidr": "10.0.0.0/8"}]},
            'tenantId is tenant-1; wanted: {"cidr": "10.0.0.0/8"}',
        ),
        (
            {"$or": [{"outcome": ["started"]}, {"severity": ["info"]}]},
            NO_BRANCH,
        ),
    ],
)
def test_not_received_and_why(policy, reason):
    assert why_not(read_policy(json.dumps(policy)), FACT) == [reason]


def test_an_or_of_one_branch_is_an_attribute_as_it_is_for_sns():
    with pytest.raises(FilterPolicyError, match=r"\$or: .* is neither a value nor one operator"):
        read_policy('{"$or": [{"outcome": ["failed"], "severity": ["info"]}]}')


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "The policy is no JSON"),
        ("[]", "The policy has to be an object of attributes"),
        ("{}", "The policy has to be an object of attributes"),
        ('{"outcome": "failed"}', "outcome has to be a list that is not empty"),
        ('{"outcome": []}', "outcome has to be a list that is not empty"),
        ('{"payload": {"status": ["FAILED"]}}', "payload is an object; a policy over message attr"),
        ('{"outcome": [["failed"]]}', "is neither a value nor one operator"),
        ('{"outcome": [{"prefix": "f", "suffix": "d"}]}', "is neither a value nor one operator"),
        ('{"outcome": [{"begins-with": "f"}]}', "'begins-with' is no operator of SNS; there are: "),
        ('{"outcome": [{"prefix": 3}]}', "prefix takes a text that is not empty"),
        ('{"outcome": [{"exists": "yes"}]}', "exists takes true or false"),
        ('{"outcome": [{"anything-but": []}]}', "anything-but takes texts, or numbers"),
        ('{"outcome": [{"anything-but": ["a", 1]}]}', "anything-but takes texts, or numbers"),
        ('{"outcome": [{"anything-but": {"exists": true}}]}', "anything-but cannot hold 'exists'"),
        ('{"outcome": [{"numeric": ["=="]}]}', "numeric takes comparisons"),
        ('{"outcome": [{"numeric": [">", "1"]}]}', "numeric takes comparisons"),
        ('{"outcome": [{"numeric": [">", 10000000000]}]}', "numbers reach from -10^9 to 10^9"),
        ('{"outcome": [10000000000]}', "numbers reach from -10^9 to 10^9"),
        ('{"tenantId": [{"cidr": "tenant"}]}', "is no range of IP addresses"),
        (
            json.dumps({name: ["x"] for name in "abcdef"}),
            "It names 6 attributes (a, b, c, d, e, f); SNS takes 5.",
        ),
        (
            json.dumps({"a": [str(n) for n in range(16)], "b": [str(n) for n in range(10)]}),
            "Its values make 160 combinations",
        ),
        ('{"a": ["' + "x" * 300_000 + '"]}', "longer than 256 KB"),
    ],
)
def test_what_sns_would_not_take_is_told_as_a_sentence(text, sentence):
    with pytest.raises(FilterPolicyError) as caught:
        read_policy(text)
    assert any(sentence in problem for problem in caught.value.problems)


def test_all_problems_are_told_at_once():
    with pytest.raises(FilterPolicyError) as caught:
        read_policy('{"outcome": "failed", "severity": [{"like": "w"}]}')
    assert len(caught.value.problems) == 2


def test_150_combinations_and_five_names_are_taken():
    read_policy(json.dumps({"a": [str(n) for n in range(15)], "b": [str(n) for n in range(10)]}))
    read_policy(json.dumps({name: ["x"] for name in "abcde"}))
    both = [{"a": [str(n) for n in range(80)]}, {"a": [str(n) for n in range(71)]}]
    with pytest.raises(FilterPolicyError, match="151 combinations"):
        read_policy(json.dumps({"$or": both}))


# --- the facts ------------------------------------------------------------------------------


def test_the_sample_facts_are_everything_that_is_ever_announced():
    facts = sample_facts(Environment.PROD)
    found = {tuple(fact.attributes().values()) for fact in facts}
    assert len(found) == len(facts)
    assert {fact.event_type for fact in facts} == set(NotificationType)
    assert {fact.outcome for fact in facts} == set(NotificationOutcome)
    assert {fact.severity for fact in facts} == set(Severity)
    for operation_type, announced in ANNOUNCED.items():
        for detail_type in announced:
            told = notification_for(sample_event(detail_type, operation_type))
            assert tuple(told.attributes().values()) in found


def test_they_are_about_the_environment_and_the_tenant_that_are_asked_for():
    facts = sample_facts(Environment.SIT, "tenant-9")
    assert {fact.attributes()["environment"] for fact in facts} == {"sit"}
    assert {fact.attributes()["tenantId"] for fact in facts} == {"tenant-9", "unknown"}
