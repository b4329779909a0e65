"""`run JOB` as the task runs it: a process of its own that always leaves a result."""

import json
import signal
import time

import pymysql
import pytest
import zstandard

from migrator.databases import Databases
from migrator.dump import dump
from migrator.explanations import explain
from migrator.transfer import S3Folder
from tests.migrator.dumps import fill
from tests.migrator.fleet import OPERATION, SITE, TENANT, USER_PASSWORD


@pytest.fixture
def source(remote_fleet):
    schema = remote_fleet.names.release(1).schema
    remote_fleet.own_schema(schema)
    fill(remote_fleet.database, schema, remote_fleet.names.database_user)
    remote_fleet.content(1).mkdir(parents=True)
    (remote_fleet.content(1) / "a.txt").write_text("a")
    remote_fleet.record(live=1)
    return schema


def finish(process) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out.decode(), err.decode()


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_a_job_reports_success_memory_and_logs_with_its_identity(remote_fleet, source):
    code, out, err = finish(
        remote_fleet.start("run", remote_fleet.describe("census", environment="dev"))
    )
    result = remote_fleet.result()
    assert (code, result.error) == (0, None)
    assert json.loads(out) == result.model_dump(mode="json", by_alias=True)
    assert 20e6 < result.peak_memory_bytes < 150e6
    assert [line["event"] for line in lines(err)] == [
        "job_starting",
        "census_counted",
        "front_page_not_seen",
        "job_finished",
    ]
    for line in lines(err):
        assert (line["operationId"], line["tenantId"], line["siteId"]) == (OPERATION, TENANT, SITE)
        assert (line["step"], line["attempt"], line["correlationId"]) == ("census", 1, "corr-1")


def test_a_job_that_fails_reports_why_and_ends_with_0(remote_fleet, source):
    remote_fleet.secret("broken", remote_fleet.names.database_user, "wrong-password")
    database = {"secretId": "broken", "schemaName": source}
    job = remote_fleet.describe(
        "verify", siteUrl="https://x.test", through="release", addresses=["127.0.0.1:9"],
        database=database, contentRoot=remote_fleet.names.release(1).content_root,
    )  # fmt: skip
    code, out, err = finish(remote_fleet.start("run", job))
    error = remote_fleet.result().error
    assert code == 0
    assert (error.code, error.retryable) == ("SYS_001", False)
    assert "did not accept" in error.message
    assert "1045" in error.message
    for text in (out, err, error.message):
        assert "wrong-password" not in text
        assert "Traceback" not in text


def test_sigterm_leaves_a_result_and_no_client_behind(remote_fleet, source):
    """Given an import that hangs in the middle, when the task is stopped, then it says so."""
    databases = Databases(
        remote_fleet.clients["secretsmanager"], remote_fleet.configuration().tls()
    )
    site = databases.credentials(remote_fleet.names.database_secret)
    chunks: list[bytes] = []
    dump(databases, site, source, chunks.append)
    slow = b"".join(chunks).replace(
        b"\nINSERT INTO `wp_users`", b"\nSELECT SLEEP(30);\nINSERT INTO `wp_users`"
    )
    folder = S3Folder(remote_fleet.clients["s3"], remote_fleet.bucket, "t")
    with folder.writer("d.zst") as sink:
        sink.write(zstandard.compress(slow))
    job = remote_fleet.describe(
        "import", database=remote_fleet.job_database(2), dump=remote_fleet.at("t/d.zst"),
        dumpSha256=sink.digest.sha256, rows={}, mappings=[],
    )  # fmt: skip
    process = remote_fleet.start("run", job)
    sleeping = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'"
    end = time.monotonic() + 30
    while remote_fleet.database.run(sleeping) == [(0,)]:
        assert time.monotonic() < end
        assert process.poll() is None, remote_fleet.result()
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    code, _, err = finish(process)
    error = remote_fleet.result().error
    assert code == 0
    assert error.retryable
    assert "asked to stop" in error.message
    assert "Traceback" not in err
    remote_fleet.database.run("SELECT 1")


def test_a_killed_run_is_repeated_without_help(remote_fleet, source):
    job = remote_fleet.describe(
        "export", environment="dev", release=1, destination=remote_fleet.at("transfers/k")
    )
    process = remote_fleet.start("run", job)
    process.stderr.readline()  # job_starting
    process.kill()
    finish(process)
    assert finish(remote_fleet.start("run", job))[0] == 0
    assert remote_fleet.result().error is None


def test_a_description_that_cannot_be_read_ends_with_1(remote_fleet, tmp_path):
    path = tmp_path / "job.json"
    path.write_text('{"kind": "census", "password": "hidden-value"}')
    code, _, err = finish(remote_fleet.start("run", str(path)))
    assert code == 1
    assert "is wrong" in err
    assert "hidden-value" not in err
    code, _, err = finish(remote_fleet.start("run", "s3://transfer/none.json"))
    assert code == 1
    assert "cannot be read" in err


def test_a_command_of_a_kind_refuses_a_job_of_another(remote_fleet, source):
    job = remote_fleet.describe("census", environment="dev")
    assert finish(remote_fleet.start("export", job))[0] == 2
    assert finish(remote_fleet.start("census", job))[0] == 0


def test_what_breaks_unexpectedly_is_explained_without_values():
    error = explain(KeyError(USER_PASSWORD))
    assert "KeyError" in error.message
    assert USER_PASSWORD not in error.message
    assert not error.retryable
    assert explain(OSError(28, "No space left on device", "/mnt/x")).retryable
    assert not explain(PermissionError(13, "Permission denied", "/mnt/x")).retryable


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (pymysql.err.OperationalError(2013, "Lost connection"), True),
        (pymysql.err.OperationalError(1053, "Server shutdown in progress"), True),
        (pymysql.err.InterfaceError(0, ""), True),  # what PyMySQL says of a closed connection
        (pymysql.err.ProgrammingError(1064, "You have an error in your SQL syntax"), False),
        (pymysql.err.OperationalError(1045, "Access denied"), False),
    ],
)
def test_what_passes_by_itself_in_a_database_is_tried_again(error, passes):
    assert explain(error).retryable is passes
