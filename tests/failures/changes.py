"""What is asked of a site in dev, kind by kind: the request, and the steps that may fail in it."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any, Protocol

from core.bootstrap import WORKFLOWS, load_policy
from demo.requests import request
from events.decode import decode
from events.vocabulary import MessageType, OperationType

POLICY = "local-dev"
TENANTS = {
    "creation": "tenant-orchard",
    "contents": "tenant-garden",
    "addresses": "tenant-field",
    "endings": "tenant-meadow",
    "neighbours": "tenant-hedge",
}
"""Each story has a tenant of its own, so that each site is the first one of its tenant."""
PLUGGED: dict[str, Any] = {
    "plugins": {"install": [{"slug": "notice-banner", "version": "1.0.0"}, "old-gallery"]}
}
SUSPENSION: dict[str, Any] = {"status": "SUSPENDED"}
UPDATES: dict[str, dict[str, Any]] = {
    "wordpress": {
        "templateId": "shop-window",
        "theme": "twentytwentythree",
        "plugins": {
            "install": ["old-gallery"],
            "configure": {"notice-banner": {"notice_banner_text": "Closed on Monday"}},
        },
    },
    "plugins": {
        "plugins": {
            "uninstall": ["old-gallery"],
            "update": ["notice-banner"],
            "configure": {"notice-banner": {"notice_banner_text": "Open again"}},
        }
    },
    "containers": {"imageTag": "wordpress-6.1.9-php8.2", "scale": {"desiredCount": 2}},
    "domain": {"domain": "medlar.example"},
    "suspension": SUSPENSION,
    "activation": {"status": "ACTIVE"},
}
"""Kind -> changes."""


class Named(Protocol):
    """Whatever tells which site is meant."""

    @property
    def tenant_id(self) -> str: ...
    @property
    def site_id(self) -> str: ...


@dataclass(frozen=True)
class Nobody:
    """A site that is not there, to ask for plans."""

    tenant_id: str = "tenant-1"
    site_id: str = "site-nobody"


def creation(target: Named, **payload: Any) -> dict[str, Any]:
    """Ask for a site."""
    name = target.site_id.removeprefix("site-")
    where = {"siteName": f"The {name} shop", "subdomain": name, "environment": "dev"}
    return _request("SITE_CREATION_REQUEST", target, **where, **payload)


def made_up(target: Named) -> dict[str, Any]:
    """Ask for a site with everything that a creation may come with."""
    configuration = {"plugins": ["old-gallery"], "theme": "twentytwentythree"}
    return creation(target, templateId="shop-window", configuration=configuration)


def update(target: Named, changes: dict[str, Any]) -> dict[str, Any]:
    """Ask for changes of a site."""
    return _request("SITE_UPDATE_REQUEST", target, changes=changes)


def deletion(target: Named, *, keep: bool = True) -> dict[str, Any]:
    """Ask for the end of a site."""
    return _request("SITE_DELETION_REQUEST", target, reason="A test.", retainBackup=keep)


def restore(target: Named, backup_id: str) -> dict[str, Any]:
    """Ask for a deleted site to come back."""
    return _request("SITE_RESTORE_REQUEST", target, backupId=backup_id)


def retry(operation_id: str) -> dict[str, Any]:
    """Ask an operation that stopped to go on."""
    payload = {"operationId": operation_id, "reason": "The cause is gone."}
    return request("OPERATION_RETRY_REQUEST", f"retry-{secrets.token_hex(8)}", payload)


def steps_of(body: dict[str, Any]) -> tuple[str, ...]:
    """Return the steps of a request under the policy of dev on one machine."""
    kind = OperationType[MessageType(body["messageType"]).name.removesuffix("_REQUEST")]
    return WORKFLOWS[kind].plan(decode(json.dumps(body)), load_policy(POLICY))


def _request(message_type: str, target: Named, **payload: Any) -> dict[str, Any]:
    about = {"siteId": target.site_id, "tenantId": target.tenant_id}
    return request(message_type, f"fail-{secrets.token_hex(8)}", {**about, **payload})
