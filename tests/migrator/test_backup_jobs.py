"""The final backup on a real server: taken, proved, the site removed, and all of it had back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.names import SiteNames
from events.vocabulary import SiteStatus
from migrator import proving
from migrator.manifest import build_manifest
from tests.migrator.dumps import fill
from tests.migrator.fleet import SITE, TENANT

FILES = ("themes/t/style.css", "plugins/p/p.php", "uploads/2026/ü b.jpg", "uploads/empty.txt")
FOLDER = "backups/data/tenant-1/site-a/op"
NEIGHBOUR = SiteNames(environment="dev", tenant_id=TENANT, site_id=f"{SITE}-2")


@pytest.fixture
def site(fleet):
    """A live release with a small database and some files."""
    schema = fleet.names.release(1).schema
    fleet.own_schema(schema)
    fill(fleet.database, schema, fleet.names.database_user)
    for name in FILES:
        path = fleet.content(1) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("" if "empty" in name else name)
    fleet.record(live=1)
    return schema


@pytest.fixture
def backup(fleet, site):
    """Return what the back-up job has told."""
    return fleet.done("back-up", **of_release(fleet), destination=fleet.at(FOLDER))


def of_release(fleet):
    release = fleet.names.release(1)
    root = release.content_root
    return {"database": fleet.job_database(1), "release": 1, "contentRoot": root}


def scratch(fleet):
    return {
        "scratchSchema": fleet.names.scratch_schema,
        "scratchRoot": fleet.names.scratch_root,
    }


def proof(fleet, facts, **changes):
    fields = {
        "database": fleet.job_database(1),
        "contentRoot": fleet.names.release(1).content_root,
        "source": fleet.at(FOLDER),
        "dump": facts["dump"],
        "dumpSha256": facts["dumpSha256"],
        "manifestSha256": facts["manifestSha256"],
        "rows": facts["rows"],
        **scratch(fleet),
    }
    return fields | changes


def left_of_the_proof(fleet):
    schema, root = fleet.names.scratch_schema, fleet.mount / fleet.names.scratch_root[1:]
    return schema in fleet.database.schemas() or root.exists()


class TestProved:
    def test_every_row_and_file_of_the_restored_backup_is_compared(self, fleet, backup):
        facts = fleet.done("prove-backup", **proof(fleet, backup))
        assert (facts["tables"], facts["rows"], facts["files"]) == (4, 8, len(FILES))
        assert set(facts["digests"]) == {"wp_empty", "wp_options", "wp_posts", "wp_users"}
        assert facts["digests"]["wp_posts"].startswith("3:")
        assert not left_of_the_proof(fleet)

    def test_it_can_be_run_again(self, fleet, backup):
        first = fleet.done("prove-backup", **proof(fleet, backup))
        assert fleet.done("prove-backup", **proof(fleet, backup)) == first

    @pytest.mark.parametrize(
        ("statement", "what"),
        [
            ("UPDATE wp_options SET option_value = 'x' WHERE option_name = 'home'", "checksums"),
            ("DELETE FROM wp_users", "checksums"),
            ("INSERT INTO wp_empty VALUES (1)", "checksums"),
            ("DROP PROCEDURE wp_count", "routines"),
            ("DROP TRIGGER wp_check", "triggers"),
            ("DROP VIEW wp_latest", "views"),
            ("DROP EVENT wp_night", "events"),
        ],
    )
    def test_a_site_that_differs_from_it_fails_the_proof(
        self, fleet, site, backup, statement, what
    ):
        fleet.database.run(statement, schema=site)
        error = fleet.failed("prove-backup", **proof(fleet, backup))
        assert f"differs from the site in {what}" in error.message
        assert "The site is as it was" in error.message
        assert not left_of_the_proof(fleet)

    @pytest.mark.parametrize("change", ["changed", "more", "gone"])
    def test_a_file_that_differs_fails_the_proof(self, fleet, backup, change):
        path = fleet.content(1) / FILES[0]
        match change:
            case "changed":
                path.write_text("other")
            case "more":
                path.with_name("new.css").write_text("new")
            case _:
                path.unlink()
        error = fleet.failed("prove-backup", **proof(fleet, backup))
        assert "differs from the site in 1 files" in error.message
        assert not left_of_the_proof(fleet)

    @pytest.mark.parametrize("name", ["database.sql.zst", "content/00001.tar.zst", "manifest.json"])
    def test_a_backup_that_was_damaged_after_it_was_written_is_found_out(self, fleet, backup, name):
        s3, key = fleet.clients["s3"], f"{FOLDER}/{name}"
        body = s3.get_object(Bucket=fleet.bucket, Key=key)["Body"].read()
        middle = len(body) // 2
        damaged = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
        s3.put_object(Bucket=fleet.bucket, Key=key, Body=damaged)
        fleet.failed("prove-backup", **proof(fleet, backup))
        assert not left_of_the_proof(fleet)

    def test_another_sites_scratch_is_refused(self, fleet, backup):
        for changes in (
            {"scratchSchema": NEIGHBOUR.scratch_schema},
            {"scratchRoot": NEIGHBOUR.scratch_root},
            {"scratchSchema": fleet.names.release(1).schema},
            {"scratchRoot": fleet.names.release(1).content_root},
        ):
            error = fleet.failed("prove-backup", **proof(fleet, backup, **changes))
            assert "nothing was touched" in error.message

    def test_what_a_killed_proof_leaves_can_be_removed(self, fleet, backup, monkeypatch):
        fleet.own_schema(fleet.names.scratch_schema)
        folder = fleet.mount / fleet.names.scratch_root[1:]
        folder.with_name(".scratch.new").mkdir(parents=True)
        assert left_of_the_proof(fleet)
        fleet.done("remove-scratch", **scratch(fleet))
        assert not left_of_the_proof(fleet)
        assert not folder.with_name(".scratch.new").exists()
        assert fleet.done("remove-scratch", **scratch(fleet)) == {
            "dropped": False,
            "removed": False,
        }

    def test_a_comparison_that_compares_nothing_proves_nothing(self, fleet, backup, monkeypatch):
        monkeypatch.setattr(proving, "_digests", lambda *_: {})
        error = fleet.failed("prove-backup", **proof(fleet, backup))
        assert "differs from the site in tables" in error.message


class TestRemoved:
    def job(self, fleet, *numbers):
        releases = [fleet.names.release(number) for number in numbers]
        return {
            "databases": [fleet.job_database(number) for number in numbers],
            "contentRoots": [release.content_root for release in releases],
            **scratch(fleet),
        }

    def deprovisioning(self, fleet):
        record = fleet.sites.get(TENANT, SITE)
        marked = replace(record, status=SiteStatus.DEPROVISIONING, version=record.version + 1)
        fleet.sites.put(marked, expected_version=record.version)

    def users(self, fleet):
        return {user for (user,) in fleet.database.run("SELECT user FROM mysql.user")}

    def test_schemas_user_and_folders_of_all_releases_go_and_nothing_else(self, fleet, site):
        fleet.own_schema(fleet.names.release(2).schema)
        other = NEIGHBOUR.release(1)
        fleet.own_schema(other.schema, NEIGHBOUR.database_user)
        fill(fleet.database, other.schema, NEIGHBOUR.database_user)
        beside = fleet.mount / other.content_root[1:] / "uploads/a.jpg"
        beside.parent.mkdir(parents=True)
        beside.write_text("theirs")
        rows = fleet.database.run("CHECKSUM TABLE wp_options, wp_posts", schema=other.schema)
        self.deprovisioning(fleet)
        facts = fleet.done("remove-site", **self.job(fleet, 1, 2, 3))
        assert facts == {"dropped": 2, "removed": 1}
        assert not any(fleet.names.key in schema for schema in fleet.database.schemas())
        assert fleet.names.database_user not in self.users(fleet)
        assert not fleet.content(1).parent.exists()
        assert other.schema in fleet.database.schemas()
        assert NEIGHBOUR.database_user in self.users(fleet)
        assert beside.read_text() == "theirs"
        assert rows == fleet.database.run(
            "CHECKSUM TABLE wp_options, wp_posts", schema=other.schema
        )

    def test_a_second_run_finds_nothing_and_that_is_fine(self, fleet, site):
        self.deprovisioning(fleet)
        fleet.done("remove-site", **self.job(fleet, 1))
        assert fleet.done("remove-site", **self.job(fleet, 1)) == {"dropped": 0, "removed": 0}

    def test_a_site_that_is_not_being_deleted_is_not_touched(self, fleet, site):
        error = fleet.failed("remove-site", **self.job(fleet, 1))
        assert "is ACTIVE and not DEPROVISIONING" in error.message
        assert site in fleet.database.schemas()

    @pytest.mark.parametrize("part", ["databases", "contentRoots", "scratchSchema", "scratchRoot"])
    def test_one_name_of_another_site_refuses_the_whole_job(self, fleet, site, part):
        other = NEIGHBOUR.release(1)
        secret = NEIGHBOUR.database_secret
        foreign = {
            "databases": [{"secretId": secret, "schemaName": other.schema}],
            "contentRoots": [other.content_root],
            "scratchSchema": NEIGHBOUR.scratch_schema,
            "scratchRoot": NEIGHBOUR.scratch_root,
        }
        self.deprovisioning(fleet)
        job = self.job(fleet, 1)
        names = job[part]
        job[part] = [*names, *foreign[part]] if isinstance(names, list) else foreign[part]
        assert "nothing was touched" in fleet.failed("remove-site", **job).message
        assert site in fleet.database.schemas()
        assert fleet.content(1).exists()


def test_a_restored_site_equals_the_one_that_was_deleted(fleet, site, backup):
    """Rows, checksums, objects and files; the database user has its former password."""
    statement = "CHECKSUM TABLE wp_empty, wp_options, wp_posts, wp_users"
    before = [checksum for _, checksum in fleet.database.run(statement, schema=site)]
    files = build_manifest(fleet.content(1)).files
    removed = TestRemoved()
    removed.deprovisioning(fleet)
    fleet.done("remove-site", **removed.job(fleet, 1))
    record = fleet.sites.get(TENANT, SITE)
    gone = replace(record, live_release=None, version=record.version + 1)
    fleet.sites.put(gone, expected_version=record.version)

    release = fleet.names.release(2)
    fleet.done(
        "import",
        database=fleet.job_database(2),
        dump=backup["dump"],
        dumpSha256=backup["dumpSha256"],
        rows=backup["rows"],
        mappings=[],
        options={"home": "https://shop.wpdev.test", "siteurl": "https://shop.wpdev.test"},
    )
    fleet.done(
        "content",
        source=fleet.at(FOLDER),
        manifestSha256=backup["manifestSha256"],
        contentRoot=release.content_root,
        manifestDestination=fleet.at("manifests/tenant-1/x/r2.json"),
    )
    after = [checksum for _, checksum in fleet.database.run(statement, schema=release.schema)]
    assert after == before
    assert build_manifest(fleet.content(2)).files == files
    services = fleet.services()
    with services.databases.connect(fleet.site_credentials(), release.schema) as connection:
        assert connection.open
