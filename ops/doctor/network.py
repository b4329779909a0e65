"""Validations 1 to 3 and 24: the network, and what keeps tenants apart in it."""

from __future__ import annotations

from typing import Final

from core.domain.names import tenant_group
from ops.doctor.model import Check, Evidence, Finding, bad, good, judged
from ops.doctor.sources import Sources, listed, named, tags_of

ENDPOINTS: Final = ("s3", "ecr.api", "ecr.dkr", "logs", "secretsmanager")
"""What a task in a private subnet needs where there is no NAT gateway."""
LEAST_ZONES: Final = 2


def read_vpc(sources: Sources) -> Evidence:
    """Read the VPC and the subnets that sites and jobs run in."""
    ec2, vpc = sources.client("ec2"), sources.setting("vpc_id")
    subnets = listed(sources.setting("subnet_ids"))
    found = ec2.describe_subnets(SubnetIds=subnets)["Subnets"]
    return {
        "vpc": vpc,
        "state": [one["State"] for one in ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]],
        "subnets": [
            {"id": one["SubnetId"], "vpc": one["VpcId"], "zone": one["AvailabilityZone"]}
            for one in found
        ],
    }


def judge_vpc(evidence: Evidence) -> Finding:
    """The VPC is available, and the subnets are in it, in two zones at least."""
    problems = [] if evidence["state"] == ["available"] else [f"{evidence['vpc']} is not available"]
    elsewhere = [one["id"] for one in evidence["subnets"] if one["vpc"] != evidence["vpc"]]
    problems += [f"not in {evidence['vpc']}: {named(elsewhere)}"] if elsewhere else []
    zones = {one["zone"] for one in evidence["subnets"]}
    if len(zones) < LEAST_ZONES:
        problems.append(f"all subnets are in {named(list(zones)) or 'no zone'}")
    return judged(problems, f"{evidence['vpc']}, subnets in {named(list(zones))}")


def read_way_out(sources: Sources) -> Evidence:
    """Read NAT gateways and endpoints of the VPC."""
    ec2, vpc = sources.client("ec2"), sources.setting("vpc_id")
    in_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    gateways = ec2.describe_nat_gateways(Filter=in_vpc)["NatGateways"]
    endpoints = ec2.describe_vpc_endpoints(Filters=in_vpc)["VpcEndpoints"]
    return {
        "gateways": {one["NatGatewayId"]: one["State"] for one in gateways},
        "endpoints": [one["ServiceName"] for one in endpoints],
    }


def judge_way_out(evidence: Evidence) -> Finding:
    """Tasks in private subnets reach AWS: through NAT, or through endpoints."""
    available = [name for name, state in evidence["gateways"].items() if state == "available"]
    if available:
        return good(f"NAT: {named(available)}")
    missing = [
        name for name in ENDPOINTS if not any(e.endswith(f".{name}") for e in evidence["endpoints"])
    ]
    if not missing:
        return good("no NAT gateway; endpoints for everything that tasks call")
    return bad(f"no NAT gateway is available, and no endpoint for {named(missing)}")


def read_groups(sources: Sources) -> Evidence:
    """Read the security groups of sites and jobs."""
    wanted = listed(sources.setting("security_group_ids"))
    wanted += listed(sources.setting("job_security_group_ids"))
    filters = [{"Name": "group-id", "Values": sorted(set(wanted))}]
    found = sources.pages("ec2", "describe_security_groups", "SecurityGroups", Filters=filters)
    return {
        "vpc": sources.setting("vpc_id"),
        "wanted": sorted(set(wanted)),
        "found": {one["GroupId"]: one.get("VpcId") for one in found if one["GroupId"] in wanted},
    }


def judge_groups(evidence: Evidence) -> Finding:
    """They exist, in the VPC."""
    missing = [name for name in evidence["wanted"] if name not in evidence["found"]]
    elsewhere = [name for name, vpc in evidence["found"].items() if vpc != evidence["vpc"]]
    problems = [f"not there: {named(missing)}"] if missing else []
    problems += [f"not in {evidence['vpc']}: {named(elsewhere)}"] if elsewhere else []
    return judged(problems, named(evidence["wanted"]))


def read_tenant_groups(sources: Sources) -> Evidence:
    """Read the tenants' own groups, and which tenants have sites."""
    filters = [
        {"Name": "vpc-id", "Values": [sources.setting("vpc_id")]},
        {"Name": "tag-key", "Values": ["Tenant"]},
    ]
    found = sources.pages("ec2", "describe_security_groups", "SecurityGroups", Filters=filters)
    groups = {one["GroupName"]: tags_of(one.get("Tags", [])).get("Tenant") for one in found}
    tenants = sorted({site.tenant_id for site in sources.live_sites if site.isolation_level == 1})
    return {
        "groups": groups,
        "tenants": {tenant: tenant_group(sources.environment, tenant) for tenant in tenants},
    }


def judge_tenant_groups(evidence: Evidence) -> Finding:
    """Every tenant with a live site in the shared network has its own group, tagged as its own."""
    groups = evidence["groups"]
    problems = []
    for tenant, name in evidence["tenants"].items():
        if name not in groups:
            problems.append(f"{tenant} has no group {name}")
        elif groups[name] != tenant:
            problems.append(f"{name} is tagged Tenant={groups[name]}")
    return judged(problems, f"{len(evidence['tenants'])} tenants, each with a group of its own")


CHECKS: Final = (
    Check(
        number="1",
        title="VPC and subnets",
        read=read_vpc,
        judge=judge_vpc,
        fix="aws ec2 describe-subnets --subnet-ids {subnet_ids}",
    ),
    Check(
        number="2",
        title="NAT gateway",
        read=read_way_out,
        judge=judge_way_out,
        fix="aws ec2 create-nat-gateway --subnet-id <public subnet> --allocation-id <elastic ip>",
    ),
    Check(
        number="3",
        title="security groups",
        read=read_groups,
        judge=judge_groups,
        fix="aws ssm get-parameter --name /bbws/{environment}/platform/security-group-ids",
    ),
    Check(
        number="24",
        title="tenants' security groups",
        read=read_tenant_groups,
        judge=judge_tenant_groups,
        fix="sitefleet tenants onboard <tenantId> --env {environment}",
    ),
)
