"""What a site answers on: scheme, host, port and, for a site in a subdirectory, a path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}

_PATH = re.compile(r"(?:/[^/?#\s\"'<>\\%&]+)*")
_HOST = re.compile(r"[^\s/:?#@\"'<>\\%&\[\]]+")


class OriginError(ValueError):
    """The address is not an http(s) origin: scheme, host, optional port and path, nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """One site address; ``path`` is empty or starts with a slash and never ends with one."""

    scheme: str
    host: str
    port: int | None
    path: str

    @classmethod
    def parse(cls, address: str) -> Origin:
        """Read ``https://host[:port][/path]``; a default port counts as none.

        Raises OriginError for anything that is not such an address.
        """
        try:
            parts = urlsplit(address.strip())
            port = parts.port
        except ValueError as error:
            raise OriginError(f"not an origin: {address!r} ({error})") from error
        host = (parts.hostname or "").rstrip(".")
        path = parts.path.rstrip("/")
        if parts.scheme not in DEFAULT_PORTS or not _HOST.fullmatch(host):
            raise OriginError(f"not an http(s) origin: {address!r}")
        if parts.query or parts.fragment or parts.username is not None:
            raise OriginError(f"an origin has no query, fragment or user: {address!r}")
        if not _PATH.fullmatch(path):
            raise OriginError(f"unsupported path in origin: {address!r}")
        if port == DEFAULT_PORTS[parts.scheme]:
            port = None
        return cls(scheme=parts.scheme, host=host, port=port, path=path)

    def spelled_hosts(self) -> tuple[bytes, ...]:
        """The host as UTF-8 and, where that differs, as punycode; both in lower case."""
        plain = self.host.encode()
        if plain.isascii():
            return (plain,)
        try:
            return (plain, self.host.encode("idna"))
        except UnicodeError:
            return (plain,)

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginMapping:
    """Every form of ``source`` becomes the same form of ``target``."""

    source: Origin
    target: Origin

    @classmethod
    def parse(cls, source: str, target: str) -> OriginMapping:
        """Both addresses as text; raises OriginError."""
        return cls(source=Origin.parse(source), target=Origin.parse(target))
