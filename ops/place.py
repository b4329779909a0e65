"""Which fleet a command talks to: the one-machine runtime that is up, or AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from core.domain.errors import ConfigurationError
from events.formats import Environment
from ops.one_machine import AccountKey, OneMachine

DEFAULT_REGION: Final = "af-south-1"
CREDENTIAL_VARIABLES: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)
"""Whoever sets one of these means AWS (or an endpoint of their own), not the one machine."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The flags that every command has; None and False where they were not given."""

    env: Environment | None = None
    as_json: bool = False
    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    debug: bool = False

    def over(self, other: Options) -> Options:
        """Return these options, and the other's where these say nothing."""
        given = {name: value for name, value in vars(self).items() if value not in {None, False}}
        return replace(other, **given)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the calls go and as whom; credentials None: the SDK's own search."""

    region: str | None
    endpoint_url: str | None = None
    profile: str | None = None
    machine: OneMachine | None = None

    @property
    def is_one_machine(self) -> bool:
        return self.machine is not None

    def key(self, environment: Environment) -> AccountKey | None:
        """Return the access key of the environment's account; None on AWS."""
        if self.machine is None:
            return None
        if environment not in self.machine.accounts:
            raise ConfigurationError(
                f"The one-machine runtime has no account {environment}. "
                "Run `sitefleet local down`, then `sitefleet local up`."
            )
        return self.machine.accounts[environment]


def choose_place(options: Options, environ: Mapping[str, str], machine: OneMachine | None) -> Place:
    """Take the runtime that is up unless a profile, credentials or another endpoint was given."""
    means_aws = options.profile or any(environ.get(name) for name in CREDENTIAL_VARIABLES)
    if machine is not None and not means_aws and _same(options.endpoint_url, machine.endpoint):
        return Place(
            region=options.region or machine.region,
            endpoint_url=machine.endpoint,
            machine=machine,
        )
    return Place(region=options.region, endpoint_url=options.endpoint_url, profile=options.profile)


def _same(given: str | None, endpoint: str) -> bool:
    return given is None or given.rstrip("/") == endpoint.rstrip("/")
