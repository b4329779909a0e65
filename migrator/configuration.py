"""The container job's configuration: MIGRATOR_* variables, read once when a command starts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from core.domain.errors import ConfigurationError
from events.formats import Environment

PREFIX = "MIGRATOR_"


class DatabaseTls(BaseModel):
    """How database connections are protected: verified, or plain by explicit choice."""

    model_config = ConfigDict(frozen=True)

    verify: bool
    ca: Path | None
    """CA bundle that the server's certificate must chain to; None only when verify is off."""


class Configuration(BaseModel):
    """Each field is the environment variable MIGRATOR_<FIELD IN UPPER CASE>."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    environment: Environment | None = None
    """dev, sit or prod: where this task runs. Direct commands do without."""
    sites_table: str = ""
    templates_bucket: str = ""
    """Bucket of the catalogue's packages: the only place that plugins and templates come from."""
    writer_role: str = ""
    """Role to write to the transfer bucket with, tagged with the operation; empty: the task's own.
    Export tasks have one, because what they write lies in another account."""
    mount_path: Path = Path("/mnt/efs")
    database_admin_secret: str = ""
    database_ca: str = ""
    database_tls: Literal["verify", "off"] = "verify"
    wordpress_path: Path = Path("/usr/src/wordpress")
    wordpress_timeout_seconds: float = 300
    """How long WordPress may take for one change or an installation, by the clock on the wall."""
    site_address: str = ""
    """host:port of the load balancer that this environment's sites are visited at (of an https
    one: port 443, or https://host:port); empty: wherever DNS says a site is."""
    load_balancer_arn: str = ""
    """The load balancer in front of the sites: its metrics tell their health."""
    chromium_path: Path = Path("/usr/bin/chromium")
    """The browser of the comprehensive checks."""
    scratch_path: Path | None = None
    """Folder for short-lived files (a manifest on its way); default: the system's."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Configuration:
        """Read the variables; raises ConfigurationError naming each one that is wrong."""
        values = {
            name: environ[PREFIX + name.upper()]
            for name in cls.model_fields
            if environ.get(PREFIX + name.upper())
        }
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            wrong = ", ".join(
                f"{PREFIX}{'.'.join(map(str, item['loc'])).upper()} ({item['msg']})"
                for item in error.errors(include_input=False)
            )
            raise ConfigurationError(
                f"The migrator's environment is wrong: {wrong}. Correct the task definition."
            ) from None

    def tls(self) -> DatabaseTls:
        """Return how to connect to databases.

        Raises ConfigurationError when there is no CA and TLS was not switched off explicitly.
        """
        if self.database_tls == "off":
            return DatabaseTls(verify=False, ca=None)
        if not self.database_ca or not Path(self.database_ca).is_file():
            raise ConfigurationError(
                "MIGRATOR_DATABASE_CA names no readable CA bundle, and database connections are "
                "verified. Set it, or set MIGRATOR_DATABASE_TLS=off on a machine of your own."
            )
        return DatabaseTls(verify=True, ca=Path(self.database_ca))

    def required(self, name: str) -> str:
        """Return a text setting that this job cannot do without; raises ConfigurationError."""
        value = getattr(self, name)
        if not value:
            raise ConfigurationError(
                f"{PREFIX}{name.upper()} is not set and this job needs it. "
                "Set it in the task definition."
            )
        return str(value)
