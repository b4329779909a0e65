"""Rights that the later steps need in this account, for IAM's own simulator.

Only rights whose resource can be named beforehand, and that no condition ties to another call; what
jobs need (schemas, directories, the transfer) is tried by the census jobs themselves.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.engine.step import StepContext
from core.operations.steps.move import Move
from core.ports.protection import Right

_OWN = "{region}:{account}"
_ANY_TARGET_GROUP = "0123456789abcdef"
_ANY_ACCESS_POINT = "fsap-0123456789abcdef0"


def needed_rights(context: StepContext) -> tuple[Right, ...]:
    """Return what a promotion of this site is going to do, as action and resource."""
    return tuple(
        Right(action=action, resource=resource)
        for resource, actions in _needed(context)
        for action in actions
    )


def _needed(context: StepContext) -> Iterator[tuple[str, tuple[str, ...]]]:
    move = Move(context)
    group = f"wp-{move.site.key}-r1/{_ANY_TARGET_GROUP}"
    yield (
        f"arn:{{partition}}:elasticloadbalancing:{_OWN}:targetgroup/{group}",
        tuple(
            f"elasticloadbalancing:{action}"
            for action in (
                "CreateTargetGroup",
                "ModifyTargetGroupAttributes",
                "DeleteTargetGroup",
                "AddTags",
            )
        ),
    )
    yield (
        f"arn:{{partition}}:secretsmanager:{_OWN}:secret:{move.site.database_secret}-AbCdEf",
        ("secretsmanager:CreateSecret", "secretsmanager:DescribeSecret"),
    )
    yield (
        f"arn:{{partition}}:elasticfilesystem:{_OWN}:access-point/{_ANY_ACCESS_POINT}",
        ("elasticfilesystem:DescribeAccessPoints", "elasticfilesystem:DeleteAccessPoint"),
    )
    transfer = context.ports.transfer.location(f"transfers/{context.operation.operation_id}/try")
    yield (
        f"arn:{{partition}}:s3:::{transfer.bucket}/{transfer.key}",
        ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
    )
    yield ("arn:{partition}:route53:::change/C0123456789ABCDEF", ("route53:GetChange",))
    yield (
        "*",
        (
            "ecs:RegisterTaskDefinition",
            "ecs:DescribeTaskDefinition",
            "elasticloadbalancing:DescribeRules",
            "elasticloadbalancing:DescribeTargetHealth",
            "cloudwatch:GetMetricData",
        ),
    )
    yield from _rule(context)
    yield from _backups(context)


def _rule(context: StepContext) -> Iterator[tuple[str, tuple[str, ...]]]:
    rule = context.ports.load_balancer.find_rule(Move(context).host)
    if rule is not None:
        yield (rule.arn, ("elasticloadbalancing:ModifyRule",))


def _backups(context: StepContext) -> Iterator[tuple[str, tuple[str, ...]]]:
    rules = context.policy.promotion_rules
    if not rules.backup.database:
        return
    if rules.gates.database_cluster:
        name, action = f"cluster:{rules.gates.database_cluster}", "rds:CreateDBClusterSnapshot"
    elif rules.gates.database_instance:
        name, action = f"db:{rules.gates.database_instance}", "rds:CreateDBSnapshot"
    else:
        return
    yield (f"arn:{{partition}}:rds:{_OWN}:{name}", (action,))
