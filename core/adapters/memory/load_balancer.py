"""Twin of target groups and listener rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count

from core.adapters.memory.world import World
from core.domain.errors import NotFoundError, TransientError
from core.domain.names import ReleaseNames
from core.domain.room import Room
from core.ports.platform import ListenerRule


class MemoryLoadBalancer:
    """Rules by host name; a rule is made once, then moved."""

    def __init__(self, world: World) -> None:
        self.world = world

    def ensure_target_group(self, names: ReleaseNames, tags: Mapping[str, str]) -> str:
        found = self.world.target_groups.get(names.target_group)
        if found is None:
            found = self.world.arn("elasticloadbalancing", f"targetgroup/{names.target_group}")
            self.world.target_groups[names.target_group] = found
            self.world.tags[found] = dict(tags)
        return found

    def delete_target_group(self, names: ReleaseNames) -> None:
        arn = self.world.target_groups.get(names.target_group)
        if arn in [rule.target_group_arn for rule in self.world.rules.values()]:
            raise TransientError(f"Target group {names.target_group} is in use by a rule.")
        self.world.target_groups.pop(names.target_group, None)

    def find_rule(self, host: str) -> ListenerRule | None:
        rules = self.world.rules.values()
        return next((rule for rule in rules if host in (rule.host, *rule.aliases)), None)

    def create_rule(
        self, host: str, target_group_arn: str, tags: Mapping[str, str]
    ) -> ListenerRule:
        found = self.find_rule(host)
        if found is not None:
            return found
        taken = {rule.priority for rule in self.world.rules.values()}
        rule = ListenerRule(
            arn=self.world.arn("elasticloadbalancing", "listener-rule"),
            host=host,
            target_group_arn=target_group_arn,
            priority=next(number for number in count(1) if number not in taken),
        )
        self.world.rules[host] = rule
        self.world.tags[rule.arn] = dict(tags)
        return rule

    def point_rule(self, rule: ListenerRule, target_group_arn: str) -> ListenerRule:
        if rule.host not in self.world.rules:
            raise NotFoundError(f"The listener rule of {rule.host} does not exist any more.")
        self.world.pages.pop(rule.host, None)
        return self._moved(rule, target_group_arn)

    def answer_rule(self, rule: ListenerRule, page: str) -> ListenerRule:
        if rule.host not in self.world.rules:
            raise NotFoundError(f"The listener rule of {rule.host} does not exist any more.")
        self.world.pages[rule.host] = page
        return self._moved(rule, "")

    def lead_rule(
        self, rule: ListenerRule, aliases: tuple[str, ...], target_group_arn: str
    ) -> ListenerRule:
        led = replace(self.point_rule(rule, target_group_arn), aliases=aliases)
        self.world.rules[rule.host] = led
        return led

    def has_certificate(self, host: str, certificate_arn: str) -> bool:
        return (host, certificate_arn) in self.world.listener_certificates

    def attach_certificate(self, host: str, certificate_arn: str) -> None:
        self.world.listener_certificates.add((host, certificate_arn))

    def detach_certificate(self, host: str, certificate_arn: str) -> None:
        self.world.listener_certificates.discard((host, certificate_arn))

    def delete_rule(self, host: str) -> None:
        self.world.rules.pop(host, None)
        self.world.pages.pop(host, None)

    def room(self, level: int) -> Room:  # noqa: ARG002 - one load balancer here
        """A target group costs a rule, too: the one under which its release is previewed."""
        groups = len(self.world.target_groups)
        rules = len(self.world.rules) + groups
        return Room(
            rules=max(0, self.world.rule_quota - rules),
            target_groups=max(0, self.world.target_group_quota - groups),
        )

    def address(self, host: str | None = None) -> str:  # noqa: ARG002 - one load balancer here
        return f"{self.world.load_balancer_name}:443"

    def _moved(self, rule: ListenerRule, target_group_arn: str) -> ListenerRule:
        moved = replace(self.world.rules[rule.host], target_group_arn=target_group_arn)
        self.world.rules[rule.host] = moved
        return moved
