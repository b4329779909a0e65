"""`sitefleet notifications match`: a filter policy is tried before SNS has it."""

from __future__ import annotations

import pytest

from ops.errors import ExitCode


@pytest.fixture
def match(sitefleet):
    def run(*arguments):
        return sitefleet("notifications", "match", *arguments)

    return run


def test_what_is_received_and_why_the_rest_is_not(match):
    answer = match('{"outcome": ["waiting"]}')
    assert (answer.code, answer.err) == (0, "")
    first, *lines = answer.out.splitlines()
    assert first == "It receives 2 of 34 sample facts."
    received = lines[lines.index("") + 2 : lines.index("", 1)]
    assert [line.split() for line in received] == [
        ["OPERATION_AWAITING_APPROVAL", "waiting", "info"],
        ["SITE_PROMOTION_AWAITING_APPROVAL", "waiting", "info"],
    ]
    [stalled] = [line for line in lines if line.startswith("OPERATION_STALLED")]
    assert stalled.endswith('outcome is stalled; wanted: "waiting"')


def test_the_environment_and_the_tenant_of_the_samples_can_be_chosen(match):
    policy = '{"environment": ["sit"], "tenantId": ["tenant-7"]}'
    assert "It receives 0 of" in match(policy).out
    assert "It receives 0 of" in match(policy, "--env", "sit").out
    assert "It receives 3" in match(policy, "--env", "sit", "--tenant-id", "tenant-7").out


def test_a_file_and_json(match, tmp_path):
    path = tmp_path / "policy.json"
    path.write_text('{"severity": ["critical"]}')
    document = match(f"@{path}", "--json").json
    critical = [fact for fact in document["facts"] if fact["received"]]
    assert {fact["attributes"]["severity"] for fact in critical} == {"critical"}
    assert all(fact["because"] for fact in document["facts"] if not fact["received"])
    assert document["hints"] == []


@pytest.mark.parametrize(
    ("policy", "hint"),
    [
        ('{"tenant": ["x"]}', "No notification has an attribute tenant (did you mean tenantId?)."),
        ('{"EventType": ["SITE_CHECK_FAILED"]}', "EventType (did you mean eventType?)"),
        ('{"outcome": ["success"]}', "outcome is never success (did you mean succeeded?)."),
        ('{"severity": ["CRITICAL"]}', "severity is never CRITICAL (did you mean critical?)."),
        ('{"severity": [3]}', "severity: 3 compares numbers, and every attribute is a text"),
        (
            '{"$or": [{"outcome": ["done"]}, {"severity": [{"numeric": ["=", 1]}]}]}',
            "outcome is never done",
        ),
    ],
)
def test_what_can_never_match_is_said(match, policy, hint):
    answer = match(policy)
    assert answer.code == 0
    assert hint in answer.err


def test_what_sns_would_refuse_is_bad_input_with_every_reason(match):
    answer = match('{"outcome": "failed", "severity": [{"like": "w"}]}')
    assert (answer.code, answer.out) == (ExitCode.BAD_INPUT, "")
    assert len(answer.err.splitlines()) == 2
    assert match("@no-such-file").code == ExitCode.BAD_INPUT
