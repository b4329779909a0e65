"""Target groups and listener rules of the environment's load balancers, one per isolation level.

Every target group has a preview rule of its own (`<target group>.release.internal`) from its first
moment to its last: ECS refuses to make a service whose target group no listener uses, and targets
of an unused group are never checked ("Target.NotInUse"). So a release can be proved healthy before
a visitor sees it, and the one before is still healthy when it is switched back to. A release costs
one rule (quota: 100 per load balancer, adjustable) and one of the 100 target groups that a load
balancer may have, which is not adjustable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from core.adapters.aws.errors import calling, code_of
from core.adapters.aws.listener_rules import ListenerRules
from core.adapters.aws.session import AwsClients
from core.adapters.site_networks import SiteNetwork, SiteNetworks
from core.domain.errors import NotFoundError
from core.domain.names import ReleaseNames
from core.domain.room import MOST_TARGET_GROUPS, Room
from core.ports.platform import ListenerRule

if TYPE_CHECKING:
    from mypy_boto3_elbv2.type_defs import ActionOutputTypeDef, RuleTypeDef, TagTypeDef

DEREGISTRATION_SECONDS: Final = 30
"""How long a target that leaves may finish its requests (the default of 300 s delays deletion)."""
HEALTH_CHECK_PATH: Final = "/wp-login.php"
"""Needs PHP, the database and the content; answers 200 or, before https, a redirect."""
MISSING_GROUP: Final = "TargetGroupNotFound"


class ElbLoadBalancer:
    """Finds by name or host before it makes; the pointer of a site is one rule's forward action."""

    def __init__(
        self,
        *,
        clients: AwsClients,
        networks: SiteNetworks,
        rule_quota: int = 100,
        target_group_quota: int = MOST_TARGET_GROUPS,
    ) -> None:
        self._clients = clients
        self._networks = networks
        self._rule_quota = rule_quota
        self._target_group_quota = target_group_quota

    def ensure_target_group(self, names: ReleaseNames, tags: Mapping[str, str]) -> str:
        arn = self._find_group(names) or self._create_group(names, tags)
        with calling("ELB", f"target group {names.target_group}"):
            self._clients.elbv2.modify_target_group_attributes(
                TargetGroupArn=arn,
                Attributes=[
                    {
                        "Key": "deregistration_delay.timeout_seconds",
                        "Value": str(DEREGISTRATION_SECONDS),
                    }
                ],
            )
        rules = self._rules(self._network(names))
        if rules.find(preview_host(names)) is None:
            rules.create(preview_host(names), arn, _tags(names.target_group, tags))
        return arn

    def delete_target_group(self, names: ReleaseNames) -> None:
        """Delete with its preview rule; TransientError while a site's rule still points at it."""
        self.delete_rule(preview_host(names))
        arn = self._find_group(names)
        if arn is None:
            return
        with calling("ELB", f"target group {names.target_group}"):
            self._clients.elbv2.delete_target_group(TargetGroupArn=arn)

    def find_rule(self, host: str) -> ListenerRule | None:
        """Look through the listeners of every level: a host name has one rule."""
        found = (self._rules(network).find(host) for network in self._networks.all())
        return next((rule for rule in found if rule is not None), None)

    def create_rule(
        self, host: str, target_group_arn: str, tags: Mapping[str, str]
    ) -> ListenerRule:
        """Return the rule that is there already as it stands, else make it."""
        found = self.find_rule(host)
        if found is not None:
            return found
        rules = self._rules(self._network_of_group(target_group_arn))
        return rules.create(host, target_group_arn, _tags(host, tags))

    def point_rule(self, rule: ListenerRule, target_group_arn: str) -> ListenerRule:
        return self._any_rules.point(rule, target_group_arn)

    def answer_rule(self, rule: ListenerRule, page: str) -> ListenerRule:
        return self._any_rules.answer(rule, page)

    def lead_rule(
        self, rule: ListenerRule, aliases: tuple[str, ...], target_group_arn: str
    ) -> ListenerRule:
        return self._any_rules.lead(rule, aliases, target_group_arn)

    def has_certificate(self, host: str, certificate_arn: str) -> bool:
        listener_arn = self._network_of_host(host).listener_arn
        with calling("ELB", f"certificates of {listener_arn}"):
            pages = self._clients.elbv2.get_paginator("describe_listener_certificates").paginate(
                ListenerArn=listener_arn
            )
            found = [c.get("CertificateArn") for page in pages for c in page["Certificates"]]
        return certificate_arn in found

    def attach_certificate(self, host: str, certificate_arn: str) -> None:
        with calling("ELB", f"certificate {certificate_arn}"):
            self._clients.elbv2.add_listener_certificates(
                ListenerArn=self._network_of_host(host).listener_arn,
                Certificates=[{"CertificateArn": certificate_arn}],
            )

    def detach_certificate(self, host: str, certificate_arn: str) -> None:
        with calling("ELB", f"certificate {certificate_arn}"):
            self._clients.elbv2.remove_listener_certificates(
                ListenerArn=self._network_of_host(host).listener_arn,
                Certificates=[{"CertificateArn": certificate_arn}],
            )

    def delete_rule(self, host: str) -> None:
        for network in self._networks.all():
            rules = self._rules(network)
            found = rules.find(host)
            if found is not None:
                rules.delete(found)

    def room(self, level: int) -> Room:
        """Both quotas are the load balancer's, over all its listeners; default rules are no rules.

        A target group counts once, however many actions lead to it, also a default one.
        """
        rules = self._every_rule(self._networks.at(level))
        used = sum(not rule.get("IsDefault", False) for rule in rules)
        groups = {arn for rule in rules for action in rule["Actions"] for arn in _targets(action)}
        return Room(
            rules=max(0, self._rule_quota - used),
            target_groups=max(0, self._target_group_quota - len(groups)),
        )

    def address(self, host: str | None = None) -> str:
        network = self._network_of_host(host)
        with calling("ELB", f"load balancer {network.load_balancer_arn}"):
            balancers = self._clients.elbv2.describe_load_balancers(
                LoadBalancerArns=[network.load_balancer_arn]
            )["LoadBalancers"]
            listeners = self._clients.elbv2.describe_listeners(ListenerArns=[network.listener_arn])[
                "Listeners"
            ]
        if not balancers or not listeners:
            raise NotFoundError(f"There is no load balancer {network.load_balancer_arn}.")
        return f"{balancers[0]['DNSName']}:{listeners[0]['Port']}"

    def load_balancer_of(self, host: str) -> str:
        """Return the ARN of the load balancer that has the host's rule."""
        return self._network_of_host(host).load_balancer_arn

    # --- networks ------------------------------------------------------------------------------

    @property
    def _any_rules(self) -> ListenerRules:
        """For calls that name the rule by its ARN: the listener does not matter."""
        return self._rules(self._networks.all()[0])

    def _rules(self, network: SiteNetwork) -> ListenerRules:
        return ListenerRules(clients=self._clients, listener_arn=network.listener_arn)

    def _network(self, names: ReleaseNames) -> SiteNetwork:
        return self._networks.of(names.site.tenant_id, names.site.site_id)

    def _network_of_host(self, host: str | None) -> SiteNetwork:
        """Return the network with the host's rule; the shared one where there is none."""
        networks = self._networks.all()
        if host is None or len(networks) == 1:
            return networks[0]
        return next((n for n in networks if self._rules(n).find(host) is not None), networks[0])

    def _network_of_group(self, target_group_arn: str) -> SiteNetwork:
        """A listener can only send to target groups of its own network."""
        networks = self._networks.all()
        if len(networks) == 1:
            return networks[0]
        with calling("ELB", f"target group {target_group_arn}"):
            answer = self._clients.elbv2.describe_target_groups(TargetGroupArns=[target_group_arn])
        vpc_ids = {group.get("VpcId") for group in answer["TargetGroups"]}
        return next((network for network in networks if network.vpc_id in vpc_ids), networks[0])

    def _every_rule(self, network: SiteNetwork) -> Sequence[RuleTypeDef]:
        with calling("ELB", f"load balancer {network.load_balancer_arn}"):
            listeners = self._clients.elbv2.get_paginator("describe_listeners").paginate(
                LoadBalancerArn=network.load_balancer_arn
            )
            arns = [one["ListenerArn"] for page in listeners for one in page["Listeners"]]
            describe = self._clients.elbv2.get_paginator("describe_rules").paginate
            pages = [page for arn in arns for page in describe(ListenerArn=arn)]
        return [rule for page in pages for rule in page["Rules"]]

    # --- target groups -----------------------------------------------------------------------

    def _find_group(self, names: ReleaseNames) -> str | None:
        with calling("ELB", f"target group {names.target_group}"):
            try:
                answer = self._clients.elbv2.describe_target_groups(Names=[names.target_group])
            except ClientError as error:
                if code_of(error) == MISSING_GROUP:
                    return None
                raise
        return answer["TargetGroups"][0]["TargetGroupArn"] if answer["TargetGroups"] else None

    def _create_group(self, names: ReleaseNames, tags: Mapping[str, str]) -> str:
        with calling("ELB", f"target group {names.target_group}"):
            answer = self._clients.elbv2.create_target_group(
                Name=names.target_group,
                Protocol="HTTP",
                Port=80,
                VpcId=self._network(names).vpc_id,
                TargetType="ip",
                HealthCheckPath=HEALTH_CHECK_PATH,
                HealthCheckIntervalSeconds=10,
                HealthCheckTimeoutSeconds=5,
                HealthyThresholdCount=2,
                UnhealthyThresholdCount=3,
                Matcher={"HttpCode": "200-399"},
                Tags=_tags(names.target_group, tags),
            )
        return answer["TargetGroups"][0]["TargetGroupArn"]


def preview_host(names: ReleaseNames) -> str:
    """Return the host name under which the load balancer serves a release that is not live."""
    return f"{names.target_group}.release.internal"


def _targets(action: ActionOutputTypeDef) -> Sequence[str]:
    """Return where an action leads: one target group, or several with weights."""
    weighted = action.get("ForwardConfig", {}).get("TargetGroups", [])
    found = [action.get("TargetGroupArn"), *(group.get("TargetGroupArn") for group in weighted)]
    return [arn for arn in found if arn]


def _tags(name: str, tags: Mapping[str, str]) -> list[TagTypeDef]:
    """ELB takes no empty list of tags: the name is always one."""
    return [{"Key": key, "Value": value} for key, value in {"Name": name, **tags}.items()]
