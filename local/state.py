"""What the runtime writes down: the machine (for its supervisor) and what `up` printed."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from local.errors import LocalError
from local.platform import Platform

if TYPE_CHECKING:
    from local.cloud import EnvironmentName
    from local.layout import Layout


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What the supervisor needs to know."""

    endpoint: str
    proxy_port: int
    https_port: int
    platforms: Mapping[EnvironmentName, Platform]

    def save(self, layout: Layout) -> None:
        """Write it for the supervisor, which is started next."""
        document = {
            "endpoint": self.endpoint,
            "proxyPort": self.proxy_port,
            "httpsPort": self.https_port,
            "platforms": {name: asdict(platform) for name, platform in self.platforms.items()},
        }
        _machine_file(layout).write_text(json.dumps(document, indent=2))

    @classmethod
    def load(cls, layout: Layout) -> Machine:
        """Read it."""
        document = json.loads(_machine_file(layout).read_text())
        platforms = {
            cast("EnvironmentName", name): Platform(
                **{**fields, "subnet_ids": tuple(fields["subnet_ids"])}
            )
            for name, fields in document["platforms"].items()
        }
        return cls(
            endpoint=document["endpoint"],
            proxy_port=document["proxyPort"],
            https_port=document["httpsPort"],
            platforms=platforms,
        )


def save_description(layout: Layout, description: Mapping[str, Any]) -> None:
    """Write what `up` prints, keys included; its presence says that the machine is complete."""
    partial = layout.state_file.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(description, indent=2))
    partial.rename(layout.state_file)


def load_description(layout: Layout) -> dict[str, Any] | None:
    """Return what `up` printed, or None when nothing is running."""
    try:
        found: dict[str, Any] = json.loads(layout.state_file.read_text())
    except FileNotFoundError:
        return None
    return found


@contextmanager
def exclusive(layout: Layout) -> Iterator[None]:
    """Hold the home while `up` or `down` works."""
    layout.home.mkdir(parents=True, exist_ok=True)
    with layout.lock_file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalError(
                f"Another `local up` or `local down` is at work in {layout.home}. "
                "Wait until it has finished."
            ) from None
        yield


def _machine_file(layout: Layout) -> Path:
    return layout.home / "machine.json"
