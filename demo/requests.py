"""The bodies that the demo drops on queues: what any upstream service would send."""

from __future__ import annotations

from typing import Any

from core.adapters.system import SystemClock

TENANT, SITE, SUBDOMAIN = "tenant-1", "site-banana", "banana"


def creation(run: str) -> dict[str, Any]:
    """Return a request for a site in dev."""
    payload = {
        "siteId": SITE,
        "tenantId": TENANT,
        "siteName": "Banana & Söhne",
        "subdomain": SUBDOMAIN,
        "environment": "dev",
        "configuration": {},
    }
    return request("SITE_CREATION_REQUEST", f"demo-create-{run}", payload)


def promotion(run: str, name: str, source: str, target: str, **payload: Any) -> dict[str, Any]:
    """Return a request to promote the site; `name` tells the demo's promotions apart."""
    about = {"siteId": SITE, "tenantId": TENANT, **payload}
    path = {"sourceEnvironment": source, "targetEnvironment": target}
    return request("SITE_PROMOTION_REQUEST", f"demo-{name}-{run}", {**about, **path})


def request(message_type: str, key: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Return the envelope around a payload."""
    return {
        "messageType": message_type,
        "correlationId": key,
        "idempotencyKey": key,
        "requestedBy": "developer",
        "timestamp": SystemClock().now().isoformat(timespec="seconds").replace("+00:00", "Z"),
        "payload": payload,
    }
