"""Validations 1 to 3 and 24: the network, and what keeps tenants apart in it."""

from __future__ import annotations

from typing import Final

from core.domain.names import tenant_group
from events.formats import Environment
from ops.doctor.model import Check, Evidence, Finding, bad, good, judged
from ops.doctor.sources import Sources, listed, named, tags_of

ENDPOINTS: Final = ("s3", "ecr.api", "ecr.dkr", "logs", "secretsmanager")
"""What a task in a private subnet needs where there is no NAT gateway."""
LEAST_ZONES: Final = 2
_PROMOTE: Final = "sitefleet promotions start --tenant-id {tenant} --site-id <siteId>"
ANEW: Final = {
    Environment.DEV: "sitefleet sites restore <backupId> --tenant-id {tenant} --env dev",
    Environment.SIT: f"{_PROMOTE} --source dev --target sit",
    Environment.PROD: f"{_PROMOTE} --source sit --target prod --change-ticket <ticket>",
}
"""What builds a site anew: the step prepare_network makes its tenant's group again.

A group alone would not do: the containers that run name the lost one by its id.
"""
TAG: Final = "aws ec2 create-tags --resources {group} --tags Key=Tenant,Value={tenant}"


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
    """Read the groups of the VPC, and which tenants have sites."""
    filters = [{"Name": "vpc-id", "Values": [sources.setting("vpc_id")]}]
    found = sources.pages("ec2", "describe_security_groups", "SecurityGroups", Filters=filters)
    tenants = sorted({site.tenant_id for site in sources.live_sites if site.isolation_level == 1})
    return {
        "environment": sources.environment,
        "groups": {
            one["GroupName"]: {
                "id": one["GroupId"],
                "tenant": tags_of(one.get("Tags", [])).get("Tenant"),
            }
            for one in found
        },
        "tenants": {tenant: tenant_group(sources.environment, tenant) for tenant in tenants},
    }


def judge_tenant_groups(evidence: Evidence) -> Finding:
    """Every tenant with a live site in the shared network has its own group, tagged as its own."""
    problems, fixes = [], []
    for tenant, name in evidence["tenants"].items():
        group = evidence["groups"].get(name)
        if group is None:
            problems.append(f"{tenant} has no group {name}")
            fixes.append(ANEW[evidence["environment"]].format(tenant=tenant))
        elif group["tenant"] != tenant:
            problems.append(f"{name} is tagged Tenant={group['tenant'] or ''}")
            fixes.append(TAG.format(group=group["id"], tenant=tenant))
    if problems:
        return bad("; ".join(problems), fixes[0])
    return good(f"{len(evidence['tenants'])} tenants, each with a group of its own")


CHECKS: Final = (
    Check(
        number="1",
        title="VPC and subnets",
        read=read_vpc,
        judge=judge_vpc,
        fix="aws ec2 describe-subnets --filters Name=subnet-id,Values={subnet_ids}",
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
        fix="aws ssm get-parameters-by-path --path /bbws/{environment}/platform",
    ),
    Check(
        number="24",
        title="tenants' security groups",
        read=read_tenant_groups,
        judge=judge_tenant_groups,
        fix="sitefleet tenants show --tenant-id <tenantId> --env {environment}",
    ),
)
