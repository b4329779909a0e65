"""The private database servers: TLS only, verified, and an administrator."""

import pymysql
import pytest

from local import certificates
from local.mariadb import ADMINISTRATOR


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
