"""Everything that an operation could change of a site, read as it is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

from core.domain.names import site_key, tenant_group
from demo.customer import Visitor
from events.formats import Environment
from local.cloud import Cloud
from tests.acceptance.inventory import Inventory

type State = dict[str, Any]

OF_THE_MOMENT = re.compile(
    r'(nonce["\']?\s*[:=]\s*["\'])[0-9a-f]{10}|(_wpnonce=)[0-9a-f]{10}|(<lastBuildDate>)[^<]*'
    r"|(\nDate: )[^\n]*|(\nX-WP-Nonce: )[^\n]*|(wordpress_test_cookie)[^\n]*",
    re.IGNORECASE,
)
"""What two answers of an untouched WordPress differ in."""
WRITTEN_BY_VISITS = ("option_name LIKE '%transient%'", "option_name = 'cron'")
"""Options that WordPress writes by itself when somebody comes by."""
CHANGES_ANYWAY = {"version", "updatedAt", "lastRelease"}
"""Of a site's record: that something was tried is no secret."""
KEPT_AS_EVIDENCE = ("jobs/", "evidence/", "salvage/")


@dataclass(frozen=True, kw_only=True)
class Target:
    """One site in the environment that operations change."""

    cloud: Cloud
    inventory: Inventory
    visitor: Visitor
    tenant_id: str
    site_id: str

    @property
    def key(self) -> str:
        return site_key(self.tenant_id, self.site_id)

    def state(self) -> State:
        """Return what visitors are served, what it consists of, and every resource around it."""
        live = self._live_release()
        if live is None:
            return self.surroundings()
        return {
            **self.surroundings(),
            "rows": self._rows(live["schema"]),
            "files": dict(self._files(live["contentRoot"])),
            "pages": dict(self._pages()),
        }

    def surroundings(self) -> State:
        """Return the same without what is in the site: its parts may be gone."""
        pages = {"/": self._page("/")}
        return {"records": self._records(), "resources": self._resources(), "pages": pages}

    def visit(self) -> None:
        """Ask for every page once: WordPress stores what it works out at a first visit.

        The categories' tree is such an option (category_children).
        """
        for _ in self._pages():
            pass

    # --- what is served ----------------------------------------------------------------------

    def _pages(self) -> Iterator[tuple[str, str]]:
        for path in self.visitor.pages():
            yield path, self._page(path)

    def _page(self, path: str) -> str:
        status, text = self.visitor.get(path)
        return f"{status}\n{OF_THE_MOMENT.sub(r'\1\2\3\4\5\6', text)}"

    def _rows(self, schema: str) -> dict[str, Any]:
        ask = self.inventory._query
        tables = [row[0] for row in ask(f"SHOW TABLES FROM `{schema}`")]
        options = next(table for table in tables if table.endswith("_options"))
        others = ", ".join(f"`{schema}`.`{table}`" for table in tables if table != options)
        sums = dict(ask(f"CHECKSUM TABLE {others} EXTENDED"))
        visits = " OR ".join(WRITTEN_BY_VISITS)
        columns = "option_name, option_id, option_value, autoload"
        left = f"SELECT {columns} FROM `{schema}`.`{options}` WHERE NOT ({visits})"
        return {**sums, f"{schema}.{options}": {name: rest for name, *rest in ask(left)}}

    def _files(self, content_root: str) -> Iterator[tuple[str, str]]:
        root = self.inventory.files / content_root.lstrip("/")
        for path in sorted(root.rglob("*")):
            if path.is_file():
                name, digest = str(path.relative_to(root)), hashlib.sha256(path.read_bytes())
                status = path.stat()
                yield name, f"{digest.hexdigest()} {status.st_mode:o} {status.st_uid}"

    # --- what there is -----------------------------------------------------------------------

    def _live_release(self) -> dict[str, Any] | None:
        record, *releases = self.inventory.site(self.site_id) or [{}]
        live = record.get("liveRelease")
        return next((r for r in releases if live and r.get("number") == live), None)

    def _records(self) -> list[dict[str, Any]]:
        items = self.inventory.site(self.site_id)
        return [
            {name: value for name, value in item.items() if name not in CHANGES_ANYWAY}
            for item in items
            if item.get("status") != "DISCARDED"
        ]

    def _resources(self) -> State:
        mine, here = self.key, self.inventory
        return {
            "releases": {
                kind: sorted(number for key, number in found.elements() if key == mine)
                for kind, found in here.releases().items()
            },
            "services": self._services(),
            "task definitions": self._task_definitions(),
            "rules": self._rules(),
            "names": sorted(name for name in here.names() if name == self.visitor.host),
            "secrets": here.secrets(self._is_mine),
            "secrets that wait for deletion": self._waiting_secrets(),
            "schemas": [schema for schema in here.schemas() if mine in schema],
            "users": [user for user in here.users() if mine in user],
            "folders": sorted(self._folders()),
            "objects": sorted(self._objects()),
            "groups": self._groups(),
            "places": sorted(self._holders() & {self.site_id}),
            "certificates": self._certificates(),
            "locks": self._locks(),
        }

    def _services(self) -> dict[str, tuple[int, int]]:
        ecs, cluster = self.cloud.ecs, f"bbws-cluster-{self.cloud.account.environment}"
        names = [name for name in self.inventory.services() if f"-{self.key}-r" in name]
        if not names:
            return {}
        found = ecs.describe_services(cluster=cluster, services=names)["services"]
        return {s["serviceName"]: (s["desiredCount"], s["runningCount"]) for s in found}

    def _task_definitions(self) -> list[str]:
        family = f"{self.tenant_id}-wordpress-{self.key}"
        answer = self.cloud.ecs.list_task_definitions(familyPrefix=family, status="ACTIVE")
        return sorted(answer["taskDefinitionArns"])

    def _rules(self) -> list[dict[str, Any]]:
        return [
            {name: rule[name] for name in ("Priority", "Actions", "Conditions")}
            for listener in self._listeners()
            for rule in self.cloud.elbv2.describe_rules(ListenerArn=listener)["Rules"]
            if any(self.visitor.host in c.get("Values", []) for c in rule["Conditions"])
        ]

    def _listeners(self) -> list[str]:
        elb = self.cloud.elbv2
        return [
            listener["ListenerArn"]
            for balancer in elb.describe_load_balancers()["LoadBalancers"]
            for listener in elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])[
                "Listeners"
            ]
        ]

    def _objects(self) -> Iterator[str]:
        bucket = f"bbws-transfer-{self.cloud.account.environment}"
        pages = self.cloud.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        for page in pages:
            for found in page.get("Contents", []):
                name = found["Key"]
                if self._is_mine(name) and not name.startswith(KEPT_AS_EVIDENCE):
                    yield name

    def left_of(self, operation_id: str) -> list[str]:
        """Return what is left of an operation's transfer, its jobs, and its savepoints."""
        bucket = f"bbws-transfer-{self.cloud.account.environment}"
        found = self.cloud.s3.list_objects_v2(Bucket=bucket, Prefix=f"transfers/{operation_id}/")
        objects = [entry["Key"] for entry in found.get("Contents", [])]
        cluster = f"bbws-cluster-{self.cloud.account.environment}"
        ecs, mark = self.cloud.ecs, f"sitefleet/{operation_id}/"
        running = ecs.list_tasks(cluster=cluster, desiredStatus="RUNNING")["taskArns"]
        tasks = ecs.describe_tasks(cluster=cluster, tasks=running)["tasks"] if running else []
        jobs = [t["startedBy"] for t in tasks if t.get("startedBy", "").startswith(mark)]
        return [*objects, *jobs, *self._savepoints(operation_id)]

    def _folders(self) -> Iterator[str]:
        """Return the site's folders; savepoints are an operation's."""
        for path in self.inventory.files.glob(f"{self.tenant_id}/{self.key}/*"):
            if path.suffix != ".savepoints":
                yield str(path)

    def _savepoints(self, operation_id: str) -> list[str]:
        """Return the folders of savepoints that are this operation's only, or nobody's any more."""
        folders = self.inventory.files.glob(f"{self.tenant_id}/{self.key}/.*.savepoints")
        return [str(f) for f in folders if {path.name for path in f.iterdir()} <= {operation_id}]

    def _is_mine(self, name: str) -> bool:
        return self.key in name or f"/{self.site_id}/" in name

    def _waiting_secrets(self) -> list[str]:
        manager = self.cloud.secretsmanager
        pages = manager.get_paginator("list_secrets").paginate(IncludePlannedDeletion=True)
        found = [secret for page in pages for secret in page["SecretList"]]
        return sorted(s["Name"] for s in found if self._is_mine(s["Name"]) and "DeletedDate" in s)

    def _groups(self) -> list[str]:
        """Return the tenant's groups, unless they are there for other sites of the tenant only."""
        holders = self._holders()
        if holders and self.site_id not in holders:
            return []
        name = tenant_group(Environment(self.cloud.account.environment), self.tenant_id)
        named = [{"Name": "group-name", "Values": [name]}]
        found = self.inventory.account.client("ec2").describe_security_groups(Filters=named)
        return [group["GroupId"] for group in found["SecurityGroups"]]

    def _holders(self) -> set[str]:
        """Return the sites that hold one of the tenant's places."""
        items = self.inventory.items("sites")
        mine = [i for i in items if (i["PK"], i["SK"]) == (f"TENANT#{self.tenant_id}", "QUOTA")]
        return {place for item in mine for place in item.get("siteIds", [])}

    def _certificates(self) -> list[str]:
        """Return the certificates of the site's own domain, and how many listeners have each."""
        label = self.visitor.host.partition(".")[0]
        attached = [
            certificate["CertificateArn"]
            for listener in self._listeners()
            for certificate in self.cloud.elbv2.describe_listener_certificates(
                ListenerArn=listener
            )["Certificates"]
        ]
        found = self.inventory.account.client("acm").list_certificates()
        return sorted(
            f"{c['DomainName']} on {attached.count(c['CertificateArn'])} listeners"
            for c in found["CertificateSummaryList"]
            if label in c["DomainName"]
        )

    def _locks(self) -> list[dict[str, Any]]:
        items = self.inventory.items(f"bbws-wp-operations-{self.cloud.account.environment}")
        return [i for i in items if i["SK"] == "LOCK" and self.site_id in i["PK"]]


def differences(before: State, after: State) -> dict[str, Any]:
    """Return what is not as it was, by where it is: (before, after), or the changed lines."""
    return dict(_differences(before, after, ""))


def _differences(before: Any, after: Any, where: str) -> Iterator[tuple[str, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in before.keys() | after.keys():
            yield from _differences(before.get(name), after.get(name), f"{where}/{name}")
    elif isinstance(before, str) and isinstance(after, str) and before != after:
        yield where, list(unified_diff(before.splitlines(), after.splitlines(), n=1))
    elif before != after:
        yield where, (before, after)


def assert_real(site: State) -> None:
    """Pages with content, rows, files, every kind of resource: nothing is equal by absence."""
    resources = site["resources"]
    assert len(site["pages"]) > 10
    assert any("Ripe today" in text for text in site["pages"].values())
    assert len(site["rows"]) > 10
    assert any(name.endswith(".jpg") for name in site["files"])
    assert all(resources["releases"].values())
    assert resources["locks"] == []
    assert resources["secrets that wait for deletion"] == []
