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
    """What opens one account of the emulator: a 12-digit access key is the account."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class OneMachine:
    """How to reach the runtime."""

    endpoint: str
    region: str
    proxy: str
    """The front proxy of all sites."""
    accounts: Mapping[Environment, AccountKey]

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
        accounts={
            Environment(name): AccountKey(
                access_key_id=account["accessKeyId"], secret_access_key=account["secretAccessKey"]
            )
            for name, account in state["accounts"].items()
        },
    )
