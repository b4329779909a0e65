"""A private certificate authority for databases and the registry, made with the openssl program."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from local.errors import LocalError

VALID_DAYS = "30"
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_SERVER_EXTENSIONS = """\
basicConstraints = CA:FALSE
keyUsage = digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth
subjectAltName = {names}
"""
_DATABASES = "IP:127.0.0.1, DNS:localhost"


def make_authority(directory: Path) -> None:
    """Make ca.pem, and server.pem with server.key for 127.0.0.1 and localhost."""
    directory.mkdir(parents=True, exist_ok=True)
    _openssl(
        directory,
        [
            *("req", "-x509", *_NEW_KEY, "-keyout", "ca.key", "-out", "ca.pem"),
            *("-days", VALID_DAYS, "-subj", "/CN=sitefleet local authority"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        ],
    )
    (directory / "ca.pem").chmod(0o644)
    make_certificate(directory, "server", _DATABASES)


def make_certificate(directory: Path, name: str, alternative_names: str) -> None:
    """Make NAME.pem and NAME.key, signed by the authority of the directory."""
    extensions = directory / f"{name}.cnf"
    extensions.write_text(_SERVER_EXTENSIONS.format(names=alternative_names))
    request = f"{name}.csr"
    _openssl(
        directory,
        [
            *("req", *_NEW_KEY, "-keyout", f"{name}.key", "-out", request),
            *("-subj", f"/CN=sitefleet local {name}"),
        ],
    )
    _openssl(
        directory,
        [
            *("x509", "-req", "-in", request, "-CA", "ca.pem", "-CAkey", "ca.key"),
            *("-CAcreateserial", "-out", f"{name}.pem", "-days", VALID_DAYS),
            *("-extfile", extensions.name),
        ],
    )
    (directory / f"{name}.pem").chmod(0o644)


def _openssl(directory: Path, arguments: Sequence[str]) -> None:
    finished = subprocess.run(
        ["openssl", *arguments], cwd=directory, capture_output=True, text=True, check=False
    )
    if finished.returncode != 0:
        raise LocalError(f"openssl could not make a certificate: {finished.stderr.strip()}")
