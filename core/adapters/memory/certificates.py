"""Twin of the certificate manager."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from core.adapters.memory.world import StoredCertificate, World
from core.domain.errors import TransientError
from core.ports.certificates import Certificate


class MemoryCertificates:
    """A certificate is issued some time after it was asked for."""

    def __init__(self, world: World, *, issue_seconds: float = 30) -> None:
        self.world = world
        self.issue_seconds = issue_seconds

    def find(self, names: tuple[str, ...]) -> Certificate | None:
        fitting = [
            self._seen(stored)
            for stored in self.world.certificates.values()
            if set(names) <= set(stored.names)
        ]
        return next((c for c in fitting if c.issued), fitting[-1] if fitting else None)

    def request(
        self, names: tuple[str, ...], operation_id: str, tags: Mapping[str, str]
    ) -> Certificate:
        for stored in self.world.certificates.values():
            if (stored.names, stored.operation_id) == (names, operation_id):
                return self._seen(stored)
        arn = self.world.arn("acm", "certificate")
        stored = StoredCertificate(
            arn=arn, names=names, requested_at=self.world.clock.now(), operation_id=operation_id
        )
        self.world.certificates[arn] = stored
        self.world.tags[arn] = dict(tags)
        return self._seen(stored)

    def delete(self, arn: str) -> None:
        if any(arn == attached for _, attached in self.world.listener_certificates):
            raise TransientError(f"Certificate {arn} is in use by the listener.")
        self.world.certificates.pop(arn, None)

    def _seen(self, stored: StoredCertificate) -> Certificate:
        ready = stored.requested_at + timedelta(seconds=self.issue_seconds)
        issued = stored.failure is None and self.world.clock.now() >= ready
        return Certificate(
            arn=stored.arn,
            issued=issued,
            failure=stored.failure,
            operation_id=stored.operation_id,
            proofs=() if issued else tuple(f"_proof.{n} CNAME _acm.example" for n in stored.names),
        )
