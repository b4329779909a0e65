"""Every right that is simulated is one that the template grants: it stops no plan by itself."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

import pytest

from core.adapters.aws.permissions import places_of
from core.operations.steps.rights import needed_rights
from core.settings import Settings
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
USED_BEFORE = (
    "sqs:", "logs:", "kms:", "events:", "iam:SimulatePrincipalPolicy", "sts:AssumeRole",
    "secretsmanager:GetSecretValue", "dynamodb:GetItem", "dynamodb:BatchGetItem",
)  # fmt: skip
"""What the engine, the census jobs' start and the gates themselves have used by then."""
TIED = {
    "ecs:RunTask": "to the cluster; the census jobs were started with it",
    "ecs:ListTasks": "to the cluster; the census jobs were found with it",
    "ecs:DescribeTasks": "the census jobs were awaited with it",
    "ecs:StopTask": "the task has to be there",
    "iam:PassRole": "to the service that takes the role; the census jobs were given theirs",
    "ec2:CreateTags": "to the call that makes the group",
    "ec2:AuthorizeSecurityGroupIngress": "to the group's tags",
    "ec2:DeleteSecurityGroup": "to the group's tags",
}
"""What is not simulated, and why not."""


def own(stack, role):
    """The names that the deployed function puts into a right."""
    function = stack.by_name("AWS::Lambda::Function")[f"prod-bbws-async-processor-{role}"]
    settings = Settings.from_environ(function["Environment"]["Variables"])
    place = {"partition": "aws", "region": REGION, "account": stack.account}
    return place | places_of(settings)


def granted(stack, role, right):
    """Tell whether a statement without a condition allows it."""
    resource = right.resource.format(**own(stack, role))
    return any(
        right.action in as_list(statement["Action"])
        and any(fnmatchcase(resource, pattern) for pattern in as_list(statement["Resource"]))
        for statement in statements(stack, role)
        if statement["Effect"] == "Allow" and "Condition" not in statement
    )


def statements(stack, role):
    return role_statements(stack.by_name("AWS::IAM::Role")[f"prod-bbws-async-processor-{role}"])


@pytest.fixture
def rights(prod, live):
    site = "banana.wp.kimmyai.io"
    live.world.rules[site] = replace(
        live.world.rules[site], arn=RULE.replace("bbws-wp-internal-alb-prod", balancer(prod))
    )
    return needed_rights(live.context())


@pytest.mark.parametrize("role", ROLES)
def test_the_template_grants_every_right_that_is_simulated(prod, rights, role):
    assert [right for right in rights if not granted(prod, role, right)] == []


@pytest.mark.parametrize("role", ROLES)
def test_every_right_of_the_role_is_simulated_or_has_a_reason_not_to_be(prod, rights, role):
    simulated = {right.action for right in rights}
    left = {
        action
        for statement in statements(prod, role)
        for action in as_list(statement["Action"])
        if action not in simulated and not action.startswith(USED_BEFORE)
    }
    assert left == set(TIED)


def test_no_right_is_asked_for_twice(rights):
    assert len(set(rights)) == len(rights)


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


def test_a_rule_that_is_not_there_is_asked_about_below_the_listener(stage):
    [modify] = [r for r in needed_rights(stage.context()) if r.action.endswith(":ModifyRule")]
    assert modify.resource.startswith("{listener_rules}/")


def test_a_role_that_lacks_one_of_them_is_seen_to(prod, rights):
    denied = {right.action for right in rights if not granted(prod, "creation", right)}
    assert {"rds:CreateDBClusterSnapshot", "ecr:UploadLayerPart"} <= denied
