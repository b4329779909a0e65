"""One WordPress container as processes: PHP's own server with four workers in a process group."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.emulator import SYSTEM_PATH
from local.errors import LocalError
from local.layout import CHECKOUT, Layout
from local.network import LOOPBACK, free_port
from local.processes import Command, Processes, signal_group

WEB_USER = (33, 33)
"""uid and gid of www-data, as in the image; used when the machine's root starts the fleet."""
WORKERS = "4"
PACKAGE = Path("/usr/share/wordpress")
_TEMPLATES = CHECKOUT / "local" / "wordpress"
_SERVER_ERRORS = 500
_SETTINGS = {
    "display_errors": "0",
    "log_errors": "1",
    "memory_limit": "256M",
    "upload_max_filesize": "64M",
    "post_max_size": "64M",
    "opcache.enable_cli": "1",
    "opcache.revalidate_freq": "0",
}


@dataclass(frozen=True, kw_only=True)
class ContainerSpec:
    """What one container of a service is started with."""

    name: str
    environment: Mapping[str, str]
    content: Path
    """The access point's directory: the release's wp-content."""
    crashes: bool = False
    """Whether it is the image that ends as soon as it starts."""
    address: str = LOOPBACK
    """A loopback address: containers of one service differ in it, as tasks on AWS do."""


@dataclass(frozen=True, kw_only=True)
class PhpContainer:
    """A running container."""

    name: str
    address: str
    port: int
    process: subprocess.Popen[bytes]
    document_root: Path

    @property
    def alive(self) -> bool:
        """Tell whether its leading process runs."""
        return self.process.poll() is None

    def healthy(self, path: str) -> bool:
        """Tell whether the page of the health check answers without a server error."""
        connection = http.client.HTTPConnection(self.address, self.port, timeout=5)
        with contextlib.closing(connection):
            try:
                connection.request("GET", path, headers={"X-Forwarded-Proto": "https"})
                return connection.getresponse().status < _SERVER_ERRORS
            except (OSError, http.client.HTTPException):
                return False

    def stop(self, processes: Processes) -> None:
        """End the whole group: workers outlive their parent otherwise."""
        signal_group(self.process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(2)
        signal_group(self.process.pid, signal.SIGKILL)
        self.process.wait()
        processes.forget(self.name)
        shutil.rmtree(self.document_root, ignore_errors=True)


def start_container(spec: ContainerSpec, layout: Layout, processes: Processes) -> PhpContainer:
    """Start a container on a free port; it is not waited for."""
    port = free_port()
    document_root = layout.data / "containers" / f"{spec.name}-{port}"
    _link_document_root(document_root, layout.served_core, spec.content)
    settings = {**_SETTINGS, "openssl.cafile": str(layout.authority)}
    process, _ = processes.start(
        Command(
            name=spec.name,
            arguments=[
                "false" if spec.crashes else "php",
                *(part for key, value in settings.items() for part in ("-d", f"{key}={value}")),
                "-S",
                f"{spec.address}:{port}",
                "-t",
                str(document_root),
                str(_served_router(layout)),
            ],
            environment={
                **spec.environment,
                "PATH": SYSTEM_PATH,
                "TMPDIR": str(layout.temporary),
                "PHP_CLI_SERVER_WORKERS": WORKERS,
                "WORDPRESS_CONTENT_DIR": str(spec.content),
            },
            directory=document_root,
            user=WEB_USER if os.geteuid() == 0 else None,
        )
    )
    return PhpContainer(
        name=spec.name,
        address=spec.address,
        port=port,
        process=process,
        document_root=document_root,
    )


def prepare_core(layout: Layout) -> None:
    """Copy WordPress out of the Debian package: once clean, once with the containers' config."""
    if not (PACKAGE / "wp-settings.php").exists():
        raise LocalError(
            "WordPress is not installed. "
            "Run `apt-get install wordpress wordpress-theme-twentytwentythree`."
        )
    shutil.rmtree(layout.wordpress, ignore_errors=True)
    shutil.rmtree(layout.served_core, ignore_errors=True)
    subprocess.run(["cp", "-rL", str(PACKAGE), str(layout.wordpress)], check=True)
    # The package's wp-config.php reads /etc/wordpress, which is not this fleet's.
    (layout.wordpress / "wp-config.php").unlink(missing_ok=True)
    subprocess.run(["cp", "-al", str(layout.wordpress), str(layout.served_core)], check=True)
    shutil.copy(_TEMPLATES / "wp-config.php", layout.served_core / "wp-config.php")
    shutil.copy(_TEMPLATES / "router.php", _served_router(layout))


def _served_router(layout: Layout) -> Path:
    """The checkout may be closed to www-data; the data directory is not."""
    return layout.data / "router.php"


def _link_document_root(document_root: Path, core: Path, content: Path) -> None:
    document_root.mkdir(parents=True)
    for entry in core.iterdir():
        if entry.name != "wp-content":
            (document_root / entry.name).symlink_to(entry)
    (document_root / "wp-content").symlink_to(content)
