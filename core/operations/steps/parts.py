"""The state of each part of a site, read as it is: for the person who has to act at night."""

from __future__ import annotations

from collections.abc import Mapping

from core.domain.names import host
from core.domain.operation import Facts, Json
from core.engine.step import StepContext
from core.ports.platform import ListenerRule


def state_of_parts(context: StepContext) -> Facts:
    """Return where the pointer and the name lead, and how each release stands."""
    operation, ports = context.operation, context.ports
    site = ports.sites.get(operation.tenant_id, operation.site_id)
    if site is None:
        return {"site": "There is no record of the site."}
    name = host(site.subdomain, context.policy.here.domain)
    releases = ports.sites.list_releases(operation.tenant_id, operation.site_id)
    by_target_group = {r.target_group_arn: r.number for r in releases if r.target_group_arn}
    rule = ports.load_balancer.find_rule(name)
    record = ports.dns.find(name)
    standing: dict[str, Json] = {f"r{r.number}": r.status.value for r in releases[-4:]}
    return {
        "pointer": _pointer(rule, by_target_group),
        "recordedLive": f"r{site.live_release}" if site.live_release else "none",
        "name": f"{name} -> {record.target if record else 'no record'}",
        "releases": standing,
    }


def _pointer(rule: ListenerRule | None, by_target_group: Mapping[str, int]) -> str:
    if rule is None:
        return "no rule"
    if not rule.target_group_arn:
        return "closed: the rule answers 503 by itself"
    return f"r{by_target_group.get(rule.target_group_arn, '?')}"
