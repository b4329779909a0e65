"""One machine for this folder; its sites are promoted by consumers of the tests' own."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
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
from tests.failures.cases import LAST, Case, fail, promotion
from tests.failures.consumers import Failures, Promoter, switch_off
from tests.failures.target import Target
from tests.local.local_role import fleet_in_role

SITES = ("mango", "papaya")
"""Each is promoted once; then its promotions fail, beside the other one's."""
NEW_SITE = "kiwi"
"""It is never in the target."""
FUNCTION = "sit-bbws-async-processor-"


class Machine:
    """The accounts dev and sit, and what the tests do in them."""

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

    def edit(self, name: str, script: str) -> None:
        """Run one of the demo's scripts in a site of dev."""
        key = site_key(TENANT, site_id(name))
        RunningSite(cloud=self.clouds["dev"], layout=self.layout, site_key=key).run(script)

    def target(self, name: str) -> Target:
        cloud = self.clouds["sit"]
        return Target(
            cloud=cloud,
            inventory=Inventory(self.accounts["sit"], self.layout.file_system("sit")),
            visitor=Visitor(proxy=self.described["proxy"], host=f"{name}.{cloud.account.domain}"),
            tenant_id=TENANT,
            site_id=site_id(name),
        )


class Failing:
    """Lets promotions fail, when a test first asks for one; all that are asked for at once."""

    def __init__(self, machine: Machine, promoters: dict[str, Promoter], failures: Failures):
        self._machine, self._promoters, self._failures = machine, promoters, failures

    def live(self, name: str, steps: list[str]) -> list[Case]:
        """Promote a site, so that it is live; change its source; then fail at each step.

        The first one that fails does so at the last step: what it has seen, the others know.
        """
        promoter, target = self._promoters[name], self._machine.target(name)
        self._machine.create(name)
        promoter.promote(promotion(target.site_id))
        self._machine.edit(name, "edition.php")
        target.visit()
        before = target.state()
        cases = [fail(promoter, target, before, LAST)]
        facts = promoter.facts(cases[0].operation.operation_id)
        self._failures.known[target.site_id] = facts
        others = [step for step in steps if step != LAST]
        return [*cases, *(fail(promoter, target, before, step) for step in others)]

    def first(self, steps: list[str]) -> list[Case]:
        """Fail at each step of a site's first promotion."""
        promoter, target = self._promoters[NEW_SITE], self._machine.target(NEW_SITE)
        self._machine.create(NEW_SITE)
        before = target.state()
        return [fail(promoter, target, before, step) for step in steps]


def site_id(name: str) -> str:
    return f"site-{name}"


@pytest.fixture(scope="session")
def failing(tmp_path_factory) -> Iterator[Failing]:
    """The machine, with nobody but the tests at the promotion queue of sit."""
    home = tmp_path_factory.mktemp("failures").resolve()
    shared = CHECKOUT / ".sitefleet" / "cache"
    shared.mkdir(parents=True, exist_ok=True)
    (home / "cache").symlink_to(shared)
    finished = local(home, "up", "--json")
    try:
        assert finished.returncode == 0, finished.stderr
        machine = Machine(json.loads(finished.stdout), home)
        switch_off(machine.clouds["sit"], f"{FUNCTION}promotion", f"{FUNCTION}wakeup")
        failures = Failures()
        with pytest.MonkeyPatch.context() as patch:
            _reach_the_registry(machine, patch)
            promoters = {
                name: Promoter(_fleet(machine, patch), failures, machine.clouds["sit"].sqs)
                for name in (*SITES, NEW_SITE)
            }
            yield Failing(machine, promoters, failures)
    finally:
        local(home, "down")


@pytest.fixture(scope="session")
def failures_of(request, failing) -> dict[str, dict[str, Case]]:
    """Every case that a selected test asks for, by fixture and step."""
    asked: dict[str, list[str]] = {"failed": [], "failed_first": []}
    for item in request.session.items:
        step = getattr(item, "callspec", None) and item.callspec.params.get("step")
        for fixture, steps in asked.items():
            if step and fixture in item.fixturenames:
                steps.append(step)
    with ThreadPoolExecutor(max_workers=len(SITES) + 1) as pool:
        live = [
            pool.submit(failing.live, name, asked["failed"][number :: len(SITES)])
            for number, name in enumerate(SITES)
        ]
        first = pool.submit(failing.first, asked["failed_first"])
        cases = {"failed": [case for future in live for case in future.result()]}
        cases["failed_first"] = first.result()
    return {name: {case.step: case for case in found} for name, found in cases.items()}


def _asking(name: str) -> Any:
    @pytest.fixture(scope="session", name=name)
    def asking(failures_of) -> Callable[[str], Case]:
        return failures_of[name].__getitem__

    return asking


failed = _asking("failed")
failed_first = _asking("failed_first")


def _reach_the_registry(machine: Machine, patch: pytest.MonkeyPatch) -> None:
    """Let the registries' names resolve in this process, as they do inside the functions."""
    port = State.load(machine.layout).https_port
    patch.setenv("SSL_CERT_FILE", str(machine.layout.authority))
    patch.setattr(socket, "getaddrinfo", socket.getaddrinfo)
    resolve_names(dict.fromkeys(https_front.NAMES, port))


def _fleet(machine: Machine, patch: pytest.MonkeyPatch) -> Any:
    cloud = machine.clouds["sit"]
    return fleet_in_role(
        cloud._make,
        machine.described["endpoint"],
        cloud.account.account_id,
        f"{FUNCTION}promotion",
        patch,
    )
