"""The rules of one listener: found by host name, made with a priority that nobody else has.

AWS refuses a taken priority (PriorityInUse). An emulator may accept it, so what was made is read
again, and whoever then sees another rule with its priority moves on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from core.adapters.aws.errors import calling, code_of
from core.adapters.aws.retries import briefly
from core.adapters.aws.session import AwsClients
from core.domain.errors import NotFoundError, SitefleetError, TransientError
from core.ports.platform import ListenerRule

if TYPE_CHECKING:
    from mypy_boto3_elbv2.type_defs import (
        ActionTypeDef,
        FixedResponseActionConfigTypeDef,
        RuleConditionTypeDef,
        RuleTypeDef,
        TagTypeDef,
    )

MAX_PRIORITY: Final = 50_000
MAX_TRIES: Final = 3
MAX_MOVES: Final = 20
PRIORITY_TAKEN: Final = "PriorityInUse"
MISSING: Final = "RuleNotFound"
UNAVAILABLE: Final = "503"


class PriorityTakenError(TransientError):
    """Somebody else took the priority between the look and the call."""


class ListenerRules:
    """One rule per site: its host name first, then those of a domain of its own."""

    def __init__(self, *, clients: AwsClients, listener_arn: str) -> None:
        self._clients = clients
        self._listener_arn = listener_arn

    def find(self, host: str) -> ListenerRule | None:
        return next((rule for rule in self._all() if host in (rule.host, *rule.aliases)), None)

    def create(self, host: str, target_group_arn: str, tags: Sequence[TagTypeDef]) -> ListenerRule:
        def create_at_a_free_priority() -> ListenerRule:
            priority = free_priority(host, {rule.priority for rule in self._all()})
            made = self._create(host, target_group_arn, priority, tags)
            if made is None:
                raise PriorityTakenError(
                    f"Others took every priority that was tried for {host}.",
                    retry_after_seconds=2,
                )
            return self._settled(made)

        return briefly(PriorityTakenError, attempts=MAX_TRIES)(create_at_a_free_priority)

    def point(self, rule: ListenerRule, target_group_arn: str) -> ListenerRule:
        """Move the pointer; raises NotFoundError when the rule has gone."""
        return self._modify(rule, {"Type": "forward", "TargetGroupArn": target_group_arn})

    def lead(
        self, rule: ListenerRule, aliases: tuple[str, ...], target_group_arn: str
    ) -> ListenerRule:
        """Change host names and target at once; raises NotFoundError when the rule has gone."""
        action: ActionTypeDef = {"Type": "forward", "TargetGroupArn": target_group_arn}
        return self._modify(rule, action, (rule.host, *aliases))

    def answer(self, rule: ListenerRule, page: str) -> ListenerRule:
        """Answer 503 with a page; raises NotFoundError when the rule has gone."""
        response: FixedResponseActionConfigTypeDef = {
            "StatusCode": UNAVAILABLE,
            "ContentType": "text/html",
            "MessageBody": page,
        }
        return self._modify(rule, {"Type": "fixed-response", "FixedResponseConfig": response})

    def delete(self, rule: ListenerRule) -> None:
        with calling("ELB", f"listener rule of {rule.host}"):
            try:
                self._clients.elbv2.delete_rule(RuleArn=rule.arn)
            except ClientError as error:
                if code_of(error) != MISSING:
                    raise

    # --- calls -----------------------------------------------------------------------------

    def _modify(
        self, rule: ListenerRule, action: ActionTypeDef, hosts: tuple[str, ...] = ()
    ) -> ListenerRule:
        """Change what a rule does, and its host names where some are given."""
        request: dict[str, Any] = {"RuleArn": rule.arn, "Actions": [action]}
        if hosts:
            request["Conditions"] = [_condition(hosts)]
        with calling("ELB", f"listener rule of {rule.host}"):
            try:
                answer = self._clients.elbv2.modify_rule(**request)
            except ClientError as error:
                if code_of(error) == MISSING:
                    raise NotFoundError(
                        f"The listener rule of {rule.host} does not exist any more."
                    ) from error
                raise
        return _rule(answer["Rules"][0]) or rule

    def _all(self) -> Sequence[ListenerRule]:
        """Every rule for a host name; the default rule has none."""
        with calling("ELB", f"listener {self._listener_arn}"):
            pages = self._clients.elbv2.get_paginator("describe_rules").paginate(
                ListenerArn=self._listener_arn
            )
            found = [_rule(rule) for page in pages for rule in page["Rules"]]
        return [rule for rule in found if rule is not None]

    def _create(
        self, host: str, target_group_arn: str, priority: int, tags: Sequence[TagTypeDef]
    ) -> ListenerRule | None:
        """Return the rule; None when the priority was taken in the meantime."""
        with calling("ELB", f"listener rule of {host}"):
            try:
                answer = self._clients.elbv2.create_rule(
                    ListenerArn=self._listener_arn,
                    Priority=priority,
                    Conditions=[_condition((host,))],
                    Actions=[{"Type": "forward", "TargetGroupArn": target_group_arn}],
                    Tags=tags,
                )
            except ClientError as error:
                if code_of(error) == PRIORITY_TAKEN:
                    return None
                raise
        return _rule(answer["Rules"][0])

    def _settled(self, made: ListenerRule) -> ListenerRule:
        """Look again after every write, and give way to whoever has the same priority.

        Of two that have the same one, whoever wrote later sees the other when it looks.
        """
        for attempt in range(MAX_MOVES):
            rules = self._all()
            if not any(r.priority == made.priority and r.arn != made.arn for r in rules):
                return made
            taken = {rule.priority for rule in rules}
            made = self._moved(made, free_priority(f"{made.host}#{attempt}", taken))
        raise PriorityTakenError(f"Others took every priority that was tried for {made.host}.")

    def _moved(self, rule: ListenerRule, priority: int) -> ListenerRule:
        with calling("ELB", f"listener rule of {rule.host}"):
            answer = self._clients.elbv2.set_rule_priorities(
                RulePriorities=[{"RuleArn": rule.arn, "Priority": priority}]
            )
        return _rule(answer["Rules"][0]) or rule


def free_priority(host: str, taken: set[int]) -> int:
    """Return the first free priority from a start that follows from the host.

    Two sites that are made at once start at different places, so they rarely meet.
    """
    start = int(hashlib.sha256(host.encode()).hexdigest(), 16) % MAX_PRIORITY
    for step in range(MAX_PRIORITY):
        priority = (start + step) % MAX_PRIORITY + 1
        if priority not in taken:
            return priority
    raise SitefleetError(f"Every one of the listener's {MAX_PRIORITY} priorities is taken.")


def _rule(rule: RuleTypeDef) -> ListenerRule | None:
    """Read a rule that sends one host name to one target group, or answers 503 by itself.

    None for any other.
    """
    hosts = [host for condition in rule.get("Conditions", []) for host in _hosts(dict(condition))]
    targets = [action["TargetGroupArn"] for action in rule.get("Actions", []) if _forwards(action)]
    priority = rule.get("Priority", "default")
    answers = any(_answers(action) for action in rule.get("Actions", []))
    if not hosts or not (targets or answers) or not priority.isdigit():
        return None
    return ListenerRule(
        arn=rule["RuleArn"],
        host=hosts[0],
        target_group_arn=targets[0] if targets else "",
        priority=int(priority),
        aliases=tuple(hosts[1:]),
    )


def _condition(hosts: Sequence[str]) -> RuleConditionTypeDef:
    return {"Field": "host-header", "HostHeaderConfig": {"Values": list(hosts)}}


def _forwards(action: object) -> bool:
    return isinstance(action, dict) and "TargetGroupArn" in action


def _answers(action: object) -> bool:
    if not isinstance(action, dict):
        return False
    response = action.get("FixedResponseConfig")
    return isinstance(response, dict) and response.get("StatusCode") == UNAVAILABLE


def _hosts(condition: dict[str, object]) -> Sequence[str]:
    if condition.get("Field") != "host-header":
        return []
    config = condition.get("HostHeaderConfig")
    values = config.get("Values") if isinstance(config, dict) else condition.get("Values")
    return [str(value) for value in values] if isinstance(values, list) else []
