"""The template as CloudFormation would see it: expanded by SAM, resolved for one environment."""

from __future__ import annotations

import json
import logging
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samtranslator.translator.transform import transform  # type: ignore[import-untyped]
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

CHECKOUT = Path(__file__).parents[2]
ACCOUNTS = {"dev": "536580886816", "sit": "815856636111", "prod": "093646564004"}
REGION = "af-south-1"
_VARIABLE = re.compile(r"\$\{([^}]+)\}")
_NO_VALUE = object()

type Resource = dict[str, Any]

NAME_PROPERTIES = {
    "AWS::Backup::BackupVault": (
        "BackupVaultName",
        "backup:{region}:{account}:backup-vault:{name}",
    ),
    "AWS::CloudWatch::Alarm": ("AlarmName", "cloudwatch:{region}:{account}:alarm:{name}"),
    "AWS::CloudWatch::Dashboard": ("DashboardName", "cloudwatch::{account}:dashboard/{name}"),
    "AWS::DynamoDB::Table": ("TableName", "dynamodb:{region}:{account}:table/{name}"),
    "AWS::ECS::Cluster": ("ClusterName", "ecs:{region}:{account}:cluster/{name}"),
    "AWS::ECS::TaskDefinition": ("Family", "ecs:{region}:{account}:task-definition/{name}:1"),
    "AWS::Events::EventBus": ("Name", "events:{region}:{account}:event-bus/{name}"),
    "AWS::Events::Rule": ("Name", "events:{region}:{account}:rule/{name}"),
    "AWS::IAM::Role": ("RoleName", "iam::{account}:role/{name}"),
    "AWS::KMS::Alias": ("AliasName", "kms:{region}:{account}:{name}"),
    "AWS::Lambda::Function": ("FunctionName", "lambda:{region}:{account}:function:{name}"),
    "AWS::Logs::LogGroup": ("LogGroupName", "logs:{region}:{account}:log-group:{name}:*"),
    "AWS::S3::Bucket": ("BucketName", "s3:::{name}"),
    "AWS::SNS::Topic": ("TopicName", "sns:{region}:{account}:{name}"),
    "AWS::SQS::Queue": ("QueueName", "sqs:{region}:{account}:{name}"),
}
"""How the physical name and the ARN of a named resource come about."""


def samconfig() -> dict[str, Any]:
    """Return samconfig.toml."""
    return tomllib.loads((CHECKOUT / "samconfig.toml").read_text())


def overrides(environment: str) -> dict[str, str]:
    """Return the parameters that samconfig.toml gives in an environment."""
    given = samconfig()[environment]["deploy"]["parameters"]["parameter_overrides"]
    return dict(entry.split("=", 1) for entry in given)


def raw_template() -> dict[str, Any]:
    """Return the template as written, its anchors and short forms resolved."""
    parsed = yaml_parse((CHECKOUT / "template.yaml").read_text())
    template: dict[str, Any] = json.loads(json.dumps(parsed))
    return template


def expand() -> dict[str, Any]:
    """Return the template after the SAM transform, as if its artefacts were uploaded."""
    # Its usage metrics are published by nobody here, and it would say so when it is thrown away.
    logging.getLogger("samtranslator.metrics.metrics").setLevel(logging.ERROR)
    template = raw_template()
    template["Globals"]["Function"]["CodeUri"] = "s3://artefacts/functions.zip"
    template["Resources"]["DependenciesLayer"]["Properties"]["ContentUri"] = "s3://artefacts/l.zip"
    expanded: dict[str, Any] = transform(template, {}, _NoManagedPolicies())
    return expanded


@dataclass
class Stack:
    """The expanded template with every function of CloudFormation evaluated."""

    template: Mapping[str, Any]
    given: Mapping[str, str]
    account: str = field(init=False)
    parameters: dict[str, Any] = field(init=False)
    resources: dict[str, Resource] = field(init=False)

    def __post_init__(self) -> None:
        """Resolve at once: a test that gets a stack gets a whole one."""
        self.parameters = {
            name: self._parameter(name, definition)
            for name, definition in self.template["Parameters"].items()
        }
        self.account = ACCOUNTS[self.parameters["Environment"]]
        self.resources = {
            name: self._resolve({key: value for key, value in body.items() if key != "Condition"})
            for name, body in self.template["Resources"].items()
            if "Condition" not in body or self._condition(body["Condition"])
        }

    def of_type(self, resource_type: str) -> dict[str, Resource]:
        """Return the properties of every resource of a type, by logical name."""
        return {
            name: body["Properties"]
            for name, body in self.resources.items()
            if body["Type"] == resource_type
        }

    def by_name(self, resource_type: str) -> dict[str, Resource]:
        """Return the same by physical name."""
        key = NAME_PROPERTIES[resource_type][0]
        return {properties[key]: properties for properties in self.of_type(resource_type).values()}

    def arn(self, service_and_rest: str) -> str:
        """Return an ARN of this account and region."""
        service, rest = service_and_rest.split(":", 1)
        return f"arn:aws:{service}:{REGION}:{self.account}:{rest}"

    # --- evaluation --------------------------------------------------------------------------

    def _parameter(self, name: str, definition: Mapping[str, Any]) -> Any:
        value = str(self.given.get(name, definition.get("Default")))
        if definition["Type"].startswith("AWS::SSM::Parameter::Value"):
            return f"stored-{name}"
        if definition["Type"] == "CommaDelimitedList":
            return value.split(",") if value else [""]
        return value

    def _condition(self, name: str) -> bool:
        return bool(self._resolve(self.template["Conditions"][name]))

    def _resolve(self, node: Any) -> Any:
        if isinstance(node, list):
            return [value for item in node if (value := self._resolve(item)) is not _NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            [(name, argument)] = node.items()
            called = name == "Condition" and isinstance(argument, str)
            if called or name == "Ref" or name.startswith("Fn::"):
                return self._call(name, argument)
        resolved = {key: self._resolve(value) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value is not _NO_VALUE}

    def _call(self, name: str, argument: Any) -> Any:
        lazy: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self._condition,
            "Fn::If": self._if,
            "Fn::GetAtt": lambda path: self._attribute(*path),
            "Fn::Sub": self._sub,
        }
        if name in lazy:
            return lazy[name](argument)
        mappings = self.template["Mappings"]
        eager: dict[str, Callable[[Any], Any]] = {
            "Fn::Equals": lambda values: values[0] == values[1],
            "Fn::Not": lambda values: not values[0],
            "Fn::And": all,
            "Fn::Or": any,
            "Fn::Join": lambda values: values[0].join(values[1]),
            "Fn::FindInMap": lambda values: mappings[values[0]][values[1]][values[2]],
        }
        return eager[name](self._resolve(argument))

    def _if(self, argument: Any) -> Any:
        condition, then, otherwise = argument
        return self._resolve(then if self._condition(condition) else otherwise)

    def _ref(self, name: str) -> Any:
        pseudo = {
            "AWS::AccountId": self.account,
            "AWS::NoValue": _NO_VALUE,
            "AWS::Partition": "aws",
            "AWS::Region": REGION,
            "AWS::URLSuffix": "amazonaws.com",
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        body = self.template["Resources"][name]
        if body["Type"] == "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{self.account}/{self._name(name)}"
        if body["Type"] in {"AWS::SNS::Topic", "AWS::ECS::TaskDefinition"}:
            return self._attribute(name, "Arn")
        return self._name(name)

    def _attribute(self, name: str, attribute: str) -> str:
        body = self.template["Resources"][name]
        assert attribute in {"Arn", "TopicArn"}, (name, attribute)
        _, pattern = NAME_PROPERTIES.get(body["Type"], ("", ""))
        if not pattern:
            return f"arn:aws:kms:{REGION}:{self.account}:key/{name}"
        path = pattern.format(region=REGION, account=self.account, name=self._name(name))
        properties = body["Properties"]
        if "EventBusName" in properties:
            path = path.replace(":rule/", f":rule/{self._resolve(properties['EventBusName'])}/")
        return f"arn:aws:{path}"

    def _name(self, name: str) -> Any:
        body = self.template["Resources"][name]
        key = NAME_PROPERTIES.get(body["Type"], ("", ""))[0]
        return self._resolve(body["Properties"][key]) if key else name

    def _sub(self, argument: Any) -> str:
        text, own = (argument, {}) if isinstance(argument, str) else argument

        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"  # a policy variable, which IAM fills in
            if name in own:
                return str(self._resolve(own[name]))
            if name.endswith(".Arn"):
                return self._attribute(name.removesuffix(".Arn"), "Arn")
            return str(self._ref(name))

        return _VARIABLE.sub(value, text)


def as_list(value: Any) -> list[Any]:
    """Return what IAM allows to be one or many as many."""
    return value if isinstance(value, list) else [value]


def statements(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Return the statements of a policy document."""
    yield from as_list(document["Statement"])


def role_statements(role: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Return every statement of a role's inline policies."""
    for policy in role["Policies"]:
        yield from statements(policy["PolicyDocument"])


class _NoManagedPolicies:
    """SAM asks for the ARNs of managed policies by name; the template uses none."""

    def load(self) -> dict[str, str]:
        return {}
