"""A machine of the tests' own: its accounts, and the fleets that consume there in its place."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.adapters.aws.operations import DynamoOperations
from core.domain.names import site_key
from demo.customer import Visitor
from demo.requests import TENANT, request
from demo.site import RunningSite
from events import identity
from local import https_front
from local.cloud import Cloud, clouds
from local.container import resolve_names
from local.layout import CHECKOUT, Layout
from local.state import Machine as State
from tests.acceptance.conftest import local
from tests.acceptance.fleet_client import accounts_of, eventually
from tests.acceptance.inventory import Inventory
from tests.failures.target import Target
from tests.local.local_role import fleet_in_role


class Machine:
    """The accounts of one machine, and what the tests do in them."""

    def __init__(self, described: dict[str, Any], home: Path) -> None:
        self.described = described
        self.layout = Layout.from_environ({"SITEFLEET_HOME": str(home)})
        self.clouds: dict[str, Cloud] = dict(clouds(described["endpoint"]))
        self.accounts = accounts_of(described)

    def create(self, name: str) -> None:
        """Create a site in dev and give it content."""
        payload = {"siteId": site_id(name), "tenantId": TENANT, "siteName": f"The {name} shop"}
        where = {"subdomain": name, "environment": "dev", "configuration": {}}
        body = request("SITE_CREATION_REQUEST", f"create-{name}", {**payload, **where})
        operation_id = identity.operation_id(
            "dev", TENANT, body["messageType"], body["idempotencyKey"]
        )
        table = "bbws-wp-operations-dev"
        store = DynamoOperations(client=self.clouds["dev"].dynamodb, table_name=table)
        self.accounts["dev"].send_text("creation", json.dumps(body))

        def ended() -> bool:
            found = store.get(operation_id)
            return found is not None and found.is_terminal

        eventually(ended, f"the creation of {name}", seconds=170)
        self.edit(name, "content.php")

    def edit(self, name: str, script: str, tenant_id: str = TENANT) -> None:
        """Run one of the demo's scripts in a site of dev."""
        key = site_key(tenant_id, site_id(name))
        RunningSite(cloud=self.clouds["dev"], layout=self.layout, site_key=key).run(script)

    def target(self, name: str, environment: str, tenant_id: str = TENANT) -> Target:
        cloud = self.clouds[environment]
        return Target(
            cloud=cloud,
            inventory=Inventory(self.accounts[environment], self.layout.file_system(environment)),
            visitor=Visitor(proxy=self.described["proxy"], host=f"{name}.{cloud.account.domain}"),
            tenant_id=tenant_id,
            site_id=site_id(name),
        )

    def fleet(self, environment: str, function: str, patch: pytest.MonkeyPatch) -> Any:
        """Return the fleet as a deployed function has it: its environment and its role."""
        cloud, endpoint = self.clouds[environment], self.described["endpoint"]
        name = f"{environment}-bbws-async-processor-{function}"
        return fleet_in_role(cloud._make, endpoint, cloud.account.account_id, name, patch)

    def reach_the_registry(self, patch: pytest.MonkeyPatch) -> None:
        """Let the registries' names resolve in this process, as they do inside the functions."""
        port = State.load(self.layout).https_port
        patch.setenv("SSL_CERT_FILE", str(self.layout.authority))
        patch.setattr(socket, "getaddrinfo", socket.getaddrinfo)
        resolve_names(dict.fromkeys(https_front.NAMES, port))


def site_id(name: str) -> str:
    return f"site-{name}"


@contextmanager
def machine_at(home: Path) -> Iterator[Machine]:
    """Start a machine, with the checkout's cache, and stop it in the end."""
    shared = CHECKOUT / ".sitefleet" / "cache"
    shared.mkdir(parents=True, exist_ok=True)
    (home / "cache").symlink_to(shared)
    finished = local(home, "up", "--json")
    try:
        assert finished.returncode == 0, finished.stderr
        yield Machine(json.loads(finished.stdout), home)
    finally:
        local(home, "down")
