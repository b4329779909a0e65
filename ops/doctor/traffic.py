"""Validations 20 to 23: load balancer, target groups, and whether live releases are healthy."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from core.adapters.aws.errors import calling
from ops.doctor.model import Check, Evidence, Finding, NotReadableError, doubtful, judged
from ops.doctor.sources import Sources, named
from ops.reading import Unknown, read_parts

VISITED: Final = (
    "it is internal, and answers in the VPC only: every promotion visits its release by host name "
    "before and after the switch, and looks again hours later"
)


def read_load_balancer(sources: Sources) -> Evidence:
    """Read the load balancer."""
    arn = sources.setting("load_balancer_arn")
    with calling("ELB", f"load balancer {arn}"):
        found = sources.client("elbv2").describe_load_balancers(LoadBalancerArns=[arn])
    one = found["LoadBalancers"][0] if found["LoadBalancers"] else {}
    return {
        "name": one.get("LoadBalancerName"),
        "state": one.get("State", {}).get("Code"),
        "scheme": one.get("Scheme"),
        "dns": one.get("DNSName"),
    }


def judge_load_balancer(evidence: Evidence) -> Finding:
    """It is active, and internal."""
    name, state = evidence["name"], evidence["state"]
    problems = [] if state == "active" else [f"{name or 'it'} is {state or 'not there'}"]
    if evidence["scheme"] not in {None, "internal"}:
        problems.append(f"{name} is {evidence['scheme']}")
    return judged(problems, f"{name} active, {evidence['dns']}")


def read_target_groups(sources: Sources) -> Evidence:
    """Read how each target group finds out what is healthy."""
    return {
        one["TargetGroupName"]: {
            "path": one.get("HealthCheckPath"),
            "checked": one.get("HealthCheckEnabled", True),
        }
        for one in sources.target_groups
    }


def judge_target_groups(evidence: Evidence) -> Finding:
    """Each checks its targets' health."""
    if not evidence:
        return doubtful("there is none: no release has been built yet")
    blind = [name for name, one in evidence.items() if not (one["checked"] and one["path"])]
    problems = [f"no health check: {named(blind)}"] if blind else []
    return judged(problems, f"{len(evidence)} target groups, each with a health check")


def read_health(sources: Sources) -> Evidence:
    """Read the targets of each group, and which groups are live.

    A group that went while they were read is not there: a live site without one fails.
    """
    elbv2 = sources.client("elbv2")
    arns = {one["TargetGroupArn"]: one["TargetGroupName"] for one in sources.target_groups}
    answers = read_parts(
        {arn: partial(elbv2.describe_target_health, TargetGroupArn=arn) for arn in arns}
    )
    groups = {}
    for arn, answer in answers.items():
        if not isinstance(answer, Unknown):
            groups[arns[arn]] = _states(answer)
        elif not answer.absent:
            raise NotReadableError(answer.why)
    return {"groups": groups, "live": _live(sources, arns)}


def judge_health(evidence: Evidence) -> Finding:
    """Every live site has a healthy target, and no group has unhealthy ones only."""
    problems = []
    for site, group in evidence["live"].items():
        if not _is_healthy(evidence["groups"].get(group)):
            problems.append(f"{site} has no healthy target in {group}")
    told = set(evidence["live"].values())
    problems += [
        f"{group} has unhealthy targets only"
        for group, states in evidence["groups"].items()
        if states and group not in told and not _is_healthy(states)
    ]
    return judged(problems, f"{len(evidence['live'])} live sites are healthy")


def _is_healthy(states: list[str] | None) -> bool:
    return "healthy" in (states or [])


def _states(answer: Any) -> list[str]:
    return [one["TargetHealth"]["State"] for one in answer["TargetHealthDescriptions"]]


def _live(sources: Sources, groups: dict[str, str]) -> dict[str, str]:
    live = {}
    for site in sources.live_sites:
        release = sources.live_release(site)
        if release is not None and release.target_group_arn and site.isolation_level == 1:
            arn = release.target_group_arn
            live[f"{site.tenant_id}/{site.site_id}"] = groups.get(arn, arn)
    return live


CHECKS: Final = (
    Check(
        number="20",
        title="load balancer",
        read=read_load_balancer,
        judge=judge_load_balancer,
        fix="aws elbv2 describe-load-balancers --load-balancer-arns {load_balancer_arn}",
    ),
    Check(
        number="21",
        title="target groups",
        read=read_target_groups,
        judge=judge_target_groups,
        fix="aws elbv2 modify-target-group --target-group-arn <arn> --health-check-path /",
    ),
    Check(
        number="22",
        title="targets are healthy",
        read=read_health,
        judge=judge_health,
        fix="aws ecs update-service --cluster {cluster} --service <service> --force-new-deployment",
    ),
    Check(
        number="23",
        title="load balancer answers",
        instead=VISITED,
        fix="sitefleet operations list --env {environment} --site-id <site> --tenant-id <tenant>",
    ),
)
