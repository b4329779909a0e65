"""The private database servers: TLS only, verified, and an administrator."""

import shutil

import pymysql
import pytest

from local import certificates, mariadb
from local.mariadb import ADMINISTRATOR, DatabaseServer
from local.network import free_ports


def connect(pieces, authority, **options):
    return pymysql.connect(
        host="127.0.0.1",
        port=pieces.database.port,
        user=ADMINISTRATOR,
        password=pieces.database.password,
        ssl_ca=str(authority),
        ssl_verify_cert=True,
        ssl_verify_identity=True,
        **options,
    )


def test_the_administrator_connects_over_verified_tls(pieces):
    with connect(pieces, pieces.layout.authority) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
        assert cursor.fetchone()[1].startswith("TLS_")


def test_the_administrator_makes_schemas_and_users(pieces):
    with connect(pieces, pieces.layout.authority) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE s_probe CHARACTER SET utf8mb4")
        cursor.execute("CREATE USER u_probe@'%' IDENTIFIED BY 'secret' REQUIRE SSL")
        cursor.execute("GRANT ALL PRIVILEGES ON s_probe.* TO u_probe@'%'")
        cursor.execute("DROP USER u_probe@'%'")
        cursor.execute("DROP DATABASE s_probe")


def test_a_certificate_of_another_authority_is_refused(pieces, tmp_path):
    certificates.make_authority(tmp_path)
    with pytest.raises(pymysql.err.OperationalError, match="certificate verify failed"):
        connect(pieces, tmp_path / "ca.pem")


def test_a_connection_without_tls_is_refused(pieces):
    with pytest.raises(pymysql.err.OperationalError):
        pymysql.connect(
            host="127.0.0.1",
            port=pieces.database.port,
            user=ADMINISTRATOR,
            password=pieces.database.password,
            ssl_disabled=True,
        )


def test_a_server_that_starts_leaves_the_temporary_tables_of_another(pieces):
    """A server empties its `tmpdir` first, and one that loses a table there dies of it."""
    [port] = free_ports(1)
    other = DatabaseServer(environment="other", port=port, password=mariadb.new_password())
    with connect(pieces, pieces.layout.authority) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE s_temporary")
        cursor.execute("CREATE TEMPORARY TABLE s_temporary.t (a INT) ENGINE=Aria")
        try:
            other.start(pieces.layout, pieces.processes)
        finally:
            records = [r for r in pieces.processes.all() if r.name == "mariadb-other"]
            pieces.processes.stop(records)
            shutil.rmtree(pieces.layout.database("other"))
        cursor.execute("TRUNCATE s_temporary.t")
        cursor.execute("INSERT INTO s_temporary.t VALUES (1)")
        cursor.execute("ALTER TABLE s_temporary.t ADD b INT")
        cursor.execute("DROP DATABASE s_temporary")
