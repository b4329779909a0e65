"""Twin of the secrets of sites."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta

from core.adapters.memory.world import StoredSecret, World
from core.adapters.site_secrets import ADMIN_USER, SALT_NAMES
from core.domain.names import SiteNames


class MemorySecrets:
    """Keeps an existing value for ever; a secret that is scheduled for deletion is restored."""

    def __init__(
        self, world: World, *, database_host: str = "database.example", database_port: int = 3306
    ) -> None:
        self.world = world
        self.database_host = database_host
        self.database_port = database_port

    def ensure_database_secret(self, site: SiteNames, tags: Mapping[str, str]) -> str:
        value = {
            "host": self.database_host,
            "port": self.database_port,
            "username": site.database_user,
            "password": self.world.ids.new_id(),
        }
        return self._ensure(site.database_secret, value, tags)

    def ensure_admin_secret(self, site: SiteNames, tags: Mapping[str, str]) -> str:
        value = {"username": ADMIN_USER, "password": self.world.ids.new_id()}
        return self._ensure(site.admin_secret, value, tags)

    def ensure_salts_secret(self, site: SiteNames, tags: Mapping[str, str]) -> str:
        value = {name: self.world.ids.new_id() for name in SALT_NAMES}
        return self._ensure(site.salts_secret, value, tags)

    def delete(self, name: str, *, recovery_days: int) -> None:
        secret = self.world.secrets.get(name)
        if secret is None:
            return
        if recovery_days == 0:
            del self.world.secrets[name]
        elif secret.deletion_at is None:
            secret.deletion_at = self.world.clock.now() + timedelta(days=recovery_days)

    def _ensure(self, name: str, value: Mapping[str, object], tags: Mapping[str, str]) -> str:
        secret = self.world.secrets.get(name)
        if secret is None:
            arn = self.world.arn("secretsmanager", f"secret:{name}")
            secret = StoredSecret(arn=arn, value=json.dumps(value), tags=dict(tags))
            self.world.secrets[name] = secret
        secret.deletion_at = None
        return secret.arn
