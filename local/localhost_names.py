"""Names that every browser resolves by itself: banana.wpdev.localhost is banana.wpdev.kimmyai.io.

Sites know only their public name, so texts and headers that go to the browser get the local origin
instead; what the browser sends gets the public one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from local.cloud import ACCOUNTS

SUFFIX = ".localhost"
_TEXT = re.compile(r"(text/|application/(javascript|[a-z.+-]*(json|xml)))", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class BrowserName:
    """A local name and the public name that it stands for."""

    local_host: str
    """With the proxy's port, as the browser sends it."""
    public_host: str

    def outgoing(self, text: str) -> str:
        """Put the local origin where the public one stands: plain, escaped for JSON, encoded."""
        public, local = self.public_host, self.local_host
        pairs = (
            (f"https://{public}", f"http://{local}"),
            (f"http://{public}", f"http://{local}"),
            (f"https:\\/\\/{public}", f"http:\\/\\/{local}"),
            (f"http:\\/\\/{public}", f"http:\\/\\/{local}"),
            (quote(f"https://{public}", safe=""), quote(f"http://{local}", safe="")),
            (f"//{public}", f"//{local}"),
        )
        for old, new in pairs:
            text = text.replace(old, new)
        return text

    def incoming(self, text: str) -> str:
        """Put the public origin where the local one stands."""
        local, public = self.local_host, self.public_host
        text = text.replace(f"http://{local}", f"https://{public}")
        return text.replace(quote(f"http://{local}", safe=""), quote(f"https://{public}", safe=""))


def browser_name(host: str) -> BrowserName | None:
    """Return the public name behind a *.localhost name, or None for any other host."""
    name = host.lower().partition(":")[0]
    if not name.endswith(SUFFIX):
        return None
    subdomain, _, label = name.removesuffix(SUFFIX).rpartition(".")
    for account in ACCOUNTS.values():
        if account.label == label and subdomain:
            return BrowserName(local_host=host.lower(), public_host=f"{subdomain}.{account.domain}")
    return None


def is_text(content_type: str) -> bool:
    """Tell whether a response can hold links."""
    return bool(_TEXT.match(content_type))


def local_url(subdomain: str, label: str, port: int) -> str:
    """Return what to type into a browser."""
    return f"http://{subdomain}.{label}{SUFFIX}:{port}/"
