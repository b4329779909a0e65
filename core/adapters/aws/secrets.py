"""Secrets of sites in Secrets Manager; their values are generated there and never leave a job."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from botocore.exceptions import ClientError

from core.adapters.aws.errors import calling, code_of
from core.adapters.aws.session import AwsClients
from core.adapters.site_networks import SiteNetworks
from core.adapters.site_secrets import ADMIN_USER, SALT_LENGTH, SALT_NAMES
from core.domain.errors import TransientError
from core.domain.names import SiteNames

PASSWORD_LENGTH: Final = 40
MISSING: Final = "ResourceNotFoundException"
EXISTS: Final = "ResourceExistsException"
QUOTES: Final = "'\"\\`"
"""What would have to be escaped in wp-config.php."""

type Value = Mapping[str, object]


class SecretsManagerSecrets:
    """Finds a secret before it makes one; an existing value is never changed."""

    def __init__(self, *, clients: AwsClients, networks: SiteNetworks) -> None:
        self._clients = clients
        self._networks = networks

    def ensure_database_secret(self, site: SiteNames, tags: Mapping[str, str]) -> str:
        def value() -> Value:
            network = self._networks.of(site.tenant_id, site.site_id)
            host, _, port = network.database_endpoint.rpartition(":")
            return {
                "host": host,
                "port": int(port),
                "username": site.database_user,
                "password": self._password(PASSWORD_LENGTH, exclude_punctuation=True),
            }

        return self._ensure(site.database_secret, value, tags)

    def ensure_admin_secret(self, site: SiteNames, tags: Mapping[str, str]) -> str:
        def value() -> Value:
            password = self._password(PASSWORD_LENGTH, exclude_punctuation=True)
            return {"username": ADMIN_USER, "password": password}

        return self._ensure(site.admin_secret, value, tags)

    def ensure_salts_secret(self, site: SiteNames, tags: Mapping[str, str]) -> str:
        """One random text is cut into the eight salts: one call instead of eight."""

        def value() -> Value:
            text = self._password(SALT_LENGTH * len(SALT_NAMES), exclude_punctuation=False)
            starts = range(0, len(text), SALT_LENGTH)
            parts = [text[start : start + SALT_LENGTH] for start in starts]
            return dict(zip(SALT_NAMES, parts, strict=True))

        return self._ensure(site.salts_secret, value, tags)

    def delete(self, name: str, *, recovery_days: int) -> None:
        """Delete; recovery_days is 0, or 7 to 30 (the service's limits)."""
        with calling("Secrets Manager", f"secret {name}"):
            try:
                if recovery_days == 0:
                    self._clients.secretsmanager.delete_secret(
                        SecretId=name, ForceDeleteWithoutRecovery=True
                    )
                else:
                    self._clients.secretsmanager.delete_secret(
                        SecretId=name, RecoveryWindowInDays=recovery_days
                    )
            except ClientError as error:
                if code_of(error) != MISSING and not self._is_scheduled(name):
                    raise

    # --- find, else make ---------------------------------------------------------------------

    def _ensure(self, name: str, value: Callable[[], Value], tags: Mapping[str, str]) -> str:
        arn = self._find(name) or self._create(name, value(), tags) or self._find(name)
        if arn is None:
            raise TransientError(f"Secret {name} exists but is not visible yet.")
        return arn

    def _find(self, name: str) -> str | None:
        """Return the ARN; a secret that is scheduled for deletion is restored."""
        with calling("Secrets Manager", f"secret {name}"):
            try:
                found = self._clients.secretsmanager.describe_secret(SecretId=name)
            except ClientError as error:
                if code_of(error) == MISSING:
                    return None
                raise
            if "DeletedDate" in found:
                self._clients.secretsmanager.restore_secret(SecretId=name)
        return found["ARN"]

    def _create(self, name: str, value: Value, tags: Mapping[str, str]) -> str | None:
        """Return the ARN; None when somebody else has made the secret in the meantime."""
        with calling("Secrets Manager", f"secret {name}"):
            try:
                made = self._clients.secretsmanager.create_secret(
                    Name=name,
                    ClientRequestToken=str(uuid5(NAMESPACE_URL, f"sitefleet:secret:{name}")),
                    SecretString=json.dumps(value),
                    Tags=[{"Key": key, "Value": text} for key, text in tags.items()],
                )
            except ClientError as error:
                if code_of(error) == EXISTS:
                    return None
                raise
        return made["ARN"]

    def _is_scheduled(self, name: str) -> bool:
        """A secret that is scheduled for deletion refuses to be scheduled again: that is fine."""
        return "DeletedDate" in self._clients.secretsmanager.describe_secret(SecretId=name)

    def _password(self, length: int, *, exclude_punctuation: bool) -> str:
        with calling("Secrets Manager", "a random password"):
            answer = self._clients.secretsmanager.get_random_password(
                PasswordLength=length,
                ExcludeCharacters=QUOTES,
                ExcludePunctuation=exclude_punctuation,
            )
        return answer["RandomPassword"]
