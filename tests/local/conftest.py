"""The pieces of the one-machine runtime, started once for all tests of this folder.

Emulator, one database, WordPress' core files and the platform of all three accounts: what the
watchers and the proxy work on. The stacks are deployed on another emulator, `fleet`, for IAM alone.
"""

import asyncio
import os
import shutil
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from local import certificates, mariadb, php
from local.cloud import Cloud, clouds
from local.emulator import SYSTEM_PATH, Emulator, find_program
from local.layout import Layout
from local.mariadb import DatabaseServer
from local.network import free_ports
from local.platform import Platform, make_platform
from local.processes import Processes
from local.proxy import Proxy
from local.routing import Routing
from local.traffic import Traffic

sys.path.insert(0, str(Path(__file__).parent))

from local_fleet import deployed
from local_probes import Browser, run_php
from local_sites import SiteMaker

MISSING = [p for p in ("mariadbd", "php", "openssl") if not shutil.which(p, path=SYSTEM_PATH)]


@dataclass(frozen=True, kw_only=True)
class Pieces:
    layout: Layout
    processes: Processes
    emulator: Emulator
    database: DatabaseServer
    clouds: dict[str, Cloud]
    platforms: dict[str, Platform]
    proxy_port: int


@pytest.fixture(scope="session")
def pieces(tmp_path_factory):
    if MISSING and not os.environ.get("CI"):
        pytest.skip(f"programs are missing: {MISSING}")
    layout = Layout.from_environ({"SITEFLEET_HOME": str(tmp_path_factory.mktemp("home"))})
    layout.make()
    processes = Processes(layout.processes, layout.logs)
    emulator_port, proxy_port, https_port, *database_ports = free_ports(6)
    emulator = Emulator(
        program=find_program(), port=emulator_port, https_port=https_port, https_names=()
    )
    servers = [
        DatabaseServer(environment=name, port=port, password=mariadb.new_password())
        for name, port in zip(("dev", "sit", "prod"), database_ports, strict=True)
    ]
    try:
        emulator.start(layout, processes)
        certificates.make_authority(layout.certificates)
        mariadb.ensure_template(layout)
        servers[0].start(layout, processes)
        php.prepare_core(layout)
        accounts = clouds(emulator.endpoint)
        platforms = {
            name: make_platform(cloud, server, proxy_port=proxy_port)
            for (name, cloud), server in zip(accounts.items(), servers, strict=True)
        }
        yield Pieces(
            layout=layout,
            processes=processes,
            emulator=emulator,
            database=servers[0],
            clouds=accounts,
            platforms=platforms,
            proxy_port=proxy_port,
        )
    finally:
        processes.stop(processes.all())
        layout.remove_data()


@pytest.fixture(scope="session")
def maker(pieces, tmp_path_factory):
    return SiteMaker(pieces, run_php, tmp_path_factory.mktemp("installer"))


@pytest.fixture(scope="session")
def proxy(pieces):
    """The front proxy on its port, in a thread of its own."""
    loop = asyncio.new_event_loop()
    traffic = Traffic()
    running = Proxy(Routing(pieces.clouds, pieces.platforms), traffic)
    server = loop.run_until_complete(running.listen(pieces.proxy_port))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield Browser(pieces.proxy_port, traffic)
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@pytest.fixture(scope="package")
def fleet(tmp_path_factory):
    with deployed(tmp_path_factory.mktemp("iam")) as stacks:
        yield stacks
