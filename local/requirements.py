"""Tells in one sentence what is missing on this machine, before anything is started."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from local.emulator import SYSTEM_PATH
from local.errors import LocalError
from local.php import PACKAGE

_PROGRAMS = {
    "mariadbd": "mariadb-server",
    "mariadb-install-db": "mariadb-server",
    "mariadb": "mariadb-client",
    "mariadb-admin": "mariadb-client",
    "mariadb-dump": "mariadb-client",
    "php": "php-cli",
    "openssl": "openssl",
}
_EXTENSIONS = {"mysqli": "php-mysql", "xml": "php-xml", "mbstring": "php-mbstring", "gd": "php-gd"}


def check_machine() -> None:
    """Raise LocalError naming every Debian package that is missing."""
    packages = [
        package
        for program, package in _PROGRAMS.items()
        if shutil.which(program, path=SYSTEM_PATH) is None
    ]
    packages += _missing_wordpress()
    if shutil.which("php", path=SYSTEM_PATH) is not None:
        packages += _missing_extensions()
    if packages:
        wanted = " ".join(dict.fromkeys(packages))
        raise LocalError(
            "The fleet cannot run on this machine yet: programs are missing. "
            f"Run `apt-get install --no-install-recommends {wanted}`."
        )


def _missing_wordpress() -> list[str]:
    files = {
        PACKAGE / "wp-settings.php": "wordpress",
        PACKAGE / "wp-content/themes/twentytwentythree": "wordpress-theme-twentytwentythree",
    }
    return [package for path, package in files.items() if not Path(path).exists()]


def _missing_extensions() -> list[str]:
    listed = subprocess.run(
        ["php", "-m"], capture_output=True, text=True, check=False, env={"PATH": SYSTEM_PATH}
    ).stdout.lower()
    return [package for name, package in _EXTENSIONS.items() if name not in listed.split()]
