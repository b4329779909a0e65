"""Where the one-machine runtime keeps its files."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

RAM_DISK = Path("/dev/shm")  # noqa: S108  (big, short-lived data: databases and site files)
RAM_DISK_NEEDED_BYTES = 1_500_000_000
CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Every path that the runtime uses, below one home."""

    home: Path
    """`.sitefleet/local` of the checkout, or `local` below SITEFLEET_HOME."""
    data: Path
    """Databases, site files, temporary files: removed by `down`."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Layout:
        """Derive the paths; two homes never share a data directory."""
        base = Path(environ.get("SITEFLEET_HOME") or CHECKOUT / ".sitefleet").resolve()
        home = base / "local"
        return cls(home=home, data=_data_directory(home))

    @property
    def state_file(self) -> Path:
        """What is running: written last by `up`, read by everything else."""
        return self.home / "state.json"

    @property
    def lock_file(self) -> Path:
        """Held while `up` or `down` works."""
        return self.home / "lock"

    @property
    def processes(self) -> Path:
        """One small file per process that was started."""
        return self.home / "processes"

    @property
    def logs(self) -> Path:
        """One log per process; kept after `down`."""
        return self.home / "logs"

    @property
    def cache(self) -> Path:
        """What is expensive to make and may be reused by the next `up`."""
        return self.home.parent / "cache"

    @property
    def temporary(self) -> Path:
        """TMPDIR of everything that is started."""
        return self.data / "tmp"

    @property
    def wordpress(self) -> Path:
        """WordPress' core files without configuration: the container image's /usr/src/wordpress."""
        return self.data / "wordpress"

    @property
    def served_core(self) -> Path:
        """The same files with the wp-config.php of the containers."""
        return self.data / "served"

    @property
    def certificates(self) -> Path:
        """The private CA of the databases."""
        return self.data / "certificates"

    @property
    def authority(self) -> Path:
        """The CA bundle that database connections are verified with."""
        return self.certificates / "ca.pem"

    def file_system(self, environment: str) -> Path:
        """Return where an environment's EFS file system is mounted."""
        return self.data / "efs" / environment

    def database(self, environment: str) -> Path:
        """Return the directory of an environment's database server."""
        return self.data / "mariadb" / environment

    def make(self) -> None:
        """Create the directories; the database and PHP users may pass through, not list."""
        for path in (self.home, self.processes, self.logs, self.cache):
            path.mkdir(parents=True, exist_ok=True)
        self.data.mkdir(parents=True, exist_ok=True)
        self.data.chmod(0o711)
        self.temporary.mkdir(exist_ok=True)
        self.temporary.chmod(0o1777)

    def remove_data(self) -> None:
        """Remove databases, site files and temporary files."""
        shutil.rmtree(self.data, ignore_errors=True)


def _data_directory(home: Path) -> Path:
    name = f"sitefleet-{hashlib.sha256(str(home).encode()).hexdigest()[:10]}"
    if os.access(RAM_DISK, os.W_OK) and (
        (RAM_DISK / name).exists() or shutil.disk_usage(RAM_DISK).free > RAM_DISK_NEEDED_BYTES
    ):
        return RAM_DISK / name
    return Path(tempfile.gettempdir()) / name
