"""Validations 13 to 15 and 25: the file system and the access points of releases."""

from __future__ import annotations

from typing import Final

from ops.doctor.model import Check, Evidence, Finding, judged
from ops.doctor.sources import Sources, named, tags_of

WEB_USER: Final = 33
LEAST_ZONES: Final = 2


def read_file_system(sources: Sources) -> Evidence:
    """Read the file system."""
    name = sources.setting("file_system_id")
    found = sources.client("efs").describe_file_systems(FileSystemId=name)["FileSystems"]
    one = found[0] if found else {}
    return {
        "id": name,
        "state": one.get("LifeCycleState"),
        "encrypted": bool(one.get("Encrypted")),
        "modes": f"{one.get('PerformanceMode')}, {one.get('ThroughputMode')}",
    }


def judge_file_system(evidence: Evidence) -> Finding:
    """It is available and encrypted."""
    name, state = evidence["id"], evidence["state"]
    problems = [] if state == "available" else [f"{name} is {state or 'not there'}"]
    problems += [] if evidence["encrypted"] else [f"{name} is not encrypted"]
    return judged(problems, f"{name} available, encrypted, {evidence['modes']}")


def read_mount_targets(sources: Sources) -> Evidence:
    """Read the places at which it can be mounted."""
    name = sources.setting("file_system_id")
    found = sources.pages("efs", "describe_mount_targets", "MountTargets", FileSystemId=name)
    return {
        one["MountTargetId"]: {
            "state": one["LifeCycleState"],
            "zone": one.get("AvailabilityZoneName") or one.get("SubnetId"),
        }
        for one in found
    }


def judge_mount_targets(evidence: Evidence) -> Finding:
    """They are available, in two zones at least."""
    others = [
        f"{name} is {t['state']}" for name, t in evidence.items() if t["state"] != "available"
    ]
    zones = sorted({one["zone"] for one in evidence.values()})
    if len(zones) < LEAST_ZONES:
        others.append(f"mount targets in {named(zones) or 'no zone'} only")
    return judged(others, f"mount targets in {named(zones)}")


def read_access_points(sources: Sources) -> Evidence:
    """Read the access points, and those that live releases need."""
    points = {
        one["AccessPointId"]: {
            "state": one.get("LifeCycleState"),
            "root": one.get("RootDirectory", {}).get("Path"),
            "user": one.get("PosixUser", {}).get("Uid"),
            "tenant": tags_of(one.get("Tags", [])).get("Tenant"),
        }
        for one in sources.access_points
    }
    return {"points": points, "live": _live(sources)}


def judge_access_points(evidence: Evidence) -> Finding:
    """All are available, and every live release has its own."""
    points = evidence["points"]
    problems = [
        f"{name} is {one['state']}" for name, one in points.items() if one["state"] != "available"
    ]
    problems += [
        f"{site} needs {point}, which is not there"
        for site, point in evidence["live"].items()
        if point not in points
    ]
    return judged(problems, f"{len(points)} available, {len(evidence['live'])} of live releases")


def judge_tenants_points(evidence: Evidence) -> Finding:
    """Each is tagged with its tenant, is rooted below it, and acts as the web server's user."""
    problems = []
    for name, one in evidence["points"].items():
        if not one["tenant"]:
            problems.append(f"{name} ({one['root']}) has no Tenant tag")
        elif not str(one["root"]).startswith(f"/{one['tenant']}/"):
            problems.append(f"{name} of {one['tenant']} is rooted at {one['root']}")
        if one["user"] != WEB_USER:
            problems.append(f"{name} acts as uid {one['user']}")
    tenants = {one["tenant"] for one in evidence["points"].values()}
    return judged(problems, f"{len(evidence['points'])} access points of {len(tenants)} tenants")


def _live(sources: Sources) -> dict[str, str]:
    needed = {}
    for site in sources.live_sites:
        live = sources.live_release(site)
        if live is not None and live.access_point_id and site.isolation_level == 1:
            needed[f"{site.tenant_id}/{site.site_id}"] = live.access_point_id
    return needed


CHECKS: Final = (
    Check(
        number="13",
        title="file system",
        read=read_file_system,
        judge=judge_file_system,
        fix="aws efs describe-file-systems --file-system-id {file_system_id}",
    ),
    Check(
        number="14",
        title="mount targets",
        read=read_mount_targets,
        judge=judge_mount_targets,
        fix="aws efs create-mount-target --file-system-id {file_system_id} --subnet-id <subnet>",
    ),
    Check(
        number="15",
        title="access points",
        read=read_access_points,
        judge=judge_access_points,
        fix="sitefleet promotions rollback --site-id <siteId> --tenant-id <tenantId> "
        "--to-release <number> --reason <why> --env {environment}",
    ),
    Check(
        number="25",
        title="tenants' access points",
        read=read_access_points,
        judge=judge_tenants_points,
        fix="aws efs tag-resource --resource-id <access point> --tags Key=Tenant,Value=<tenantId>",
    ),
)
