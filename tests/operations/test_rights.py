"""Every right that is simulated is one that the template grants: it stops no plan by itself."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

import pytest

from core.operations.steps.rights import needed_rights
from tests.operations.conftest import RULE
from tests.template.stack import REGION, Stack, as_list, expand, overrides, role_statements


@pytest.fixture(scope="module")
def prod() -> Stack:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        given = {**overrides("prod"), "DatabaseClusterIdentifier": "bbws-aurora-prod"}
        return Stack(expand(), given)


ROLES = ("promotion", "wakeup")
"""Functions that run steps of promotions."""


def granted(stack, role, right):
    """Tell whether a statement without a condition allows it."""
    resource = right.resource.format(partition="aws", region=REGION, account=stack.account)
    return any(
        right.action in as_list(statement["Action"])
        and any(fnmatchcase(resource, pattern) for pattern in as_list(statement["Resource"]))
        for statement in role_statements(stack.by_name("AWS::IAM::Role")[role])
        if statement["Effect"] == "Allow" and "Condition" not in statement
    )


@pytest.mark.parametrize("role", ROLES)
def test_the_template_grants_every_right_that_is_simulated(prod, live, role):
    site = "banana.wp.kimmyai.io"
    live.world.rules[site] = replace(
        live.world.rules[site], arn=RULE.replace("bbws-wp-internal-alb-prod", balancer(prod))
    )
    rights = needed_rights(live.context())
    name = f"prod-bbws-async-processor-{role}"
    assert len(rights) > 15
    assert [right for right in rights if not granted(prod, name, right)] == []


def balancer(stack):
    return stack.parameters["LoadBalancerName"]


def test_a_snapshot_is_asked_for_as_the_policy_takes_it(stage):
    actions = {right.action for right in needed_rights(stage.context())}
    assert "rds:CreateDBClusterSnapshot" in actions
    stage.promotion_rules("gates", database_cluster="", database_instance="bbws-prod")
    actions = {right.action for right in needed_rights(stage.context())}
    assert "rds:CreateDBSnapshot" in actions
    stage.promotion_rules("backup", database=False)
    actions = {right.action for right in needed_rights(stage.context())}
    assert not any(action.startswith("rds:") for action in actions)


def test_no_right_to_modify_a_rule_that_is_not_there(stage):
    actions = {right.action for right in needed_rights(stage.context())}
    assert "elasticloadbalancing:ModifyRule" not in actions
