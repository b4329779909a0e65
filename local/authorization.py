"""Starts MiniStack, and lets it authorise the way AWS does where its own rules are coarser.

MiniStack checks signatures, sessions, trust policies, and identity, session and bucket policies.
Of some services it knows neither the resource that a call is about (for ECS it takes the cluster,
for rules and changes nothing) nor the condition keys, it checks no iam:PassRole, and it fills in
no policy variable; the template's statements would mean something else here than on AWS. This
module fills the gaps from AWS's Service Authorization Reference for the services that the fleet
calls, so that the very same roles are enforced.

It runs in MiniStack's own interpreter (`python -P local/authorization.py`) and therefore imports
nothing of this project.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

PASS_ROLE = "iam:PassRole"  # noqa: S105  (an action, no password)
TASKS = "ecs-tasks.amazonaws.com"
_ASSUMED = re.compile(r"arn:aws:sts::(\d{12}):assumed-role/([^/]+)/.+")
_VARIABLE = re.compile(r"\$\{([^}]+)\}")
_NOTHING = "\0"
"""Stands for a variable without a value: it matches no resource and equals no value."""


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


def elb_checks(call: Call) -> list[Check]:
    """Load balancers: rules and what is tagged; what only describes takes no resource."""
    service, _, name = call.action.partition(":")
    if name.startswith("Describe"):
        return call.checks("*")
    if name == "CreateTargetGroup":
        return call.checks(call.arn(service, f"targetgroup/{call.parameter('Name')}/*"))
    if name in {"ModifyRule", "DeleteRule"}:
        return call.checks(call.parameter("RuleArn"))
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


RULES: Mapping[str, Callable[[Call], list[Check]]] = {
    "ecs": ecs_checks,
    "elasticfilesystem": efs_checks,
    "elasticloadbalancing": elb_checks,
    "route53": route53_checks,
    "rds": rds_checks,
    "backup": backup_checks,
}


def _task_definition(name: str) -> Mapping[str, Any]:
    ecs: Any = importlib.import_module("ministack.services.ecs")
    key = name.rpartition("/")[2]
    if ":" not in key:
        key = f"{key}:{ecs._task_def_latest.get(key)}"  # noqa: SLF001  (the emulator's own store)
    found: Mapping[str, Any] = ecs._task_defs.get(key) or {}  # noqa: SLF001  (same)
    return found


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


# --- how MiniStack is made to ask them -------------------------------------------------------

_pending: ContextVar[tuple[Check, ...]] = ContextVar("sitefleet_checks", default=())
_denied: ContextVar[Check | None] = ContextVar("sitefleet_denied", default=None)


def install(actions: Any, evaluator: Any) -> None:
    """Put the rules between MiniStack's router and its evaluator."""
    _ask_about_resources(actions, evaluator)
    _name_what_was_denied(actions)
    _resolve_keys(evaluator)
    _fill_in_variables(evaluator)


def _ask_about_resources(actions: Any, evaluator: Any) -> None:
    resource_of, enforce = actions.extract_resource_arn, evaluator.enforce

    def extract_resource_arn(service: str, *request: Any) -> Any:
        """The request: method, path, headers, body, query, region, account."""
        _, path, _, body, query, region, account = request
        action = actions.extract_iam_action(service, *request[:5])
        rule = RULES.get(service) if action else None
        call = Call(
            action=action or "",
            path=path,
            body=_document(body),
            query=query,
            region=region,
            account=account,
        )
        _pending.set(tuple(rule(call)) if rule else ())
        return resource_of(service, *request)

    def enforce_all(key: str, action: str, *place: str, **about: Any) -> Any:
        """The place: service and region; about: resource and context of MiniStack's own check."""
        checks, _ = _pending.get(), _pending.set(())
        if not checks or checks[0].action != action:
            return enforce(key, action, *place, **about)
        for check in checks:
            context = {**(about.get("service_context") or {}), **check.context}
            refused = enforce(
                key, check.action, *place, resource_arn=check.resource, service_context=context
            )
            if refused:
                _denied.set(check)
                return refused
        return None

    actions.extract_resource_arn = extract_resource_arn
    evaluator.enforce = enforce_all


def _name_what_was_denied(actions: Any) -> None:
    respond = actions.access_denied_response

    def access_denied_response(service: str, action: str, *rest: Any, **named: Any) -> Any:
        check, _ = _denied.get(), _denied.set(None)
        return respond(service, check.action if check else action, *rest, **named)

    actions.access_denied_response = access_denied_response


def _resolve_keys(evaluator: Any) -> None:
    resolve = evaluator._resolve_condition_key  # noqa: SLF001  (the emulator's own evaluator)

    def resolve_condition_key(key: str, context: Any) -> Any:
        match key.lower():
            case "aws:principalarn":
                return _role_arn(context.principal_arn)
            case "aws:sourceaccount" if context.principal_type == "Root":
                return context.principal_account  # the emulator's root plays AWS's own services
            case _:
                return resolve(key, context)

    evaluator._resolve_condition_key = resolve_condition_key  # noqa: SLF001  (same)


def _role_arn(principal: str) -> str:
    """AWS compares aws:PrincipalArn with the role, not with its session."""
    session = _ASSUMED.fullmatch(principal)
    return f"arn:aws:iam::{session[1]}:role/{session[2]}" if session else principal


def _fill_in_variables(evaluator: Any) -> None:
    first_match, conditions_met = evaluator._first_match, evaluator._conditions_met  # noqa: SLF001

    def filled(text: str, context: Any) -> str:
        def value_of(variable: re.Match[str]) -> str:
            value = evaluator._resolve_condition_key(variable[1], context)  # noqa: SLF001  (same)
            return value if isinstance(value, str) and not {"*", "?"} & set(value) else _NOTHING

        return _VARIABLE.sub(value_of, text)

    def first_match_filled(context: Any, statements: Sequence[Any], effect: str) -> Any:
        ready = [
            replace(s, resources=[filled(r, context) for r in s.resources])
            if any("${" in r for r in s.resources)
            else s
            for s in statements
        ]
        return first_match(context, ready, effect)

    def conditions_met_filled(conditions: Any, context: Any) -> Any:
        if "${" not in json.dumps(conditions):
            return conditions_met(conditions, context)
        ready = {
            operator: {
                key: [filled(v, context) for v in ([value] if isinstance(value, str) else value)]
                for key, value in keys.items()
            }
            for operator, keys in conditions.items()
        }
        return conditions_met(ready, context)

    evaluator._first_match = first_match_filled  # noqa: SLF001  (same)
    evaluator._conditions_met = conditions_met_filled  # noqa: SLF001  (same)


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def main() -> None:
    """Run MiniStack with these rules."""
    install(
        importlib.import_module("ministack.core.iam_actions"),
        importlib.import_module("ministack.core.iam_evaluator"),
    )
    importlib.import_module("ministack.app").main()


if __name__ == "__main__":
    main()
