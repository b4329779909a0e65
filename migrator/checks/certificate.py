"""Is the certificate valid for this host."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

from core.domain.job_models import Check
from migrator.checks.subjects import Outside
from migrator.checks.verdicts import verdict

_TIMEOUT_SECONDS = 15


def certificate_valid(site: Outside) -> Check | None:
    """Shake hands with the site's name and the system's trust store, where TLS is spoken."""
    visitor = site.visitor
    if not visitor.address.tls:
        return None
    name = urlsplit(visitor.site_url).hostname or ""
    problems: list[str] = []
    until = ""
    try:
        with (
            socket.create_connection(
                (visitor.address.host, visitor.address.port), timeout=_TIMEOUT_SECONDS
            ) as plain,
            visitor.context.wrap_socket(plain, server_hostname=name) as secure,
        ):
            until = str((secure.getpeercert() or {}).get("notAfter", ""))
    except ssl.SSLCertVerificationError as error:
        problems.append(f"{name}: {error.verify_message}")
    except OSError as error:
        problems.append(f"{name}: no TLS at {visitor.address} ({type(error).__name__})")
    return verdict("certificate valid for this host", problems, f"{name}, until {until}")
