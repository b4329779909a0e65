"""The log of decisions tells a permission that is needed from one that is granted twice."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from local.decision_log import note_decisions

ROLE = "dev-bbws-async-processor-creation"
CALLER = f"arn:aws:sts::536580886816:assumed-role/{ROLE}/worker"


@dataclass
class Statement:
    sid: str
    actions: list[str] = field(default_factory=list)


def evaluator_of(*statements):
    """MiniStack's evaluator in small: a caller's policies, and a decision about one action."""

    def evaluate(context, policies, *_limits):
        for statement in (s for layer in policies for s in layer):
            if context.action in statement.actions:
                return SimpleNamespace(decision="Allow", matched_sid=statement.sid)
        return SimpleNamespace(decision="ImplicitDeny", matched_sid="")

    def enforce(_key, action, *, resource_arn="*", caller=CALLER):
        context = SimpleNamespace(action=action, principal_arn=caller, resource_arn=resource_arn)
        result = evaluator.evaluate(context, [list(statements)])
        return None if result.decision == "Allow" else result

    evaluator = SimpleNamespace(
        evaluate=evaluate, enforce=enforce, evaluate_resource_policy=lambda *_: None
    )
    return evaluator


@pytest.fixture
def path(tmp_path):
    return tmp_path / "decisions.jsonl"


def noted(path):
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [(line["role"], line["sid"], line["action"], line["needed"]) for line in lines]


def test_a_call_that_is_refused_without_its_permission_needs_it(path):
    evaluator = evaluator_of(Statement("Run", ["ecs:RunTask", "ecs:StopTask"]))
    note_decisions(evaluator, {"SITEFLEET_DECISIONS": str(path)})
    assert evaluator.enforce("key", "ecs:RunTask") is None
    assert noted(path) == [(ROLE, "Run", "ecs:RunTask", True)]


def test_what_two_statements_allow_needs_neither(path):
    evaluator = evaluator_of(Statement("Run", ["ecs:RunTask"]), Statement("More", ["ecs:RunTask"]))
    note_decisions(evaluator, {"SITEFLEET_DECISIONS": str(path)})
    assert evaluator.enforce("key", "ecs:RunTask") is None
    assert noted(path) == [(ROLE, "Run", "ecs:RunTask", False)]


def test_what_is_refused_is_not_noted(path):
    evaluator = evaluator_of(Statement("Run", ["ecs:StopTask"]))
    note_decisions(evaluator, {"SITEFLEET_DECISIONS": str(path)})
    assert evaluator.enforce("key", "ecs:RunTask").decision == "ImplicitDeny"
    assert noted(path) == []


def test_a_permission_is_taken_away_for_a_whole_run(path):
    evaluator = evaluator_of(Statement("Run", ["ecs:RunTask", "ecs:StopTask"]))
    environ = {"SITEFLEET_DECISIONS": str(path), "SITEFLEET_WITHOUT": f"{ROLE}/ecs:RunTask"}
    note_decisions(evaluator, environ)
    assert evaluator.enforce("key", "ecs:RunTask").decision == "ImplicitDeny"
    assert evaluator.enforce("key", "ecs:StopTask") is None
    other = CALLER.replace("creation", "update")
    assert evaluator.enforce("key", "ecs:RunTask", caller=other) is None


def test_nothing_is_changed_unless_it_is_asked_for():
    evaluator = evaluator_of(Statement("Run", ["ecs:RunTask"]))
    before = (evaluator.evaluate, evaluator.enforce)
    note_decisions(evaluator, {})
    assert (evaluator.evaluate, evaluator.enforce) == before
