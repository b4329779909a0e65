"""One shop for all tests: installed, counted, exported, imported, placed; broken and mended."""

import os
import shutil
import tempfile
from pathlib import Path

import boto3
import pytest
import structlog

from migrator.services import Services
from tests.field_notes.shop import Shop, export, import_fields, install, place, serving
from tests.migrator.fleet import Fleet
from tests.migrator.servers import emulator, mariadb

ACCOUNT = "536580886816"


@pytest.fixture(scope="session")
def folder():
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    path = Path(tempfile.mkdtemp(dir=base, prefix="shop-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def clients():
    session = boto3.Session(ACCOUNT, "test", region_name="af-south-1")
    with emulator() as url:
        made = {
            name: session.client(name, endpoint_url=url)
            for name in ("s3", "secretsmanager", "dynamodb")
        }
        yield made
        for client in made.values():
            client.close()


def use(patch, clients) -> None:
    """Let jobs of this process speak to the emulator."""
    for name, client in clients.items():
        kept = {"secretsmanager": "secrets"}.get(name, name)
        patch.setattr(Services, kept, client, raising=False)


@pytest.fixture(scope="session")
def made(clients, folder):
    """The source served, and the release that came out of it served too."""
    with mariadb() as database, pytest.MonkeyPatch.context() as patch:
        use(patch, clients)
        fleet = Fleet(clients=clients, database=database, mount=folder / "efs")
        install(fleet)
        with serving(fleet, folder / "source", 1) as fleet.site_address:
            census = fleet.done("census", environment="dev")
            exported = export(fleet)
            imported = fleet.done("import", **import_fields(fleet, exported, 2))
            place(fleet, exported, 2)
            with serving(fleet, folder / "target", 2) as address:
                patch.undo()
                yield Shop(
                    fleet=fleet, site=folder / "target", address=address, census=census,
                    exported=exported, imported=imported,
                )  # fmt: skip


@pytest.fixture
def shop(made, clients, monkeypatch):
    use(monkeypatch, clients)
    yield made
    made.mend()
    structlog.contextvars.clear_contextvars()
