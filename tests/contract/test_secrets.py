"""Secrets: made once, kept, restored."""

from __future__ import annotations

import json

import pytest

from core.adapters.aws.secrets import SecretsManagerSecrets
from core.adapters.memory.secrets import MemorySecrets
from core.adapters.memory.sites import MemorySites
from core.adapters.memory.world import World
from core.adapters.site_networks import SiteNetwork, SiteNetworks
from core.domain.names import SiteNames
from core.ports.platform import Secrets
from tests.contract.backends import Backend, Memory

TAGS = {"Tenant": "tenant-1", "ManagedBy": "sitefleet"}


@pytest.fixture
def secrets(backend: Backend) -> Secrets:
    if isinstance(backend, Memory):
        return MemorySecrets(backend.world, database_host="db.example", database_port=3307)
    place = SiteNetwork(
        vpc_id="vpc-1",
        subnet_ids=(),
        security_group_ids=(),
        job_security_group_ids=(),
        load_balancer_arn="arn:lb",
        listener_arn="arn:listener",
        database_endpoint="db.example:3307",
    )
    networks = SiteNetworks(MemorySites(World()), [place])
    return SecretsManagerSecrets(clients=backend.clients, networks=networks)


@pytest.fixture
def value(backend: Backend):
    def read(name: str) -> dict[str, object] | None:
        if isinstance(backend, Memory):
            found = backend.world.secrets.get(name)
            return None if found is None or found.deletion_at else json.loads(found.value)
        client = backend.clients.secretsmanager
        try:
            return json.loads(client.get_secret_value(SecretId=name)["SecretString"])
        except client.exceptions.ClientError:
            return None

    return read


def test_the_database_secret_says_where_and_who(secrets: Secrets, value, site: SiteNames):
    secrets.ensure_database_secret(site, TAGS)
    found = value("bbws/prod/tenant-1/site-1/db")
    assert len(found.pop("password")) >= 36
    assert found == {"host": "db.example", "port": 3307, "username": site.database_user}


def test_the_administrators_secret(secrets: Secrets, value, site: SiteNames):
    secrets.ensure_admin_secret(site, TAGS)
    assert set(value("bbws/prod/tenant-1/site-1/admin")) == {"username", "password"}


def test_the_salts_are_eight_different_ones(secrets: Secrets, value, site: SiteNames):
    secrets.ensure_salts_secret(site, TAGS)
    salts = value("bbws/prod/tenant-1/site-1/salts")
    assert len(salts) == len(set(salts.values())) == 8
    assert not set("'\"\\`") & set("".join(salts.values()))


@pytest.mark.parametrize("kind", ["database", "admin", "salts"])
def test_ensuring_twice_finds_the_same_secret_with_the_same_value(
    secrets: Secrets, value, site: SiteNames, kind: str
):
    ensure = getattr(secrets, f"ensure_{kind}_secret")
    name = getattr(site, f"{kind}_secret")
    first, before = ensure(site, TAGS), value(name)
    assert (ensure(site, TAGS), value(name)) == (first, before)
    assert name in first


def test_a_secret_that_is_scheduled_for_deletion_is_restored(
    secrets: Secrets, value, site: SiteNames
):
    arn = secrets.ensure_database_secret(site, TAGS)
    before = value(site.database_secret)
    secrets.delete(site.database_secret, recovery_days=7)
    secrets.delete(site.database_secret, recovery_days=7)
    assert value(site.database_secret) is None
    assert secrets.ensure_database_secret(site, TAGS) == arn
    assert value(site.database_secret) == before


def test_a_secret_can_be_deleted_at_once_and_twice(secrets: Secrets, value, site: SiteNames):
    secrets.ensure_admin_secret(site, TAGS)
    before = value(site.admin_secret)
    secrets.delete(site.admin_secret, recovery_days=0)
    secrets.delete(site.admin_secret, recovery_days=0)
    assert value(site.admin_secret) is None
    secrets.ensure_admin_secret(site, TAGS)
    assert value(site.admin_secret) != before
