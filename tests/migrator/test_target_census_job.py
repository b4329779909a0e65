"""The census of the target: what it has, what changed since its cut-over, every right tried."""

import json

import pytest
from botocore.exceptions import ClientError

from core.domain.job_facts import Marks
from migrator.digests import shapes, sum_up_to
from tests.migrator.dumps import fill
from tests.migrator.fleet import ADMIN_SECRET
from tests.migrator.servers import ADMIN_PASSWORD

PROTECTED = ["users", "comments"]
COMMENTS = (
    "CREATE TABLE wp_comments (comment_ID bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, "
    "comment_content text NOT NULL)"
)


@pytest.fixture
def schema(fleet):
    schema = fleet.names.release(1).schema
    fleet.own_schema(schema)
    fill(fleet.database, schema, fleet.names.database_user)
    fleet.database.run(
        COMMENTS, "INSERT INTO wp_comments (comment_content) VALUES ('one'), ('two')", schema=schema
    )
    (fleet.content(1) / "uploads").mkdir(parents=True)
    (fleet.content(1) / "uploads" / "a.jpg").write_text("abcd")
    fleet.record(live=1)
    return schema


def census(fleet, **fields):
    return fleet.done(
        "target-census",
        **{
            "database": fleet.job_database(1), "protectedTables": PROTECTED,
            "contentRoot": fleet.names.release(1).content_root,
            "marks": fleet.at("releases/x/marks.json"),
        } | fields,
    )  # fmt: skip


def mark(fleet, schema):
    """Write the marks as a cut-over would have."""
    connection = fleet.database.root()
    found = shapes(connection, schema, ["wp_users", "wp_comments"])
    digests = {
        name: str(sum_up_to(connection, schema, shape, 1000)) for name, shape in found.items()
    }
    connection.close()
    marks = Marks(
        taken_at="2026-11-21T08:00:00Z", rows={"wp_users": 1, "wp_comments": 2},
        high_keys={"wp_users": 1000, "wp_comments": 1000}, digests=digests,
    )  # fmt: skip
    fleet.clients["s3"].put_object(
        Bucket=fleet.bucket, Key="releases/x/marks.json", Body=marks.model_dump_json(by_alias=True)
    )


def failed(facts) -> dict[str, str]:
    return {each["name"]: each["evidence"] for each in facts["rights"] if not each["passed"]}


def test_before_the_first_promotion_only_rights_are_tried(fleet):
    facts = census(fleet, database=None, contentRoot=None, marks=None)
    assert failed(facts) == {}
    assert len(facts["rights"]) == 7
    assert facts["tables"] == facts["newRows"] == {}


def test_tables_sizes_and_kept_options_are_counted(fleet, schema):
    facts = census(fleet, keptOptions=["home", "none"])
    assert failed(facts) == {}
    assert facts["tables"]["wp_comments"] == 2
    assert facts["sizeBytes"] > 10_000
    assert facts["contentSizeBytes"] == 4
    assert facts["keptOptions"] == ["home"]
    assert (facts["newRows"], facts["changedTables"]) == ({}, [])


def test_keys_bound_to_a_domain_are_warned_of_unless_they_are_kept(fleet, schema):
    assert census(fleet)["domainBoundOptions"] == ["recaptcha_key"]
    facts = census(fleet, keptOptions=["recaptcha_key"])
    assert facts["domainBoundOptions"] == []
    assert facts["keptOptions"] == ["recaptcha_key"]


def test_new_rows_and_changes_below_the_mark_are_told_apart(fleet, schema):
    mark(fleet, schema)
    assert (census(fleet)["newRows"], census(fleet)["changedTables"]) == ({}, [])
    fleet.database.run(
        "INSERT INTO wp_comments VALUES (1001, 'new'), (1002, 'new')",
        "UPDATE wp_users SET user_login = 'renamed'", schema=schema,
    )  # fmt: skip
    facts = census(fleet)
    assert facts["newRows"] == {"wp_comments": 2}
    assert facts["changedTables"] == ["wp_users"]


def test_unprotected_tables_are_not_compared(fleet, schema):
    mark(fleet, schema)
    fleet.database.run("UPDATE wp_users SET user_login = 'renamed'", schema=schema)
    assert census(fleet, protectedTables=["comments"])["changedTables"] == []


def test_nothing_stays_behind(fleet, schema):
    before = (fleet.database.schemas(), sorted(fleet.mount.rglob("*")))
    users = fleet.database.run("SELECT user FROM mysql.user ORDER BY user")
    census(fleet)
    assert (fleet.database.schemas(), sorted(fleet.mount.rglob("*"))) == before
    assert fleet.database.run("SELECT user FROM mysql.user ORDER BY user") == users
    s3 = fleet.clients["s3"]
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=fleet.bucket)["Contents"]]
    assert keys == ["jobs/job.json", "jobs/result.json"]
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=fleet.bucket)


def test_an_administrator_that_may_make_no_users_is_found(fleet, schema):
    fleet.database.run(
        "CREATE USER u_weak@'%' IDENTIFIED BY 'weak'", "GRANT SELECT ON *.* TO u_weak@'%'"
    )
    secret = {"host": "127.0.0.1", "port": fleet.database.port, "username": "u_weak"}
    fleet.clients["secretsmanager"].put_secret_value(
        SecretId=ADMIN_SECRET, SecretString=json.dumps(secret | {"password": "weak"})
    )
    found = failed(census(fleet))
    assert list(found) == ["schemas and users"]
    assert "1044" in found["schemas and users"]


def test_a_file_system_that_refuses_is_found(fleet, schema, monkeypatch):
    def refuse(path):
        raise PermissionError(1, "Operation not permitted", str(path))

    monkeypatch.setattr("migrator.target_rights.own", refuse)
    found = failed(census(fleet))
    assert "Operation not permitted" in found["directories and owners"]
    assert not list(fleet.mount.glob("**/.rights-*"))


@pytest.mark.parametrize(
    ("call", "name"),
    [("create_multipart_upload", "manifests writable"), ("head_object", "transfer readable")],
)
def test_a_bucket_that_refuses_is_found(fleet, schema, monkeypatch, call, name):
    """A dump was not readable by the importing host (403)."""

    def refuse(**_parameters):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, call)

    monkeypatch.setattr(fleet.clients["s3"], call, refuse)
    assert "AccessDenied" in failed(census(fleet))[name]


def test_a_foreign_schema_is_not_counted(fleet, schema):
    fleet.database.run("CREATE DATABASE other_tenant")
    database = {"secretId": fleet.names.database_secret, "schemaName": "other_tenant"}
    assert "no schema of site" in fleet.failed("target-census", database=database).message


def test_no_password_is_in_facts_or_logs(fleet, schema, capfd):
    facts = census(fleet)
    assert ADMIN_PASSWORD not in json.dumps(facts) + "".join(capfd.readouterr())
