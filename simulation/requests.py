"""The requests that scenarios send, as any upstream service would write them."""

from __future__ import annotations

import json

from core.ports.messaging import QueueName
from events import identity
from events.filters import REQUEST_QUEUES
from events.formats import Environment
from events.vocabulary import MessageType

TENANT, SITE = "tenant-1", "site-banana"


def _body(message_type: str, correlation: str, payload: dict[str, object]) -> str:
    return json.dumps(
        {
            "messageType": message_type,
            "correlationId": correlation,
            "requestedBy": "jane.doe@example.com",
            "timestamp": "2026-11-21T08:00:00Z",
            "payload": payload,
        }
    )


def creation(site_id: str = SITE, *, correlation: str = "create", **payload: object) -> str:
    """Return the body of a creation request."""
    return _body(
        "SITE_CREATION_REQUEST",
        correlation,
        {
            "siteId": site_id,
            "tenantId": TENANT,
            "siteName": "Banana",
            "subdomain": "banana",
            "environment": "dev",
            "configuration": {},
            **payload,
        },
    )


def promotion(*, correlation: str = "promote", **payload: object) -> str:
    """Return the body of a promotion request, dev to sit if nothing else is said."""
    return _body(
        "SITE_PROMOTION_REQUEST",
        correlation,
        {
            "siteId": SITE,
            "tenantId": TENANT,
            "sourceEnvironment": "dev",
            "targetEnvironment": "sit",
            **payload,
        },
    )


def promotion_to_prod(*, correlation: str = "promote") -> str:
    """Return the body of a promotion request, sit to prod."""
    path = {"sourceEnvironment": "sit", "targetEnvironment": "prod"}
    return promotion(correlation=correlation, changeTicket="CHG-1001", **path)


def update(*, correlation: str = "update", changes: object, **payload: object) -> str:
    """Return the body of an update request."""
    named = {"siteId": SITE, "tenantId": TENANT}
    return _body("SITE_UPDATE_REQUEST", correlation, {**named, "changes": changes, **payload})


def deletion(site_id: str = SITE, *, correlation: str = "delete", **payload: object) -> str:
    """Return the body of a deletion request."""
    told = {"siteId": site_id, "tenantId": TENANT, "reason": "The contract has ended."}
    return _body("SITE_DELETION_REQUEST", correlation, {**told, **payload})


def backup_id(environment: Environment, correlation: str = "delete") -> str:
    """Return the id of the backup that a deletion leaves: the deletion's own."""
    key = f"SITE_DELETION_REQUEST#{SITE}#{correlation}"
    return identity.operation_id(environment, TENANT, "SITE_DELETION_REQUEST", key)


def restore(backup: str, *, correlation: str = "restore", **payload: object) -> str:
    """Return the body of a restore request."""
    told = {"siteId": SITE, "tenantId": TENANT, "backupId": backup}
    return _body("SITE_RESTORE_REQUEST", correlation, {**told, **payload})


def look(*, correlation: str = "look") -> str:
    """Return the body of a request to look at the live site."""
    return _body("SITE_CHECK_REQUEST", correlation, {"siteId": SITE, "tenantId": TENANT})


def rollback(*, correlation: str = "back", **payload: object) -> str:
    """Return the body of a request to take a promotion to sit back."""
    return _body("PROMOTION_ROLLBACK_REQUEST", correlation, {"reason": "broken", **payload})


def promotion_id(correlation: str) -> str:
    """Return the operation id of a promotion to sit, as its sender can compute it."""
    key = f"SITE_PROMOTION_REQUEST#{SITE}#{correlation}"
    return identity.operation_id(Environment.SIT, TENANT, "SITE_PROMOTION_REQUEST", key)


def queue_of(body: str) -> QueueName:
    """Return the queue that a request belongs on; a check may come on any."""
    (queue, *_) = REQUEST_QUEUES[MessageType(json.loads(body)["messageType"])]
    return QueueName(queue)


APPLE = creation("site-apple", correlation="apple", subdomain="apple")
PLUGGED = creation(
    configuration={"plugins": [{"slug": "banner", "version": "1.0.0"}, "gallery", "counter"]}
)
WITHOUT_COUNTER = update(correlation="off", changes={"plugins": {"disable": ["counter"]}})
ALL_OF_WORDPRESS = {
    "templateId": "plain",
    "theme": "twentytwentytwo",
    "plugins": {
        "uninstall": ["gallery"],
        "install": ["forms"],
        "update": ["banner"],
        "configure": {"banner": {"banner_text": "Closed on Monday"}},
        "disable": ["counter"],
    },
}
MADE_UP = creation(
    templateId="starter", configuration={"plugins": ["gallery"], "theme": "twentytwentytwo"}
)
CREATED = creation()
NEIGHBOUR = creation("site-banana-2", correlation="neighbour", subdomain="banana-2")
"""A site whose name begins like that of the one that is deleted."""
FIRST = promotion(correlation="first")
SECOND = promotion(correlation="second")
FIRST_TO_PROD = promotion_to_prod(correlation="first")
BACK_TO_FIRST = rollback(operationId=promotion_id("second"))
SUSPENSION = update(correlation="suspend", changes={"status": "SUSPENDED"})
ALL_OF_CONTAINERS = {
    "imageTag": "next",
    "scale": {"desiredCount": 3, "cpuUnits": 1024, "memoryMib": 2048},
}
OWN_DOMAIN = update(correlation="domain", changes={"domain": "banana.example"})
OVERRIDE = update(changes={"scale": {"desiredCount": 2}}, override={"reason": "The sale is today."})
