import pytest

from migrator.compression import Compressor
from migrator.dump import dump
from migrator.errors import Stopped
from migrator.transfer import S3Folder
from tests.migrator.dumps import fill
from tests.migrator.fleet import OPERATION, USER_PASSWORD

SOURCE, TARGET = "https://shop.wpdev.test", "https://shop.wpsit.test"


@pytest.fixture
def job(fleet):
    """An import job whose dump is in the bucket, as a dict of its fields."""
    schema = "tenant_source"
    fleet.own_schema(schema)
    fill(fleet.database, schema, fleet.names.database_user)
    folder = S3Folder(fleet.clients["s3"], fleet.bucket, "transfers/x")
    with folder.writer("database.sql.zst") as sink:
        compressor = Compressor(sink)
        report = dump(
            fleet.services().databases, fleet.site_credentials(), schema, compressor.write
        )
        compressor.close()
    fleet.database.run(f"DROP DATABASE {schema}")
    return {
        "database": fleet.job_database(2),
        "dump": fleet.at("transfers/x/database.sql.zst"),
        "dumpSha256": sink.digest.sha256,
        "rows": report.rows,
        "mappings": [{"source": SOURCE, "target": TARGET}],
    }


def schema(fleet, release: int = 2) -> str:
    return fleet.names.release(release).schema


def options(fleet, release: int = 2) -> dict:
    statement = "SELECT option_name, option_value FROM wp_options"
    return dict(fleet.database.run(statement, schema=schema(fleet, release)))


def test_a_dump_becomes_a_release_s_schema(fleet, job):
    facts = fleet.done("import", **job, options={"home": TARGET, "blogname": "New"})
    assert facts["rows"] == job["rows"]
    assert facts["replacements"] == 4
    assert facts["brokenValues"] == facts["leftovers"] == 0
    assert options(fleet)["home"] == TARGET
    assert options(fleet)["blogname"] == "New"


def test_the_site_s_user_has_rights_on_this_schema_only(fleet, job):
    fleet.database.run("CREATE DATABASE other_tenant")
    fleet.done("import", **job)
    databases, site = fleet.services().databases, fleet.site_credentials()
    with databases.connect(site) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW DATABASES")
        assert {name for (name,) in cursor.fetchall()} == {"information_schema", schema(fleet)}


def test_environment_local_options_are_kept_from_the_live_release(fleet, job):
    fleet.done("import", **(job | {"database": fleet.job_database(1)}))
    fleet.database.run(
        "UPDATE wp_options SET option_value = 'key-of-the-target' "
        "WHERE option_name = 'recaptcha_key'", schema=schema(fleet, 1),
    )  # fmt: skip
    fleet.record(live=1)
    facts = fleet.done(
        "import", **job, keepOptionsFrom=schema(fleet, 1), keptOptions=["recaptcha_key", "none"]
    )
    assert facts["keptOptions"] == ["recaptcha_key"]
    assert options(fleet)["recaptcha_key"] == "key-of-the-target"


def test_options_are_never_read_from_another_site(fleet, job):
    fleet.database.run("CREATE DATABASE other_tenant")
    error = fleet.failed("import", **job, keepOptionsFrom="other_tenant", keptOptions=["home"])
    assert "no schema of site" in error.message
    assert not error.retryable


def test_a_changed_dump_is_refused_and_leaves_no_schema(fleet, job):
    error = fleet.failed("import", **(job | {"dumpSha256": "0" * 64}))
    assert "its sha256 is" in error.message
    assert schema(fleet) not in fleet.database.schemas()


def test_a_damaged_dump_is_refused_and_leaves_no_schema(fleet, job):
    s3, key = fleet.clients["s3"], "transfers/x/database.sql.zst"
    body = s3.get_object(Bucket=fleet.bucket, Key=key)["Body"].read()
    for damaged in (body[: len(body) // 2], body[:200] + b"\x00\x01" + body[202:], b""):
        s3.put_object(Bucket=fleet.bucket, Key=key, Body=damaged)
        fleet.failed("import", **job)
        assert schema(fleet) not in fleet.database.schemas()


@pytest.mark.parametrize("change", [{"wp_posts": 4}, {"wp_lost": 0}])
def test_other_row_counts_than_the_source_s_are_refused_and_leave_no_schema(fleet, job, change):
    error = fleet.failed("import", **(job | {"rows": job["rows"] | change}))
    assert "do not hold the rows" in error.message
    assert next(iter(change)) in error.message
    assert schema(fleet) not in fleet.database.schemas()


def test_a_table_more_than_the_source_had_is_refused(fleet, job):
    rows = {name: count for name, count in job["rows"].items() if name != "wp_empty"}
    assert (
        "wp_empty: 0 instead of no table"
        in fleet.failed("import", **(job | {"rows": rows})).message
    )


def test_a_foreign_schema_is_refused(fleet, job):
    fleet.database.run("CREATE DATABASE other_tenant")
    for name in ("other_tenant", "s_000000000000_r2", schema(fleet) + "x", "mysql"):
        database = {"secretId": fleet.names.database_secret, "schemaName": name}
        error = fleet.failed("import", **(job | {"database": database}))
        assert "no release schema of site" in error.message
    assert "other_tenant" in fleet.database.schemas()


def test_a_live_release_is_never_replaced(fleet, job):
    fleet.done("import", **job)
    fleet.record(live=2)
    assert "is live" in fleet.failed("import", **job).message
    assert "is live" in fleet.failed("drop-database", database=fleet.job_database(2)).message
    assert schema(fleet) in fleet.database.schemas()


def test_an_administrator_is_no_site_s_user(fleet, job):
    fleet.secret("bbws/wrong", "adm", "x")
    database = {"secretId": "bbws/wrong", "schemaName": schema(fleet)}
    assert "an administrator" in fleet.failed("import", **(job | {"database": database})).message


def test_a_second_run_replaces_what_a_killed_one_left(fleet, job):
    fleet.own_schema(schema(fleet))
    fleet.database.run("CREATE TABLE half_loaded (a int)", schema=schema(fleet))
    assert fleet.done("import", **job)["rows"] == job["rows"]
    assert fleet.done("import", **job)["rows"] == job["rows"]


def test_two_attempts_of_an_operation_never_overlap(fleet, job, monkeypatch):
    monkeypatch.setattr("migrator.schemas._LOCK_SECONDS", 0)
    other = fleet.database.root()
    with other.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK(%s, 0)", (f"sitefleet:{OPERATION}",))
    error = fleet.failed("import", **job)
    other.close()
    assert "Another attempt" in error.message
    assert error.retryable


def test_a_schema_that_somebody_is_connected_to_is_not_replaced(fleet, job, monkeypatch):
    monkeypatch.setattr("migrator.schemas._QUIET_SECONDS", 0.2)
    fleet.own_schema(schema(fleet))
    other = fleet.database.root(schema(fleet))
    error = fleet.failed("import", **job)
    other.close()
    assert "still connected" in error.message
    assert error.retryable


def test_a_lost_lock_fails_the_job(fleet, job, monkeypatch):
    def kill(*_arguments):
        for (number,) in fleet.database.run(
            "SELECT id FROM information_schema.processlist WHERE user = 'adm'"
        ):
            fleet.database.run(f"KILL {number}")
        return []

    monkeypatch.setattr("migrator.importing._options", kill)
    error = fleet.failed("import", **job)
    assert "lock" in error.message
    assert error.retryable


def test_a_stop_in_the_middle_leaves_a_result_and_what_the_next_run_can_cope_with(
    fleet, job, monkeypatch
):
    def stop(*_arguments):
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr("migrator.importing._require_rows", stop)
        error = fleet.failed("import", **job)
    assert error.retryable
    assert "asked to stop" in error.message
    assert fleet.done("import", **job)["rows"] == job["rows"]


def test_a_schema_is_dropped_with_what_was_granted_on_it(fleet, job):
    fleet.done("import", **job)
    assert fleet.done("drop-database", database=fleet.job_database(2)) == {"dropped": True}
    assert fleet.done("drop-database", database=fleet.job_database(2)) == {"dropped": False}
    grants = fleet.database.run(f"SHOW GRANTS FOR `{fleet.names.database_user}`@'%'")
    assert not [grant for (grant,) in grants if "s\\_" in grant]
    error = fleet.failed(
        "drop-database",
        database={"secretId": fleet.names.database_secret, "schemaName": "information_schema"},
    )
    assert "no release schema" in error.message


def users(fleet):
    return {user for (user,) in fleet.database.run("SELECT user FROM mysql.user")}


def test_a_user_that_was_made_for_the_release_goes_with_it(fleet, job):
    fleet.done("import", **job)
    assert fleet.names.database_user in users(fleet)
    fleet.done("drop-database", database=fleet.job_database(2), dropUser=True)
    assert fleet.names.database_user not in users(fleet)
    fleet.done("drop-database", database=fleet.job_database(2), dropUser=True)


def test_a_user_with_another_schema_stays(fleet, job):
    fleet.done("import", **job)
    fleet.own_schema(schema(fleet, 1))
    fleet.done("drop-database", database=fleet.job_database(2), dropUser=True)
    assert fleet.names.database_user in users(fleet)


def test_no_secret_is_in_results_or_logs(fleet, job, capfd):
    fleet.done("import", **job)
    fleet.failed("import", **(job | {"rows": {}}))
    fleet.clients["secretsmanager"].put_secret_value(
        SecretId=fleet.names.database_secret,
        SecretString=f'{{"password": "{USER_PASSWORD[:6]}", "port": "x"}}',
    )
    assert "wrong or missing host, port, username" in fleet.failed("import", **job).message
    printed = "".join(capfd.readouterr())
    assert USER_PASSWORD[:6] not in printed
    for line in printed.splitlines():
        if '"event"' in line:
            for field in ("operationId", "step", "attempt", "tenantId", "siteId", "correlationId"):
                assert f'"{field}"' in line
