"""Who sends what in a simulation: tenants, people, and senders who get it wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from core.domain.operation import Operation
from core.ports.messaging import QueueName
from events.filters import OPERATION_QUEUES
from events.vocabulary import OperationStatus, OperationType
from simulation import requests, stand_ins
from simulation.requests import SITE, TENANT, queue_of
from simulation.seeds.by_hand import by_hand
from simulation.seeds.draw import DEV, FRUITS, PROD, Draw, Kind

NOBODY = "00000000-0000-5000-8000-000000000000"
CHANGES: tuple[dict[str, Any], ...] = (
    {"status": "SUSPENDED"},
    {"status": "ACTIVE"},
    {"scale": {"desiredCount": 3}},
    {"imageTag": "next"},
    {"imageTag": "broken"},
    {"domain": "banana.example"},
    {"plugins": {"install": ["forms"]}},
    {"theme": "twentytwentytwo", "scale": {"desiredCount": 2}},
)
HOSTILE = (
    "{",
    "",
    "null",
    "[]",
    '"SITE_CREATION_REQUEST"',
    '{"messageType": "DROP_EVERYTHING", "payload": {}}',
    '{"messageType": "SITE_CREATION_REQUEST"}',
    "[" * 200 + "]" * 200,
    requests.creation("site-x", siteName="x'; DROP TABLE wp_users; --\x00"),
    requests.creation("../../etc/passwd"),
    requests.creation("site-x", correlation="$(reboot)"),
    json.dumps({"messageType": "SITE_UPDATE_REQUEST", "payload": "x" * 3000}),
)


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One message that somebody has put on a queue."""

    message_id: str
    queue: QueueName
    body: str
    kind: str
    about: str | None = None
    """The operation that it is sent to."""


@dataclass(kw_only=True)
class Senders:
    """Writes the next message of a kind, from what stands in the store."""

    drawn: Draw
    operations: Callable[[], list[Operation]]
    written: list[tuple[QueueName, str]] = field(default_factory=list)
    """Requests for new operations."""

    def __post_init__(self) -> None:
        self.random = Random(f"{self.drawn.seed}/senders")  # noqa: S311 - a simulation

    def write(self, kind: str) -> tuple[QueueName, str, str | None]:
        """Return queue, body and the operation that the message is about."""
        match kind:
            case Kind.HOSTILE:
                return self.random.choice(list(QueueName)), self.random.choice(HOSTILE), None
            case Kind.CANCEL | Kind.RETRY:
                return self._to_operation(kind)
            case Kind.REPEAT if self.written:
                return *self.random.choice(self.written), None
            case Kind.OTHER_PAYLOAD if self.written:
                queue, body = self.random.choice(self.written)
                return queue, _changed(body), None
        queue, body = self._request()
        self.written.append((queue, body))
        if kind == Kind.MISPLACED:
            return self.random.choice([name for name in QueueName if name is not queue]), body, None
        return queue, _wrapped(body) if kind == Kind.WRAPPED else body, None

    def help_along(self, operation: Operation, *, gently: bool) -> tuple[QueueName, str]:
        """Return what a person sends to an operation that stands still."""
        retries = gently or self.random.randint(1, 3) > 1
        kind = "OPERATION_RETRY_REQUEST" if retries else "OPERATION_CANCEL_REQUEST"
        return _queue_of(operation), self._by_hand(kind, operation.operation_id)

    # --- inside -----------------------------------------------------------------------------

    def _to_operation(self, kind: str) -> tuple[QueueName, str, str | None]:
        message_type = f"OPERATION_{'CANCEL' if kind == Kind.CANCEL else 'RETRY'}_REQUEST"
        known = self.operations()
        if not known or self.random.randint(1, 12) == 1:
            return QueueName.UPDATE, self._by_hand(message_type, NOBODY), NOBODY
        alive = [o for o in known if not o.is_terminal]
        chosen = self.random.choice(alive if alive and self.random.randint(0, 3) else known)
        body = self._by_hand(message_type, chosen.operation_id)
        return _queue_of(chosen), body, chosen.operation_id

    def _by_hand(self, message_type: str, operation_id: str) -> str:
        return by_hand(message_type, operation_id, self._correlation())

    def _correlation(self) -> str:
        return f"c-{self.random.getrandbits(40):010x}"

    def _request(self) -> tuple[QueueName, str]:
        if self.drawn.stand_ins:
            return self._stand_in()
        body = self._real()
        return queue_of(body), body

    def _stand_in(self) -> tuple[QueueName, str]:
        tenant, site = self._site()
        if self.random.randint(0, 4):
            body = stand_ins.update(self._correlation(), tenant_id=tenant, site_id=site)
            return QueueName.UPDATE, body
        return QueueName.DELETION, stand_ins.deletion(
            self._correlation(), tenant_id=tenant, site_id=site
        )

    def _site(self) -> tuple[str, str]:
        """Mostly the site that is there already, so that operations meet."""
        if self.random.randint(0, 1):
            return TENANT, SITE
        return self.random.choice(self.drawn.tenants), f"site-{self.random.choice(FRUITS)}"

    def _real(self) -> str:
        tenant, site = self._site()
        named: dict[str, Any] = {"siteId": site, "tenantId": tenant}
        own = self._correlation()
        to_prod = self.drawn.environment is PROD
        promotes = requests.promotion_to_prod if to_prod else requests.promotion
        writers: dict[str, Callable[[], str]] = {
            "creation": lambda: self._creation(tenant, site),
            "update": lambda: self._update(own, named),
            "deletion": lambda: self._deletion(own, site, tenant),
            "restore": lambda: requests.restore(
                self._of(OperationType.SITE_DELETION), correlation=own, **named
            ),
            "promotion": lambda: promotes(correlation=own, **({} if to_prod else named)),
            "rollback": lambda: requests.rollback(
                correlation=own, operationId=self._of(OperationType.SITE_PROMOTION)
            ),
            "look": lambda: requests.look(correlation=own),
        }
        weights = (6, 5, 2, 2, 0, 0, 1) if self.drawn.environment is DEV else (0, 3, 2, 1, 7, 3, 1)
        return writers[self.random.choices(list(writers), weights)[0]]()

    def _update(self, correlation: str, named: dict[str, Any]) -> str:
        to_prod = self.drawn.environment is PROD
        told: dict[str, Any] = {"override": {"reason": "urgent"}} if to_prod else {}
        changes = self.random.choice(CHANGES)
        return requests.update(correlation=correlation, changes=changes, **named, **told)

    def _deletion(self, correlation: str, site: str, tenant: str) -> str:
        told: dict[str, Any] = {} if self.random.randint(0, 2) else {"retainBackup": False}
        return requests.deletion(site, correlation=correlation, tenantId=tenant, **told)

    def _creation(self, tenant: str, site: str) -> str:
        fruit = site.removeprefix("site-")
        subdomain = fruit if tenant == TENANT or not self.random.randint(0, 3) else f"{fruit}-two"
        told: dict[str, Any] = self.random.choice(
            (
                {},
                {},
                {"templateId": "starter", "configuration": {"plugins": ["gallery"]}},
                {"cloneFrom": SITE},
                {"templateId": "no-such-template"},
            )
        )
        payload = {"tenantId": tenant, "subdomain": subdomain, **told}
        return requests.creation(site, correlation=self._correlation(), **payload)

    def _of(self, kind: OperationType) -> str:
        found = [o.operation_id for o in self.operations() if o.operation_type is kind]
        return self.random.choice(found) if found else NOBODY


def stands_still(operation: Operation) -> bool:
    """Tell whether only a person can move it."""
    gave_up = operation.status is OperationStatus.ROLLBACK_FAILED
    return not operation.is_terminal and (operation.stalled_since is not None or gave_up)


def _queue_of(operation: Operation) -> QueueName:
    return QueueName(OPERATION_QUEUES[operation.operation_type])


def _changed(body: str) -> str:
    request = json.loads(body)
    payload = {**request["payload"]}
    payload["reason" if "reason" in payload else "siteName"] = "Something else"
    if "changes" in payload:
        payload = {**request["payload"], "changes": {"scale": {"desiredCount": 4}}}
    return json.dumps({**request, "payload": payload})


def _wrapped(body: str) -> str:
    """Return the request as a rule of EventBridge would deliver it."""
    request = json.loads(body)
    return json.dumps(
        {"version": "0", "detail-type": "Request", "source": "upstream", "detail": request}
    )
