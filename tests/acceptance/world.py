"""One running machine and everything that a client of it watches."""

from __future__ import annotations

import json
import secrets
import time
import xmlrpc.client
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance.browser import Browser
from tests.acceptance.fleet_client import (
    Account,
    accounts_of,
    cancel,
    creation,
    envelope,
    eventually,
    promotion,
    update,
)
from tests.acceptance.inventory import Inventory
from tests.acceptance.observers import DeadLetters, Events, Notifications
from tests.acceptance.processes import Processes

COMPLETE = ("SITE_CREATION_COMPLETE", "SITE_PROMOTION_COMPLETE")
QUEUES = {
    "SITE_CREATION_REQUEST": "creation",
    "SITE_RESTORE_REQUEST": "creation",
    "SITE_UPDATE_REQUEST": "update",
    "SITE_DELETION_REQUEST": "deletion",
}
"""All other requests go to the promotion queue."""
CUSTOMER_NAME, CUSTOMER_ADDRESS = "Thandeka Canary-Mokoena", "thandeka.canary@customer.example"
"""A customer of a customer: she stands in a site's content, and belongs nowhere else."""
PICTURE = b"\x89PNG\r\n\x1a\nnot quite a picture"


@dataclass(frozen=True)
class Run:
    """One operation that was asked for, and how it ended."""

    request: dict[str, Any]
    end: dict[str, Any]
    seconds: float

    @property
    def operation_id(self) -> str:
        return self.end["detail"]["metadata"]["operationId"]

    @property
    def data(self) -> dict[str, Any]:
        return self.end["detail"]["data"]

    @property
    def status(self) -> str:
        return self.data["status"]

    @property
    def url(self) -> str:
        return self.data["siteUrl"]


class World:
    """The accounts, their observers, and the proxy."""

    def __init__(self, machine: Mapping[str, Any], home: Path) -> None:
        self.machine = machine
        self.home = home
        self.accounts: dict[str, Account] = accounts_of(machine)
        self.processes = Processes(home)
        self.browser = Browser(machine["proxy"])
        data = self.processes.data_directory()
        self.inventory = {
            name: Inventory(account, data / "efs" / name) for name, account in self.accounts.items()
        }
        self.events = {name: Events(account) for name, account in self.accounts.items()}
        self.letters = {name: DeadLetters(account) for name, account in self.accounts.items()}
        wanted = {"eventType": list(COMPLETE), "tenantId": ["tenant-1"]}
        self.completions = {n: Notifications(a, wanted) for n, a in self.accounts.items()}
        everything = {"environment": ["dev", "sit", "prod"]}
        self.notifications = {n: Notifications(a, everything) for n, a in self.accounts.items()}

    def close(self) -> None:
        watched = (self.events, self.letters, self.completions, self.notifications)
        readers = [reader for kind in watched for reader in kind.values()]
        for reader in readers:
            reader.stop()
        for reader in readers:
            reader.close()
        for account in self.accounts.values():
            account.close()

    def warm_up(self) -> None:
        """Have every function started once: on few cores, many cold starts at once time out."""
        for name, queue in (("dev", "creation"), ("sit", "promotion"), ("dev", "promotion")):
            request = envelope("OPERATION_CANCEL_REQUEST", {"operationId": "none", "reason": "-"})
            self.accounts[name].send(queue, request)
            asked = request["correlationId"]
            self.events[name].wait_for("SiteOperationRejected", correlationId=asked)
        for name in ("dev", "sit"):
            heard = self.notifications[name]
            eventually(lambda heard=heard: heard.messages, f"a notification in {name}")

    # --- what a client does ------------------------------------------------------------------

    def run(self, environment: str, request: dict[str, Any], *, seconds: float = 320) -> Run:
        """Drop a request on its queue and wait until its operation has ended."""
        started = time.monotonic()
        queue = QUEUES.get(request["messageType"], "promotion")
        self.accounts[environment].send(queue, request)
        end = self.events[environment].wait_for_end(request["correlationId"], seconds=seconds)
        return Run(request, end, time.monotonic() - started)

    def create(self, subdomain: str, **payload: Any) -> Run:
        """Create a site in dev."""
        return self.run("dev", creation(new_site_id(), subdomain, **payload))

    def promote(self, site_id: str) -> Run:
        """Promote a site from dev to sit."""
        return self.run("sit", promotion(site_id))

    def update(self, site: Run, **changes: Any) -> Run:
        """Change a site in dev."""
        return self.run("dev", update(site_id(site), **changes))

    def cancel(self, environment: str, operation_id: str) -> None:
        """Ask for the cancellation of a promotion."""
        self.accounts[environment].send("promotion", cancel(operation_id))

    def publish(self, site: Run, title: str) -> str:
        """Write an article with a picture in the site's own WordPress; return the picture's URL."""
        name = f"/{site.request['payload']['siteId']}/admin"
        secret = next(t for n, t in self.inventory["dev"].secrets().items() if n.endswith(name))
        login = json.loads(secret)
        who = (1, login["username"], login["password"])
        upload = {
            "name": f"{secrets.token_hex(4)}.png",
            "type": "image/png",
            "bits": xmlrpc.client.Binary(PICTURE),
        }
        picture = self.browser.call(site.url, "wp.uploadFile", *who, upload)["url"]
        article = {
            "post_type": "post",
            "post_status": "publish",
            "post_title": title,
            "post_content": f'<p>🍰 <a href="{site.url}/">home</a></p><img src="{picture}">'
            f"<p>{CUSTOMER_NAME}, {CUSTOMER_ADDRESS}</p>",
        }
        self.browser.call(site.url, "wp.newPost", *who, article)
        return picture


def new_site_id() -> str:
    return f"site-{secrets.token_hex(6)}"


def site_id(run: Run) -> str:
    return run.request["payload"]["siteId"]
