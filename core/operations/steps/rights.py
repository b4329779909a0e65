"""Rights that the later steps need in this account, for IAM's own simulator.

Every right of a promotion that no condition ties to another call (a passed role, a tag, a cluster);
tests/operations/test_rights.py names those that are left, each with its reason. What jobs need
(schemas, directories, the transfer) is tried by the census jobs themselves.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.engine.step import StepContext
from core.operations.steps.move import Move
from core.ports.protection import Right

type Needed = Iterator[tuple[str, tuple[str, ...]]]
"""Resources, each with the actions on it."""

_OWN = "{region}:{account}"
_ANY_ID = "0123456789abcdef"
_ANY_ACCESS_POINT = f"fsap-{_ANY_ID}0"
_EVERYTHING = (
    "ec2:DescribeSecurityGroups",
    "cloudfront:ListDistributions",
    "cloudwatch:GetMetricData",
    "ecs:RegisterTaskDefinition",
    "ecs:DeregisterTaskDefinition",
    "ecs:DescribeTaskDefinition",
    "ecs:ListTaskDefinitions",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    "secretsmanager:GetRandomPassword",
)
"""Actions that take no resource."""


def needed_rights(context: StepContext) -> tuple[Right, ...]:
    """Return what a promotion of this site is going to do, as action and resource."""
    parts = (_stored, _made, _started, _routed, _cached, _backed_up)
    return tuple(
        Right(action=f"{service}:{action}" if service else action, resource=resource)
        for part in parts
        for resource, actions in part(context)
        for service, action in (_named(resource, name) for name in actions)
    )


# --- inside ---------------------------------------------------------------------------------


def _named(resource: str, name: str) -> tuple[str, str]:
    """Return service and action; an action without a service is its resource's."""
    return ("", name) if ":" in name else (resource.split(":")[2], name)


def _stored(context: StepContext) -> Needed:
    """Records, secrets, and what is kept in the transfer bucket."""
    move = Move(context)
    yield (
        f"arn:{{partition}}:dynamodb:{_OWN}:table/{{sites_table}}",
        ("PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem", "Query"),
    )
    yield f"arn:{{partition}}:dynamodb:{_OWN}:table/{{deployments_table}}", ("PutItem",)
    yield (
        f"arn:{{partition}}:secretsmanager:{_OWN}:secret:{move.site.database_secret}-AbCdEf",
        ("CreateSecret", "DescribeSecret", "DeleteSecret", "RestoreSecret", "TagResource"),
    )
    transfer = context.ports.transfer.location(f"transfers/{context.operation.operation_id}/try")
    bucket = f"arn:{{partition}}:s3:::{transfer.bucket}"
    yield f"{bucket}/{transfer.key}", ("GetObject", "PutObject", "DeleteObject")
    yield bucket, ("ListBucket",)


def _made(context: StepContext) -> Needed:
    """What a release is made of: access point, target group, image, and its tenant's group."""
    group = f"wp-{Move(context).site.key}-r1/{_ANY_ID}"
    yield (
        f"arn:{{partition}}:elasticloadbalancing:{_OWN}:targetgroup/{group}",
        ("CreateTargetGroup", "ModifyTargetGroupAttributes", "DeleteTargetGroup", "AddTags"),
    )
    yield (
        f"arn:{{partition}}:elasticfilesystem:{_OWN}:file-system/{{file_system}}",
        ("CreateAccessPoint",),
    )
    yield (
        f"arn:{{partition}}:elasticfilesystem:{_OWN}:access-point/{_ANY_ACCESS_POINT}",
        ("DescribeAccessPoints", "DeleteAccessPoint", "TagResource"),
    )
    yield (
        f"arn:{{partition}}:ecr:{_OWN}:repository/{{repository}}",
        (
            "BatchCheckLayerAvailability",
            "BatchDeleteImage",
            "BatchGetImage",
            "CompleteLayerUpload",
            "InitiateLayerUpload",
            "PutImage",
            "UploadLayerPart",
        ),
    )
    for made in ("vpc/{vpc}", f"security-group/sg-{_ANY_ID}0"):
        yield f"arn:{{partition}}:ec2:{_OWN}:{made}", ("CreateSecurityGroup",)


def _started(context: StepContext) -> Needed:
    """Containers."""
    service = Move(context).site.release(1).service
    yield (
        f"arn:{{partition}}:ecs:{_OWN}:service/{{cluster}}/{service}",
        ("CreateService", "DeleteService", "DescribeServices", "TagResource", "UpdateService"),
    )
    family = Move(context).site.release(1).task_family
    yield f"arn:{{partition}}:ecs:{_OWN}:task-definition/{family}:1", ("TagResource",)
    yield "*", _EVERYTHING


def _routed(context: StepContext) -> Needed:
    """The listener's rules and the name: a rule that is there is asked about by its own ARN."""
    yield "{listener}", ("elasticloadbalancing:CreateRule",)
    rule = context.ports.load_balancer.find_rule(Move(context).host)
    yield (
        rule.arn if rule is not None else f"{{listener_rules}}/{_ANY_ID}",
        (
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:DeleteRule",
            "elasticloadbalancing:ModifyRule",
            "elasticloadbalancing:SetRulePriorities",
        ),
    )
    yield (
        "arn:{partition}:route53:::hostedzone/{hosted_zone}",
        ("ChangeResourceRecordSets", "ListResourceRecordSets"),
    )
    yield "arn:{partition}:route53:::change/C0123456789ABCDEF", ("GetChange",)


def _cached(_context: StepContext) -> Needed:
    """Caches in front of the site."""
    yield (
        "arn:{partition}:cloudfront::{account}:distribution/E0123456789ABC",
        ("CreateInvalidation", "GetInvalidation"),
    )


def _backed_up(context: StepContext) -> Needed:
    """Snapshot and recovery point, as the policy takes them."""
    rules = context.policy.promotion_rules
    snapshot = f"snapshot:{context.policy.environment}-{Move(context).tenant_id}-pre-promotion-1"
    if rules.backup.database and rules.gates.database_cluster:
        actions = ("CreateDBClusterSnapshot", "DescribeDBClusterSnapshots", "AddTagsToResource")
        yield f"arn:{{partition}}:rds:{_OWN}:cluster-{snapshot}", actions
        cluster = f"cluster:{rules.gates.database_cluster}"
        yield f"arn:{{partition}}:rds:{_OWN}:{cluster}", ("CreateDBClusterSnapshot",)
    elif rules.backup.database and rules.gates.database_instance:
        actions = ("CreateDBSnapshot", "DescribeDBSnapshots", "AddTagsToResource")
        yield f"arn:{{partition}}:rds:{_OWN}:{snapshot}", actions
        instance = f"db:{rules.gates.database_instance}"
        yield f"arn:{{partition}}:rds:{_OWN}:{instance}", ("CreateDBSnapshot",)
    if rules.backup.file_system:
        yield f"arn:{{partition}}:backup:{_OWN}:backup-vault:{{vault}}", ("StartBackupJob",)
        yield f"arn:{{partition}}:backup:{_OWN}:recovery-point:{_ANY_ID}", ("TagResource",)
        yield "*", ("backup:DescribeBackupJob",)
