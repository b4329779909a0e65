"""What opens one tenant's site opens nothing of another's: the real MariaDB, and the roots."""

import pymysql
import pytest

from core.domain.names import SiteNames
from events.formats import Environment
from migrator.databases import rows
from migrator.errors import Refusal
from migrator.schemas import require_own_schema
from tests.migrator.fleet import TENANT, USER_PASSWORD
from tests.migrator.test_install_job import install

OTHER_PASSWORD = "another-tenant-s-password"


@pytest.fixture
def neighbours(fleet):
    """A site of each of two tenants, installed; their ids look alike."""
    other = SiteNames(
        environment=fleet.environment, tenant_id=f"{TENANT}0", site_id=fleet.names.site_id
    )
    fleet.secret(other.database_secret, other.database_user, OTHER_PASSWORD)
    fleet.done("install", **install(fleet))
    schema = other.release(1).schema
    fleet.own_schema(schema, other.database_user)
    fleet.database.run(f"ALTER USER {other.database_user}@'%' IDENTIFIED BY '{OTHER_PASSWORD}'")
    fleet.database.run("CREATE TABLE wp_users (id int)", schema=schema)
    return other


def test_a_tenant_s_credentials_open_its_own_schema_only(fleet, neighbours):
    own, foreign = fleet.names.release(1).schema, neighbours.release(1).schema
    services = fleet.services()
    credentials = services.databases.credentials(fleet.names.database_secret)
    with services.databases.connect(credentials) as connection:
        assert rows(connection, f"SELECT COUNT(*) FROM {own}.wp_users") == [(1,)]
        for statement in (
            f"SELECT * FROM {foreign}.wp_users",
            f"INSERT INTO {foreign}.wp_users VALUES (1)",
            f"DROP TABLE {foreign}.wp_users",
            f"CREATE TABLE {foreign}.taken (a int)",
            "CREATE DATABASE taken",
            "SELECT * FROM mysql.user",
            f"GRANT ALL ON {own}.* TO '{neighbours.database_user}'@'%'",
        ):
            with pytest.raises(pymysql.err.Error) as refused:
                rows(connection, statement)
            assert refused.value.args[0] in {1044, 1045, 1142, 1227, 1410}, statement
        seen = {name for (name,) in rows(connection, "SHOW DATABASES")}
        assert own in seen
        assert foreign not in seen


def test_the_password_of_one_is_not_the_other_s(fleet, neighbours):
    assert USER_PASSWORD != OTHER_PASSWORD
    with pytest.raises(pymysql.err.OperationalError):
        pymysql.connect(
            host="127.0.0.1",
            port=fleet.database.port,
            user=neighbours.database_user,
            password=USER_PASSWORD,
        )


def test_a_job_of_one_tenant_touches_no_schema_of_another(fleet, neighbours):
    with pytest.raises(Refusal):
        require_own_schema(neighbours.release(1).schema, TENANT, fleet.names.site_id)


def test_the_roots_of_two_tenants_lie_beside_each_other():
    """An access point confines a container to its root, so neither may lie below the other."""
    names = [
        SiteNames(environment=Environment.DEV, tenant_id=tenant, site_id="site-a")
        for tenant in (TENANT, f"{TENANT}0")
    ]
    roots = [site.release(1).content_root + "/" for site in names]
    assert not roots[0].startswith(roots[1])
    assert not roots[1].startswith(roots[0])
