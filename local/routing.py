"""Where a request goes: DNS record, listener rule, target group, healthy target.

Everything is read from the emulator for each request; only DNS records and target health may be
20 milliseconds old. Rules are always read anew, so that a ModifyRule moves the very next request.
"""

from __future__ import annotations

import fnmatch
import itertools
import threading
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from local.cloud import ACCOUNTS

if TYPE_CHECKING:
    from mypy_boto3_elbv2.type_defs import ActionOutputTypeDef, RuleTypeDef

    from local.cloud import Cloud, EnvironmentName
    from local.platform import Platform

CACHE_SECONDS = 0.02
_DEFAULT = "default"


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a request is sent."""

    environment: EnvironmentName
    host: str
    port: int
    target_group: str
    load_balancer: str


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a request is answered by the proxy itself."""

    status: HTTPStatus
    sentence: str
    environment: EnvironmentName | None = None
    load_balancer: str = ""
    target_group: str = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a rule answers by itself: a fixed response."""

    status: HTTPStatus
    content_type: str
    body: str


class Routing:
    """Looks a host name up the way the internet and the load balancer would."""

    def __init__(
        self,
        clouds: Mapping[EnvironmentName, Cloud],
        platforms: Mapping[EnvironmentName, Platform],
    ) -> None:
        self._clouds = clouds
        self._platforms = platforms
        self._recent = _Recent()
        self._turns = itertools.count()

    def resolve(self, host: str) -> Target | Page | Refusal:
        """Return where requests for a host name go at this moment."""
        environment = environment_of(host)
        if environment is None:
            return self._of_customer(host)
        if not self._recent.get(("dns", host), lambda: self._has_record(environment, host)):
            domain = ACCOUNTS[environment].domain
            return Refusal(
                status=HTTPStatus.NOT_FOUND,
                sentence=f"The zone {domain} has no record of {host} that leads to {environment}'s "
                "load balancer.",
                environment=environment,
            )
        return self._follow_rules(environment, host)

    def _of_customer(self, host: str) -> Target | Page | Refusal:
        """Follow a domain that is no environment's: its owner's DNS is taken to lead here."""
        for environment, platform in self._platforms.items():
            rules = self._clouds[environment].elbv2.describe_rules(
                ListenerArn=platform.listener_arn
            )
            if matching_rule(rules["Rules"], host) is not None:
                return self._follow_rules(environment, host)
        return Refusal(status=HTTPStatus.NOT_FOUND, sentence=f"{host} belongs to no environment.")

    def _follow_rules(self, environment: EnvironmentName, host: str) -> Target | Page | Refusal:
        platform = self._platforms[environment]
        rules = self._clouds[environment].elbv2.describe_rules(ListenerArn=platform.listener_arn)
        rule = matching_rule(rules["Rules"], host)
        page = _page(rule.get("Actions", [])) if rule else None
        if page is not None:
            return page
        target_group = _forward_group(rule.get("Actions", [])) if rule else None
        if target_group is None:
            return Refusal(
                status=HTTPStatus.NOT_FOUND,
                sentence=f"The load balancer of {environment} has no rule for {host}.",
                environment=environment,
                load_balancer=platform.load_balancer_arn,
            )
        targets = self._recent.get(
            ("health", target_group), lambda: self._healthy_targets(environment, target_group)
        )
        if not targets:
            return Refusal(
                status=HTTPStatus.SERVICE_UNAVAILABLE,
                sentence=f"No container of {host} is healthy.",
                environment=environment,
                load_balancer=platform.load_balancer_arn,
                target_group=target_group,
            )
        address, port = targets[next(self._turns) % len(targets)]
        return Target(
            environment=environment,
            host=address,
            port=port,
            target_group=target_group,
            load_balancer=platform.load_balancer_arn,
        )

    def _has_record(self, environment: EnvironmentName, host: str) -> bool:
        platform = self._platforms[environment]
        found = self._clouds[environment].route53.list_resource_record_sets(
            HostedZoneId=platform.hosted_zone_id, StartRecordName=host, MaxItems="2"
        )
        wanted = platform.load_balancer_dns.lower()
        for record in found["ResourceRecordSets"]:
            if record["Name"].rstrip(".").lower() != host:
                continue
            alias = record.get("AliasTarget", {}).get("DNSName", "")
            values = [alias, *(entry["Value"] for entry in record.get("ResourceRecords", []))]
            if any(_same_name(value, wanted) for value in values):
                return True
        return False

    def _healthy_targets(
        self, environment: EnvironmentName, target_group: str
    ) -> Sequence[tuple[str, int]]:
        described = self._clouds[environment].elbv2.describe_target_health(
            TargetGroupArn=target_group
        )
        return [
            (entry["Target"]["Id"], entry["Target"].get("Port", 80))
            for entry in described["TargetHealthDescriptions"]
            if entry.get("TargetHealth", {}).get("State") == "healthy" and "Target" in entry
        ]


def environment_of(host: str) -> EnvironmentName | None:
    """Return the environment whose domain a host name lies directly below."""
    _, _, domain = host.partition(".")
    for account in ACCOUNTS.values():
        if account.domain == domain:
            return account.environment
    return None


def matching_rule(rules: Sequence[RuleTypeDef], host: str) -> RuleTypeDef | None:
    """Return the rule with the lowest priority whose host-header condition matches."""
    candidates = [rule for rule in rules if rule.get("Priority") != _DEFAULT]
    for rule in sorted(candidates, key=lambda rule: int(rule.get("Priority", "0"))):
        patterns = [
            pattern
            for condition in rule.get("Conditions", [])
            if condition.get("Field") == "host-header"
            for pattern in condition.get("HostHeaderConfig", {}).get("Values", [])
            or condition.get("Values", [])
        ]
        if any(fnmatch.fnmatchcase(host, pattern.lower()) for pattern in patterns):
            return rule
    return None


def _forward_group(actions: Sequence[ActionOutputTypeDef]) -> str | None:
    for action in actions:
        if action["Type"] != "forward":
            continue
        if "TargetGroupArn" in action:
            return action["TargetGroupArn"]
        groups = action.get("ForwardConfig", {}).get("TargetGroups", [])
        weighted = [group for group in groups if group.get("Weight", 1) > 0]
        if weighted:
            return weighted[0].get("TargetGroupArn")
    return None


def _page(actions: Sequence[ActionOutputTypeDef]) -> Page | None:
    for action in actions:
        if action["Type"] == "fixed-response":
            response = action.get("FixedResponseConfig", {})
            return Page(
                status=HTTPStatus(int(response.get("StatusCode", "503"))),
                content_type=response.get("ContentType", "text/plain"),
                body=response.get("MessageBody", ""),
            )
    return None


def _same_name(value: str, wanted: str) -> bool:
    """Route 53's console and some tools put `dualstack.` before a load balancer's name."""
    return value.rstrip(".").lower().removeprefix("dualstack.") == wanted


class _Recent:
    """Answers that may be a few milliseconds old."""

    def __init__(self) -> None:
        self._answers: dict[Hashable, tuple[float, object]] = {}
        self._lock = threading.Lock()

    def get[T](self, key: Hashable, ask: Callable[[], T]) -> T:
        with self._lock:
            known = self._answers.get(key)
        if known is not None and time.monotonic() - known[0] < CACHE_SECONDS:
            return known[1]  # type: ignore[return-value]  # stored below under the same key
        asked_at = time.monotonic()
        answer = ask()
        with self._lock:
            self._answers[key] = (asked_at, answer)
        return answer
