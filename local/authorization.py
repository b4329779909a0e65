"""Which decisions AWS makes about a call: the rules that MiniStack's own lack.

Of some services MiniStack knows neither the resource that a call is about (for ECS it takes the
cluster, for rules and changes nothing) nor the condition keys, and it checks no iam:PassRole; the
template's statements would mean something else here than on AWS. These rules are those of AWS's
Service Authorization Reference for the services that the fleet calls. local/emulator_program.py
puts them to work, in MiniStack's own interpreter; this module imports nothing but the standard
library and the emulator's own stores.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PASS_ROLE = "iam:PassRole"  # noqa: S105  (an action, no password)
TASKS = "ecs-tasks.amazonaws.com"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One decision that AWS makes about a call."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request as the rules below read it."""

    action: str
    path: str
    body: Mapping[str, Any]
    query: Mapping[str, Any]
    region: str
    account: str

    def arn(self, service: str, resource: str, *, is_global: bool = False) -> str:
        """Return an ARN in the caller's account."""
        place = "::" if is_global else f":{self.region}:{self.account}"
        return f"arn:aws:{service}{place}:{resource}"

    def parameter(self, name: str) -> str:
        """Return a parameter of the query protocol, or nothing."""
        value = self.query.get(name, "")
        return str(value[0] if isinstance(value, list) else value)

    def members(self, pattern: str) -> list[str]:
        """Return a numbered parameter's values: `ResourceArns.member.{}`."""
        found: list[str] = []
        while value := self.parameter(pattern.format(len(found) + 1)):
            found.append(value)
        return found

    def checks(self, *resources: str, context: Mapping[str, str] | None = None) -> list[Check]:
        """Return one check of the call's own action for each resource."""
        return [Check(action=self.action, resource=r, context=context or {}) for r in resources]


# --- which resources a call is about ---------------------------------------------------------


def ecs_checks(call: Call) -> list[Check]:
    """ECS: task definitions, tasks and services, each with its cluster as a condition key."""
    body, cluster = call.body, str(call.body.get("cluster") or "default").rpartition("/")[2]
    context = {"ecs:cluster": call.arn("ecs", f"cluster/{cluster}")}
    match call.action.removeprefix("ecs:"):
        case "RunTask":
            definition = _task_definition(str(body.get("taskDefinition", "")))
            arn = str(definition.get("taskDefinitionArn", "*"))
            roles = _roles(definition, body.get("overrides", {}))
            made = call.arn("ecs", f"task/{cluster}/*")
            return [*call.checks(arn, context=context), *_tags(call, made), *_passed(roles, TASKS)]
        case "RegisterTaskDefinition":
            made = call.arn("ecs", f"task-definition/{body.get('family', '')}:*")
            return [*call.checks("*"), *_tags(call, made), *_passed(_roles(body), TASKS)]
        case "ListTasks" | "ListServices":
            return call.checks("*", context=context)
        case "DescribeTasks" | "StopTask":
            ids = body.get("tasks") or [body.get("task", "")]
            arns = [call.arn("ecs", f"task/{cluster}/{i.rpartition('/')[2]}") for i in ids]
            return call.checks(*arns, context=context)
        case "CreateService" | "UpdateService" | "DeleteService" | "DescribeServices":
            names = body.get("services") or [body.get("serviceName") or body.get("service", "")]
            arns = [call.arn("ecs", f"service/{cluster}/{n.rpartition('/')[2]}") for n in names]
            return [*call.checks(*arns, context=context), *_tags(call, arns[0])]
        case _:
            return []


def efs_checks(call: Call) -> list[Check]:
    """EFS: access points are made on, and listed by, their file system."""
    file_system = str(call.body.get("FileSystemId") or call.parameter("FileSystemId"))
    access_point = call.parameter("AccessPointId")
    if access_point:
        return call.checks(call.arn("elasticfilesystem", f"access-point/{access_point}"))
    if not file_system:
        return []
    tagged = call.arn("elasticfilesystem", "access-point/*")
    tags = (
        [Check(action="elasticfilesystem:TagResource", resource=tagged)]
        if call.action.endswith(":CreateAccessPoint") and call.body.get("Tags")
        else []
    )
    return [*call.checks(call.arn("elasticfilesystem", f"file-system/{file_system}")), *tags]


NAMED_BY_ONE = {
    "ModifyRule": "RuleArn",
    "DeleteRule": "RuleArn",
    "AddListenerCertificates": "ListenerArn",
    "RemoveListenerCertificates": "ListenerArn",
}
"""Calls on one thing, and the parameter that names it."""


def elb_checks(call: Call) -> list[Check]:
    """Load balancers: rules and what is tagged; what only describes takes no resource."""
    service, _, name = call.action.partition(":")
    if name.startswith("Describe"):
        return call.checks("*")
    if name == "CreateTargetGroup":
        return call.checks(call.arn(service, f"targetgroup/{call.parameter('Name')}/*"))
    if name in NAMED_BY_ONE:
        return call.checks(call.parameter(NAMED_BY_ONE[name]))
    if name == "SetRulePriorities":
        return call.checks(*call.members("RulePriorities.member.{}.RuleArn"))
    if name in {"AddTags", "RemoveTags"}:
        return call.checks(*call.members("ResourceArns.member.{}"))
    return []


def route53_checks(call: Call) -> list[Check]:
    """DNS: a change has an ARN of its own."""
    parts = [part for part in call.path.split("/") if part]
    if "change" in parts:
        return call.checks(call.arn("route53", f"change/{parts[-1]}", is_global=True))
    return []


def rds_checks(call: Call) -> list[Check]:
    """RDS: a snapshot is made of a cluster; both must be granted."""
    found = {
        "cluster": call.parameter("DBClusterIdentifier"),
        "cluster-snapshot": call.parameter("DBClusterSnapshotIdentifier"),
        "snapshot": call.parameter("DBSnapshotIdentifier"),
        "db": call.parameter("DBInstanceIdentifier"),
    }
    arns = [call.arn("rds", f"{kind}:{name}") for kind, name in found.items() if name]
    if call.action.endswith("DescribeDBClusterSnapshots"):
        # With a cluster and no snapshot it lists: AWS asks for every snapshot of the account.
        arns = [arn for arn in arns if ":cluster-snapshot:" in arn] or [
            call.arn("rds", "cluster-snapshot:*")
        ]
    return call.checks(*arns)


def backup_checks(call: Call) -> list[Check]:
    """Backup: a job goes into a vault and takes a role along."""
    if not call.action.endswith(":StartBackupJob"):
        return []
    vault = call.arn("backup", f"backup-vault:{call.body.get('BackupVaultName', '')}")
    role = [str(call.body["IamRoleArn"])] if call.body.get("IamRoleArn") else []
    return [*call.checks(vault), *_passed(role, "backup.amazonaws.com")]


def ec2_checks(call: Call) -> list[Check]:
    """EC2: a security group is made in a VPC, with its tags; another call is about its tags."""
    group = call.arn("ec2", f"security-group/{call.parameter('GroupId') or '*'}")
    match call.action.removeprefix("ec2:"):
        case "CreateSecurityGroup":
            vpc = call.arn("ec2", f"vpc/{call.parameter('VpcId')}")
            tagged = {"ec2:CreateAction": "CreateSecurityGroup"}
            tags = [Check(action="ec2:CreateTags", resource=group, context=tagged)]
            has_tags = bool(call.parameter("TagSpecification.1.ResourceType"))
            return [*call.checks(group, vpc), *(tags if has_tags else [])]
        case "AuthorizeSecurityGroupIngress" | "DeleteSecurityGroup":
            return call.checks(group, context=_ec2_tags(call.parameter("GroupId")))
        case "DescribeSecurityGroups":
            return call.checks("*")
        case _:
            return []


def logs_checks(call: Call) -> list[Check]:
    """CloudWatch Logs: a stream by its name, a whole group as the stream without one."""
    group, stream = call.body.get("logGroupName"), call.body.get("logStreamName", "")
    return call.checks(call.arn("logs", f"log-group:{group}:log-stream:{stream}")) if group else []


def iam_checks(call: Call) -> list[Check]:
    """IAM: a simulation is about the principal whose policies are simulated."""
    principal = call.parameter("PolicySourceArn")
    return call.checks(principal) if principal else []


def ses_checks(call: Call) -> list[Check]:
    """SES: a mail is sent as an identity (its domain), and through a configuration set."""
    sender = str(call.body.get("FromEmailAddress", ""))
    if not call.action.endswith(":SendEmail") or not sender:
        return []
    arns = [call.arn("ses", f"identity/{sender.rpartition('@')[2]}")]
    if call.body.get("ConfigurationSetName"):
        arns.append(call.arn("ses", f"configuration-set/{call.body['ConfigurationSetName']}"))
    return call.checks(*arns, context={"ses:fromaddress": sender})


def sqs_checks(call: Call) -> list[Check]:
    """SQS: a batch needs the right to the single call."""
    if not call.action.endswith("Batch"):
        return []
    queue = str(call.body.get("QueueUrl", "")).rpartition("/")[2]
    action = call.action.removesuffix("Batch")
    return [Check(action=action, resource=call.arn("sqs", queue))]


RULES: Mapping[str, Callable[[Call], list[Check]]] = {
    "ecs": ecs_checks,
    "elasticfilesystem": efs_checks,
    "elasticloadbalancing": elb_checks,
    "route53": route53_checks,
    "rds": rds_checks,
    "backup": backup_checks,
    "ec2": ec2_checks,
    "logs": logs_checks,
    "iam": iam_checks,
    "ses": ses_checks,
    "sqs": sqs_checks,
}


def _task_definition(name: str) -> Mapping[str, Any]:
    ecs: Any = importlib.import_module("ministack.services.ecs")
    key = name.rpartition("/")[2]
    if ":" not in key:
        key = f"{key}:{ecs._task_def_latest.get(key)}"  # noqa: SLF001  (the emulator's own store)
    found: Mapping[str, Any] = ecs._task_defs.get(key) or {}  # noqa: SLF001  (same)
    return found


def _ec2_tags(resource_id: str) -> dict[str, str]:
    ec2: Any = importlib.import_module("ministack.services.ec2")
    tags = ec2._tags.get(resource_id) or []  # noqa: SLF001  (the emulator's own store)
    return {f"aws:ResourceTag/{tag['Key']}": str(tag["Value"]) for tag in tags}


def _roles(*documents: Mapping[str, Any]) -> list[str]:
    names = ("taskRoleArn", "executionRoleArn")
    return sorted({str(d[name]) for d in documents for name in names if d.get(name)})


def _passed(roles: Sequence[str], service: str) -> list[Check]:
    context = {"iam:passedtoservice": service}
    return [Check(action=PASS_ROLE, resource=role, context=context) for role in roles]


def _tags(call: Call, resource: str) -> list[Check]:
    """What is tagged when it is made needs the right to tag it."""
    if not (call.body.get("tags") or call.body.get("propagateTags")):
        return []
    context = {"ecs:createaction": call.action.removeprefix("ecs:")}
    return [Check(action="ecs:TagResource", resource=resource, context=context)]
