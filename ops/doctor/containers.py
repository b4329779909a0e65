"""Validations 16 to 19: cluster, services, tasks, and the jobs' task definition."""

from __future__ import annotations

from typing import Final

from botocore.exceptions import ClientError

from ops.doctor.model import Check, Evidence, Finding, bad, judged
from ops.doctor.sources import Sources, named

NO_REVISION: Final = "Unable to describe task definition"
"""ECS has no code of its own for a family that has no active revision."""


def read_cluster(sources: Sources) -> Evidence:
    """Read the cluster."""
    name = sources.setting("cluster")
    found = sources.client("ecs").describe_clusters(clusters=[name])["clusters"]
    one = found[0] if found else {}
    return {"name": name, "status": one.get("status"), "running": one.get("runningTasksCount", 0)}


def judge_cluster(evidence: Evidence) -> Finding:
    """It is active."""
    name, status = evidence["name"], evidence["status"]
    problems = [] if status == "ACTIVE" else [f"{name} is {status or 'not there'}"]
    return judged(problems, f"{name} is ACTIVE")


def read_services(sources: Sources) -> Evidence:
    """Read how many tasks each service wants and has."""
    return {
        one["serviceName"]: {
            "status": one["status"],
            "desired": one["desiredCount"],
            "running": one["runningCount"],
        }
        for one in sources.services
    }


def judge_services(evidence: Evidence) -> Finding:
    """Every service is active."""
    others = [f"{name} is {s['status']}" for name, s in evidence.items() if s["status"] != "ACTIVE"]
    return judged(others, f"{len(evidence)} services are ACTIVE")


def judge_tasks(evidence: Evidence) -> Finding:
    """Every service has as many tasks as it wants."""
    short = [
        f"{name} runs {one['running']} of {one['desired']}"
        for name, one in evidence.items()
        if one["running"] < one["desired"]
    ]
    running = sum(one["running"] for one in evidence.values())
    return judged(short, f"{running} tasks of {len(evidence)} services run")


def read_task_definition(sources: Sources) -> Evidence:
    """Read the newest revision of the jobs' family."""
    family = sources.setting("migrator_family")
    try:
        answer = sources.client("ecs").describe_task_definition(taskDefinition=family)
    except ClientError as error:
        if NO_REVISION in str(error):
            return {"family": family, "found": False}
        raise
    found = answer["taskDefinition"]
    names = ("status", "networkMode", "taskRoleArn", "executionRoleArn", "cpu", "memory")
    images = [one["image"] for one in found.get("containerDefinitions", [])]
    told = {name: found.get(name) for name in names}
    return {"family": family, "found": True, "images": images, **told}


def judge_task_definition(evidence: Evidence) -> Finding:
    """It is active, has both roles, a network of its own, and an image pinned by digest."""
    family = evidence["family"]
    if not evidence["found"]:
        return bad(f"{family} is not there")
    problems = [] if evidence["status"] in {None, "ACTIVE"} else [f"{family} is not ACTIVE"]
    problems += [
        f"{family} has no {name}"
        for name in ("taskRoleArn", "executionRoleArn")
        if not evidence[name]
    ]
    if evidence["networkMode"] != "awsvpc":
        problems.append(f"its network mode is {evidence['networkMode']}")
    loose = [image for image in evidence["images"] if "@sha256:" not in image]
    problems += [f"not pinned by digest: {named(loose)}"] if loose else []
    size = f"{evidence['cpu']} CPU units, {evidence['memory']} MiB"
    return judged(problems, f"{family}, {size}")


CHECKS: Final = (
    Check(
        number="16",
        title="cluster",
        read=read_cluster,
        judge=judge_cluster,
        fix="aws ecs create-cluster --cluster-name {cluster}",
    ),
    Check(
        number="17",
        title="services",
        read=read_services,
        judge=judge_services,
        fix="sitefleet sites show <siteId> --env {environment}",
    ),
    Check(
        number="18",
        title="tasks",
        read=read_services,
        judge=judge_tasks,
        fix="aws ecs update-service --cluster {cluster} --service <service> --force-new-deployment",
    ),
    Check(
        number="19",
        title="jobs' task definition",
        read=read_task_definition,
        judge=judge_task_definition,
        fix="sam deploy --config-env {environment}",
    ),
)
