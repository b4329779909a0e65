import pytest

from migrator import exporting
from migrator.manifest import read_manifest
from tests.migrator.dumps import fill


@pytest.fixture
def site(fleet):
    """A live release with a small database and five files."""
    schema = fleet.names.release(1).schema
    fleet.own_schema(schema)
    fill(fleet.database, schema, fleet.names.database_user)
    content = fleet.content(1)
    for name in ("themes/t/style.css", "uploads/a.jpg", "uploads/b.jpg", "cache/x", "upgrade/y"):
        (content / name).parent.mkdir(parents=True, exist_ok=True)
        (content / name).write_text(name)
    fleet.record(live=1)
    return content


def export(fleet, **fields):
    return {"environment": "dev", "release": 1, "destination": fleet.at("transfers/x")} | fields


def keys(fleet) -> list[str]:
    listed = fleet.clients["s3"].list_objects_v2(Bucket=fleet.bucket, Prefix="transfers/")
    return [item["Key"] for item in listed.get("Contents", [])]


def test_an_export_writes_dump_manifest_and_packs(fleet, site):
    facts = fleet.done("export", **export(fleet))
    assert facts["rows"] == {"wp_empty": 0, "wp_options": 4, "wp_posts": 3, "wp_users": 1}
    assert (facts["files"], facts["filesTravelled"], facts["release"]) == (3, 3, 1)
    assert keys(fleet) == [
        "transfers/x/content/00001.tar.zst",
        "transfers/x/database.sql.zst",
        "transfers/x/manifest.json",
    ]
    head = fleet.clients["s3"].head_object(Bucket=fleet.bucket, Key="transfers/x/database.sql.zst")
    assert head["ContentLength"] == facts["dumpSizeBytes"]


def test_only_what_the_target_lacks_travels(fleet, site):
    fleet.done("export", **export(fleet))
    (site / "uploads/new.jpg").write_text("new")
    known = fleet.at("transfers/x/manifest.json")
    facts = fleet.done(
        "export", **export(fleet, knownManifest=known, destination=fleet.at("transfers/y"))
    )
    assert (facts["files"], facts["filesTravelled"]) == (4, 1)


def test_a_known_manifest_that_is_gone_means_that_everything_travels(fleet, site):
    facts = fleet.done("export", **export(fleet, knownManifest=fleet.at("manifests/none.json")))
    assert facts["filesTravelled"] == 3


@pytest.mark.parametrize(("changes", "succeeds"), [(1, True), (2, False)])
def test_a_site_that_changes_meanwhile_is_exported_once_more(
    fleet, site, monkeypatch, changes, succeeds
):
    real, done = exporting.pack, []

    def pack_while_changing(*arguments):
        done.append(1)
        if len(done) <= changes:
            fleet.record(live=1, version=1 + len(done))
        return real(*arguments)

    monkeypatch.setattr(exporting, "pack", pack_while_changing)
    if succeeds:
        assert fleet.done("export", **export(fleet))["files"] == 3
    else:
        error = fleet.failed("export", **export(fleet))
        assert "changed during each" in error.message
        assert error.code == "PROM_002"
    assert len(done) == 2


def test_another_live_release_than_the_planned_one_is_refused(fleet, site):
    assert "Plan the promotion again" in fleet.failed("export", **export(fleet, release=7)).message


def test_a_site_that_is_not_there_or_not_live_is_refused(fleet):
    assert fleet.failed("census", environment="dev").code == "SITE_002"
    fleet.record(live=None)
    assert fleet.failed("census", environment="dev").code == "SITE_002"


def test_a_task_in_the_wrong_account_reads_nothing(fleet, site):
    assert "wrong account" in fleet.failed("export", **export(fleet, environment="prod")).message


def test_a_symbolic_link_is_refused_and_nothing_is_left_uploading(fleet, site):
    (site / "uploads/link").symlink_to("/etc/passwd")
    assert "symbolic link" in fleet.failed("export", **export(fleet)).message
    uploads = fleet.clients["s3"].list_multipart_uploads(Bucket=fleet.bucket)
    assert "Uploads" not in uploads


def test_a_failed_dump_is_no_object(fleet, site):
    fleet.database.run(f"CREATE VIEW `{fleet.names.release(1).schema}`.broken AS SELECT 1 AS x")
    fleet.database.run(
        "CREATE OR REPLACE VIEW broken AS SELECT * FROM wp_empty", "DROP TABLE wp_empty",
        schema=fleet.names.release(1).schema,
    )  # fmt: skip
    assert "exit code 2" in fleet.failed("export", **export(fleet)).message
    assert keys(fleet) == []
    assert "Uploads" not in fleet.clients["s3"].list_multipart_uploads(Bucket=fleet.bucket)


def test_a_site_older_than_the_fleet_is_found_by_its_records(fleet, site):
    fleet.clients["secretsmanager"].delete_secret(
        SecretId=fleet.names.database_secret, ForceDeleteWithoutRecovery=True
    )
    fleet.secret("bbws/dev/tenant-1/db", "u_old", "s3cret-of-the-site\"'#\\")
    fleet.own_schema("tenant_1_db", "u_old")
    fill(fleet.database, "tenant_1_db", "u_old")
    site.rename(fleet.mount / "tenant-1" / "wp-content")
    fleet.record(live=1, version=2, schema="tenant_1_db", content_root="/tenant-1/wp-content")
    assert fleet.done("export", **export(fleet))["files"] == 3
    fleet.database.run("DROP USER u_old@'%'")


def test_manifest_lists_what_was_packed(fleet, site):
    facts = fleet.done("export", **export(fleet))
    body = fleet.clients["s3"].get_object(Bucket=fleet.bucket, Key="transfers/x/manifest.json")
    manifest = read_manifest(body["Body"].read(), "test")
    assert [entry.path for entry in manifest.files] == [
        "themes/t/style.css", "uploads/a.jpg", "uploads/b.jpg",
    ]  # fmt: skip
    assert manifest.size_bytes == facts["contentSizeBytes"]


def test_only_selected_tables_and_folders_travel(fleet, site):
    facts = fleet.done("export", **export(fleet, tables=["posts", "wp_em*"], folders=["uploads"]))
    assert facts["rows"] == {"wp_empty": 0, "wp_posts": 3}
    assert (facts["files"], facts["filesTravelled"]) == (2, 2)


@pytest.mark.parametrize("tables", [["posts", "orders"], ["order*"]])
def test_a_selection_of_what_is_not_there_is_refused(fleet, site, tables):
    error = fleet.failed("export", **export(fleet, tables=tables))
    assert error.code == "SITE_001"
    assert "order" in error.message
    assert keys(fleet) == []
