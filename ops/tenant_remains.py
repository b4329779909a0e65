"""What is there of a tenant in an environment, asked of AWS itself by the names that sites have.

A listener rule is not asked for by itself: no target group can be removed while a rule points at
it, so a rule that is left is told by its target group.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from core.adapters.aws.errors import calling, code_of
from core.domain.names import ReleaseNames, SiteNames, tenant_group
from core.domain.site import ReleaseStatus, Site
from ops.connection import Connection

SERVICES_PER_CALL: Final = 10
"""ECS: services of one DescribeServices."""
_NOT_THERE: Final = frozenset({"TargetGroupNotFound", "ResourceNotFoundException"})


@dataclass(frozen=True, kw_only=True)
class Remains:
    """Kind of resource -> what of it is there."""

    found: Mapping[str, Sequence[str]]

    @property
    def is_nothing(self) -> bool:
        return not any(self.found.values())

    def rows(self) -> list[tuple[str, str]]:
        return [(kind, name) for kind, names in self.found.items() for name in names]


def look(connection: Connection, tenant_id: str, sites: Sequence[Site]) -> Remains:
    """Look for everything that the tenant's sites, of whatever status, may have left."""
    names = [
        SiteNames(environment=connection.environment, tenant_id=tenant_id, site_id=site.site_id)
        for site in sites
    ]
    releases = list(_releases(connection, names))
    return Remains(
        found={
            "place": sorted(connection.sites.places(tenant_id)),
            "schema": list(_schemas(connection, names)),
            "service": _services(connection, [release.service for release in releases]),
            "target group": list(_target_groups(connection, releases)),
            "access point": _access_points(connection, releases),
            "secret": list(_secrets(connection, names)),
            "security group": _security_groups(connection, tenant_id),
        }
    )


# --- one kind of resource at a time ------------------------------------------------------------


def _releases(connection: Connection, names: Sequence[SiteNames]) -> Iterator[ReleaseNames]:
    for site in names:
        for release in connection.sites.list_releases(site.tenant_id, site.site_id):
            yield site.release(release.number)


def _schemas(connection: Connection, names: Sequence[SiteNames]) -> Iterator[str]:
    """By the records: only jobs reach the databases."""
    for site in names:
        for release in connection.sites.list_releases(site.tenant_id, site.site_id):
            if release.status is not ReleaseStatus.DISCARDED:
                yield release.schema


def _services(connection: Connection, names: Sequence[str]) -> list[str]:
    ecs = connection.client("ecs")
    found: list[str] = []
    with calling("ECS", "services of the tenant"):
        for cluster in ecs.list_clusters()["clusterArns"] if names else ():
            for start in range(0, len(names), SERVICES_PER_CALL):
                some = list(names[start : start + SERVICES_PER_CALL])
                answer = ecs.describe_services(cluster=cluster, services=some)
                active = (s for s in answer["services"] if s["status"] != "INACTIVE")
                found += [service["serviceName"] for service in active]
    return found


def _target_groups(connection: Connection, releases: Sequence[ReleaseNames]) -> Iterator[str]:
    elb = connection.client("elbv2")
    for name in (release.target_group for release in releases):
        found = _is_there(lambda name=name: elb.describe_target_groups(Names=[name]))
        if found and found["TargetGroups"]:  # AWS answers with an error, others with none
            yield name


def _access_points(connection: Connection, releases: Sequence[ReleaseNames]) -> list[str]:
    roots = {release.content_root for release in releases}
    found: list[str] = []
    with calling("EFS", "access points of the tenant"):
        pages = connection.client("efs").get_paginator("describe_access_points").paginate()
        for page in pages if roots else ():
            found += [
                point["AccessPointId"]
                for point in page["AccessPoints"]
                if point.get("RootDirectory", {}).get("Path") in roots
            ]
    return found


def _secrets(connection: Connection, names: Sequence[SiteNames]) -> Iterator[str]:
    """One that is scheduled for deletion is on its way out and not told."""
    secrets = connection.client("secretsmanager")
    for site in names:
        for name in (site.database_secret, site.admin_secret, site.salts_secret):
            found = _is_there(lambda name=name: secrets.describe_secret(SecretId=name))
            if found and "DeletedDate" not in found:
                yield name


def _security_groups(connection: Connection, tenant_id: str) -> list[str]:
    name = tenant_group(connection.environment, tenant_id)
    with calling("EC2", f"security group {name}"):
        answer = connection.client("ec2").describe_security_groups(
            Filters=[{"Name": "group-name", "Values": [name]}]
        )
    return [group["GroupId"] for group in answer["SecurityGroups"]]


def _is_there(call: Any) -> Any:
    with calling("AWS", "a resource of the tenant"):
        try:
            return call()
        except ClientError as error:
            if code_of(error) in _NOT_THERE:
                return None
            raise
