"""The one-machine runtime as the command line sees it: the state file that `local up` writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from core.domain.errors import ConfigurationError
from events.formats import Environment

CHECKOUT: Final = Path(__file__).resolve().parent.parent
LOCALHOST: Final = ".localhost"
"""Every browser finds names under it by itself."""


@dataclass(frozen=True, kw_only=True)
class AccountKey:
    """What opens one account of the emulator, or speaks for a person in it."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class OneMachine:
    """How to reach the runtime."""

    endpoint: str
    region: str
    proxy: str
    """The front proxy of all sites."""
    accounts: Mapping[Environment, AccountKey]
    people: Mapping[Environment, Mapping[str, AccountKey]] = field(default_factory=dict)
    """Whoever may decide about something, per environment, by name."""

    def browser_url(self, site_url: str) -> str:
        """Return where a browser on this machine finds a site: banana.wpsit.localhost:<port>."""
        public = urlsplit(site_url)
        host = ".".join((public.hostname or "").split(".")[:2])
        return f"http://{host}{LOCALHOST}:{urlsplit(self.proxy).port}{public.path or '/'}"


def state_file(environ: Mapping[str, str]) -> Path:
    """Return where `local up` writes what runs: below SITEFLEET_HOME, or the checkout."""
    home = Path(environ.get("SITEFLEET_HOME") or CHECKOUT / ".sitefleet").resolve()
    return home / "local" / "state.json"


def find_one_machine(environ: Mapping[str, str]) -> OneMachine | None:
    """Return the runtime that is up, or None; raises ConfigurationError for an unreadable file."""
    path = state_file(environ)
    try:
        return _read(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"The one-machine runtime's state {path} cannot be read ({type(error).__name__}). "
            "Run `sitefleet local down`, then `sitefleet local up`."
        ) from error


def _read(state: Mapping[str, Any]) -> OneMachine:
    return OneMachine(
        endpoint=state["endpoint"],
        region=state["region"],
        proxy=state["proxy"],
        accounts={Environment(name): _key(key) for name, key in state["accounts"].items()},
        people={
            Environment(name): {person: _key(key) for person, key in people.items()}
            for name, people in state.get("people", {}).items()
        },
    )


def _key(key: Mapping[str, Any]) -> AccountKey:
    return AccountKey(
        access_key_id=key["accessKeyId"],
        secret_access_key=key["secretAccessKey"],
        session_token=key.get("sessionToken"),
    )
