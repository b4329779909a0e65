"""An upstream service's client of the fleet, written from the wire contract and `up --json` alone.

boto3 and the standard library; nothing of this project (test_client_is_foreign.py holds it).
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

_CONFIGURATION = Config(
    connect_timeout=5,
    read_timeout=30,
    max_pool_connections=64,
    retries={"mode": "standard", "max_attempts": 3},
    s3={"addressing_style": "path"},
)
_making_clients = threading.Lock()


@dataclass(frozen=True)
class Account:
    """One environment of the fleet, as `up --json` describes it."""

    environment: str
    endpoint: str
    region: str
    described: Mapping[str, Any]
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """Return a client of this account; making one is not safe in several threads at once."""
        with _making_clients:
            if service not in self._clients:
                self._clients[service] = boto3.client(
                    service,
                    endpoint_url=self.endpoint,
                    region_name=self.region,
                    aws_access_key_id=self.described["accessKeyId"],
                    aws_secret_access_key=self.described["secretAccessKey"],
                    config=_CONFIGURATION,
                )
            return self._clients[service]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    @property
    def account_id(self) -> str:
        return self.described["accountId"]

    @property
    def topic_arn(self) -> str:
        return self.described["topicArn"]

    @property
    def bus_name(self) -> str:
        return self.described["busName"]

    def queue_url(self, queue: str) -> str:
        return self.described["queues"][queue]

    def send(self, queue: str, message: Mapping[str, Any]) -> None:
        """Drop a request on one of the four queues."""
        self.send_text(queue, json.dumps(message))

    def send_text(self, queue: str, body: str) -> None:
        """Drop any body on one of the four queues."""
        self.client("sqs").send_message(QueueUrl=self.queue_url(queue), MessageBody=body)


def accounts_of(machine: Mapping[str, Any]) -> dict[str, Account]:
    """Return the accounts that `up --json` names."""
    return {
        name: Account(
            environment=name,
            endpoint=machine["endpoint"],
            region=machine["region"],
            described=described,
        )
        for name, described in machine["accounts"].items()
    }


# --- requests -------------------------------------------------------------------------------


def envelope(message_type: str, payload: Mapping[str, Any], **rest: Any) -> dict[str, Any]:
    """Wrap a payload as the contract says."""
    return {
        "messageType": message_type,
        "correlationId": f"acceptance-{secrets.token_hex(8)}",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "payload": dict(payload),
        **rest,
    }


def creation(site_id: str, subdomain: str, **payload: Any) -> dict[str, Any]:
    """Ask for a site in dev."""
    asked = {
        "siteId": site_id,
        "tenantId": "tenant-1",
        "siteName": f"The {subdomain} shop",
        "subdomain": subdomain,
        "environment": "dev",
        **payload,
    }
    return envelope("SITE_CREATION_REQUEST", asked, idempotencyKey=f"create-{secrets.token_hex(8)}")


def promotion(site_id: str, **payload: Any) -> dict[str, Any]:
    """Ask for a promotion from dev to sit."""
    asked = {
        "siteId": site_id,
        "tenantId": "tenant-1",
        "sourceEnvironment": "dev",
        "targetEnvironment": "sit",
        **payload,
    }
    return envelope(
        "SITE_PROMOTION_REQUEST", asked, idempotencyKey=f"promote-{secrets.token_hex(8)}"
    )


def update(site_id: str, *, tenant_id: str = "tenant-1", **changes: Any) -> dict[str, Any]:
    """Ask for changes of a site in dev."""
    asked = {"siteId": site_id, "tenantId": tenant_id, "changes": changes}
    return envelope("SITE_UPDATE_REQUEST", asked)


def rollback(operation_id: str, reason: str = "the shop is broken") -> dict[str, Any]:
    """Ask for a finished promotion to be taken back."""
    asked = {"operationId": operation_id, "reason": reason}
    return envelope("PROMOTION_ROLLBACK_REQUEST", asked)


def cancel(operation_id: str, reason: str = "changed my mind") -> dict[str, Any]:
    """Ask for the cancellation of an operation."""
    return envelope("OPERATION_CANCEL_REQUEST", {"operationId": operation_id, "reason": reason})


# --- waiting --------------------------------------------------------------------------------


def eventually[T](
    look: Callable[[], T], what: str, *, seconds: float = 300, pause_seconds: float = 0.2
) -> T:
    """Return the first truthy answer; fail with a sentence when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        if found := look():
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"In {seconds:.0f} s this did not happen: {what}.")
        time.sleep(pause_seconds)
