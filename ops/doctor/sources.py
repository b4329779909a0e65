"""Where the checks read: clients, the deployed settings, and what several checks share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from core.adapters.aws.errors import calling
from core.domain.site import Release, Site
from events.formats import Environment
from events.vocabulary import SiteStatus
from ops.connection import Connection
from ops.deployed import deployed_settings
from ops.doctor.model import NotReadableError
from ops.reading import Part, Unknown, attempt

SERVICES: Final = (
    *("cloudwatch", "dynamodb", "ec2", "ecs", "efs", "elasticache", "elbv2"),
    *("events", "lambda", "logs", "rds", "secretsmanager", "sns", "sqs"),
)
MOST_NAMED: Final = 4
"""Things that a finding names; the rest is a number."""


class Sources:
    """One environment's AWS, as the checks see it."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        """Make every client: a session makes one at a time, and the checks run side by side."""
        self.connection, self.now = connection, now
        self._clients = {service: connection.client(service) for service in SERVICES}
        self._sites, self.tenants = connection.sites, connection.tenants
        functions = self._clients["lambda"]
        self._settings: Part[Mapping[str, str]] = attempt(
            lambda: deployed_settings(functions, connection.environment)
        )

    @property
    def environment(self) -> Environment:
        return self.connection.environment

    @property
    def one_machine(self) -> bool:
        return self.connection.place.is_one_machine

    def client(self, service: str) -> Any:
        return self._clients[service]

    def setting(self, name: str) -> str:
        """Return a deployed setting; raises NotReadableError where it is not known or empty."""
        if isinstance(self._settings, Unknown):
            raise NotReadableError(f"the stack's settings cannot be read: {self._settings.why}")
        value = self._settings.get(name, "")
        if not value:
            raise NotReadableError(f"the stack was deployed without {name}")
        return value

    def settings(self) -> Mapping[str, str]:
        """Return all that is known, to fill in commands."""
        return {} if isinstance(self._settings, Unknown) else self._settings

    @cached_property
    def live_sites(self) -> Sequence[Site]:
        """Return the sites that are to be served now."""
        sites = self._sites.list_sites(None)
        return [site for site in sites if site.status is SiteStatus.ACTIVE and site.live_release]

    def live_release(self, site: Site) -> Release | None:
        """Return the release that a site is served from."""
        releases = self._sites.list_releases(site.tenant_id, site.site_id)
        return next((one for one in releases if one.number == site.live_release), None)

    @cached_property
    def target_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return the target groups of releases, and whatever else the load balancer knows."""
        arn = self.setting("load_balancer_arn")
        found = self.pages("elbv2", "describe_target_groups", "TargetGroups")
        return [
            one
            for one in found
            if one["TargetGroupName"].startswith("wp-") or arn in one.get("LoadBalancerArns", [])
        ]

    @cached_property
    def services(self) -> Sequence[Mapping[str, Any]]:
        """Return the services of the cluster."""
        cluster, ecs = self.setting("cluster"), self.client("ecs")
        with calling("ECS", f"cluster {cluster}"):
            arns = self.pages("ecs", "list_services", "serviceArns", cluster=cluster)
            batches = [arns[start : start + 10] for start in range(0, len(arns), 10)]
            answers = [ecs.describe_services(cluster=cluster, services=batch) for batch in batches]
        return [service for answer in answers for service in answer["services"]]

    @cached_property
    def alarms(self) -> Sequence[Mapping[str, Any]]:
        """Return the alarms of the environment that have the fleet's prefix."""
        found = self.pages(
            "cloudwatch", "describe_alarms", "MetricAlarms", AlarmNamePrefix="bbws-wp-"
        )
        return [one for one in found if one["AlarmName"].endswith(f"-{self.environment}")]

    @cached_property
    def cluster_of_databases(self) -> Mapping[str, Any]:
        """Return the database cluster, or the instance where the platform has no cluster."""
        name, rds = self.settings().get("database_cluster"), self.client("rds")
        if name:
            found = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
            return {"kind": "cluster", **(found[0] if found else {})}
        name = self.setting("database_instance")
        found = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
        return {"kind": "instance", **(found[0] if found else {})}

    @cached_property
    def access_points(self) -> Sequence[Mapping[str, Any]]:
        """Return the access points of the file system."""
        file_system = self.setting("file_system_id")
        return self.pages("efs", "describe_access_points", "AccessPoints", FileSystemId=file_system)

    def pages(self, service: str, call: str, key: str, **arguments: Any) -> list[Any]:
        """Return everything under a key, over all pages."""
        client = self.client(service)
        if not client.can_paginate(call):
            return list(getattr(client, call)(**arguments)[key])
        pages = client.get_paginator(call).paginate(**arguments)
        return [item for page in pages for item in page.get(key, [])]


def listed(setting: str) -> list[str]:
    """Return the parts of a comma-separated setting."""
    return [part.strip() for part in setting.split(",") if part.strip()]


def tags_of(tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return tags as a mapping."""
    return {tag["Key"]: tag["Value"] for tag in tags}


def named(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    shown = ", ".join(sorted(names)[:MOST_NAMED])
    more = len(names) - MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown
