"""Fixtures: real MariaDB for the whole session, AWS faked in process or emulated beside."""

import os
import shutil
import tempfile
from pathlib import Path

import boto3
import moto.backends
import pytest
import structlog
from moto import mock_aws

from migrator import logs
from migrator.services import Services
from tests.migrator.fleet import Fleet
from tests.migrator.servers import emulator, mariadb

SERVICES = ("s3", "secretsmanager", "dynamodb")


@pytest.fixture(scope="session")
def database():
    with mariadb() as server:
        yield server


@pytest.fixture
def clean_database(database):
    """The server without any site's schema or user, before and after."""

    def clean():
        for name in database.schemas():
            if name.startswith(("s_", "tenant_", "other")):
                database.run(f"DROP DATABASE `{name}`")
        for (user,) in database.run("SELECT user FROM mysql.user WHERE user LIKE 'u\\_%'"):
            database.run(f"DROP USER `{user}`@'%'")

    clean()
    yield database
    clean()


@pytest.fixture
def scratch():
    """A folder on a RAM disk: many small files are slow elsewhere."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    path = Path(tempfile.mkdtemp(dir=base, prefix="content-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def fake_aws():
    """One fake of AWS and its clients for a module of tests: making clients is what costs time."""
    with pytest.MonkeyPatch.context() as patch, mock_aws() as fake:
        patch.setenv("AWS_ACCESS_KEY_ID", "536580886816")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "af-south-1")
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        yield {name: boto3.client(name) for name in SERVICES}, fake


@pytest.fixture
def aws(fake_aws, monkeypatch):
    clients, _ = fake_aws
    for name, client in clients.items():
        monkeypatch.setattr(
            Services, {"secretsmanager": "secrets"}.get(name, name), client, raising=False
        )
    yield clients
    for name in ("s3", "secretsmanager", "dynamodb"):
        for backend in moto.backends.get_backend(name).values():
            for region in backend.values():
                region.reset()


@pytest.fixture
def fleet(aws, clean_database, scratch):
    logs.configure()
    yield Fleet(clients=aws, database=clean_database, mount=scratch / "efs")
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def endpoint():
    with emulator() as url:
        yield url


@pytest.fixture
def remote_fleet(endpoint, clean_database, scratch, request):
    """A fleet at the emulator, for jobs that run as processes of their own."""
    account = f"{abs(hash(request.node.nodeid)) % 10**12:012d}"
    environ = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "af-south-1",
    }
    session = boto3.Session(account, "test", region_name="af-south-1")
    clients = {name: session.client(name, endpoint_url=endpoint) for name in SERVICES}
    yield Fleet(
        clients=clients,
        database=clean_database,
        mount=scratch / "efs",
        aws=environ,
        bucket=f"transfer-{account}",
    )
    for client in clients.values():
        client.close()
