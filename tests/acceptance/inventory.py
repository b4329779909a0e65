"""What exists in an account, as its operator sees it through AWS' APIs and the database."""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from tests.acceptance.fleet_client import Account

_RELEASE = re.compile(r"([0-9a-f]{12})[-_/]r(\d+)")
type Release = tuple[str, int]


@dataclass(frozen=True)
class Inventory:
    """One account's resources, each list as (site key, release number)."""

    account: Account
    files: Path
    """Where the account's file system is mounted."""

    def releases(self) -> dict[str, Counter[Release]]:
        """Return which releases each kind of resource exists for, and how many times."""
        return {
            "services": _releases(self.services()),
            "target groups": _releases(g["TargetGroupName"] for g in self.target_groups()),
            "access points": _releases(p["RootDirectory"]["Path"] for p in self.access_points()),
            "directories": _releases(str(p) for p in self.files.glob("*/*/r*")),
            "schemas": _releases(self.schemas()),
        }

    def services(self) -> list[str]:
        ecs = self.account.client("ecs")
        return [
            service["serviceName"]
            for cluster in ecs.list_clusters()["clusterArns"]
            for arns in _pages(ecs, "list_services", "serviceArns", cluster=cluster, size=10)
            for service in ecs.describe_services(cluster=cluster, services=arns)["services"]
            if service["status"] == "ACTIVE"
        ]

    def jobs(self, operation_id: str) -> list[str]:
        """Return `step/attempt` of every container job that an operation has started."""
        mark = f"sitefleet/{operation_id}/"
        found = self.started_jobs()
        return sorted(text.removeprefix(mark) for text in found if text.startswith(mark))

    def started_jobs(self) -> list[str]:
        """Return `sitefleet/operation/step/attempt` of every container job of the account."""
        ecs, found = self.account.client("ecs"), []
        for cluster in ecs.list_clusters()["clusterArns"]:
            for status in ("RUNNING", "STOPPED"):
                asked = {"cluster": cluster, "desiredStatus": status}
                pages = _pages(ecs, "list_tasks", "taskArns", size=100, **asked)
                for arns in pages:
                    tasks = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]
                    found += [task.get("startedBy", "") for task in tasks]
        return found

    def target_groups(self) -> list[dict[str, Any]]:
        return self.account.client("elbv2").describe_target_groups()["TargetGroups"]

    def hosts(self) -> Counter[str]:
        """Return the public host names that a listener rule exists for."""
        elb = self.account.client("elbv2")
        return Counter(
            value
            for balancer in elb.describe_load_balancers()["LoadBalancers"]
            for listener in elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])[
                "Listeners"
            ]
            for rule in elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
            for condition in rule["Conditions"]
            for value in condition.get("Values", [])
            if value.endswith(".kimmyai.io")
        )

    def names(self) -> set[str]:
        """Return the public names that DNS knows."""
        dns = self.account.client("route53")
        return {
            record["Name"].rstrip(".")
            for zone in dns.list_hosted_zones()["HostedZones"]
            for record in dns.list_resource_record_sets(HostedZoneId=zone["Id"])[
                "ResourceRecordSets"
            ]
            if record["Type"] in {"A", "CNAME", "AAAA"}
        }

    def access_points(self) -> list[dict[str, Any]]:
        return self.account.client("efs").describe_access_points()["AccessPoints"]

    def secrets(self, wanted: Callable[[str], bool] = bool) -> dict[str, str]:
        """Return the secrets of the account with such a name, or all of them: name and text."""
        manager = self.account.client("secretsmanager")
        names = [
            secret["Name"]
            for page in manager.get_paginator("list_secrets").paginate()
            for secret in page["SecretList"]
            if wanted(secret["Name"])
        ]
        return {name: manager.get_secret_value(SecretId=name)["SecretString"] for name in names}

    def schemas(self) -> list[str]:
        return [row[0] for row in self._query("SHOW DATABASES") if row[0].startswith("s_")]

    def users(self) -> list[str]:
        rows = self._query("SELECT user FROM mysql.user WHERE user LIKE 'u\\_%'")
        return [row[0] for row in rows]

    def items(self, table: str) -> list[dict[str, Any]]:
        """Return the items of a table, with plain values."""
        pages = self.account.client("dynamodb").get_paginator("scan").paginate(TableName=table)
        return [_plain(item) for page in pages for item in page["Items"]]

    def site(self, site_id: str) -> list[dict[str, Any]]:
        """Return everything that the sites table says about a site; its own record first."""
        mine = [item for item in self.items("sites") if item.get("siteId") == site_id]
        return sorted(mine, key=lambda item: (item["PK"].startswith("SUB"), item["SK"]))

    def _query(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the database as its administrator."""
        [text] = self.secrets(lambda name: name.endswith("/aurora/admin")).values()
        login = json.loads(text)
        connection = pymysql.connect(
            host=login["host"],
            port=int(login["port"]),
            user=login["username"],
            password=login["password"],
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())


def _releases(names: Any) -> Counter[Release]:
    matches = (_RELEASE.search(name) for name in names)
    return Counter((m[1], int(m[2])) for m in matches if m)


def _pages(client: Any, call: str, key: str, *, size: int, **arguments: Any) -> list[list[str]]:
    pages = client.get_paginator(call).paginate(**arguments)
    arns = [arn for page in pages for arn in page[key]]
    return [arns[start : start + size] for start in range(0, len(arns), size)]


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    return {name: _readable(next(iter(value.values()))) for name, value in item.items()}


def _readable(value: Any) -> Any:
    """Long facts are stored compressed; whoever searches the table has to see through that."""
    return zlib.decompress(value).decode() if isinstance(value, bytes) else value
