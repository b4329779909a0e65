"""A site's whole way with real tools: installed, counted, exported, imported, placed, verified."""

from tests.migrator.fleet import SITE, USER_PASSWORD
from tests.migrator.wordpress_site import served

SOURCE, TARGET = "https://shop.wpdev.test", "https://shop.wpsit.test"


def php_text(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def serving(fleet, folder, release: int):
    return served(
        folder, fleet.content(release), port=fleet.database.port,
        schema=fleet.names.release(release).schema, user=fleet.names.database_user,
        password=php_text(USER_PASSWORD),
    )  # fmt: skip


def test_a_site_is_installed_counted_exported_imported_placed_and_verified(fleet, scratch):
    installed = fleet.done(
        "install",
        database=fleet.job_database(1),
        contentRoot=fleet.names.release(1).content_root,
        siteUrl=SOURCE,
        siteName="Shop of Zoë",
        adminSecretId=fleet.names.admin_secret,
    )
    assert installed["theme"] == "twentytwentythree"
    assert installed["tables"] == 12
    fleet.record(live=1)

    with serving(fleet, scratch / "source", 1) as fleet.site_address:
        census = fleet.done("census", environment="dev")
        source = fleet.done("verify-source", environment="dev", release=1)
    assert [check for check in source["checks"] if not check["passed"]] == []
    assert census["frontPage"]["title"] == "Shop of Zoë"
    assert "/hello-world" in census["frontPage"]["links"]
    assert census["siteId"] == SITE
    assert census["siteUrl"] == SOURCE
    assert census["permalinks"] == "/%postname%/"
    assert census["posts"]["post:publish"] == 1
    assert census["content"]["files"] == installed["files"]

    export = fleet.done(
        "export", environment="dev", release=1, destination=fleet.at("transfers/one")
    )
    own = {"wp_options": 0}  # a visit leaves transients there
    assert export["rows"] | own == census["tables"] | own

    imported = fleet.done(
        "import",
        database=fleet.job_database(2),
        dump=export["dump"],
        dumpSha256=export["dumpSha256"],
        rows=export["rows"],
        mappings=[{"source": SOURCE, "target": TARGET}],
        options={"home": TARGET, "siteurl": TARGET},
        keepOptionsFrom=fleet.names.release(1).schema,
        keptOptions=["admin_email", "no_such_option"],
    )
    assert imported["rows"] == export["rows"]
    assert imported["replacements"] > 0
    assert (imported["leftovers"], imported["leftoverTables"]) == (0, [])
    assert imported["keptOptions"] == ["admin_email"]

    placed = fleet.done(
        "content",
        source=fleet.at("transfers/one"),
        manifestSha256=export["manifestSha256"],
        contentRoot=fleet.names.release(2).content_root,
        manifestDestination=fleet.at("manifests/one.json"),
    )
    assert (placed["files"], placed["copiedFromLive"]) == (export["files"], 0)

    release = fleet.names.release(2)
    with serving(fleet, scratch / "site", 2) as address:
        verified = fleet.done(
            "verify",
            siteUrl=TARGET,
            through="release",
            addresses=[address],
            database=fleet.job_database(2),
            contentRoot=release.content_root,
            expected={
                "theme": census["theme"],
                "plugins": census["plugins"],
                "permalinks": census["permalinks"],
                "posts": census["posts"],
                "foreignHosts": ["shop.wpdev.test"],
                "frontPage": census["frontPage"],
                "phpVersion": census["phpVersion"],
            },
        )
    failed = [check for check in verified["checks"] if not check["passed"]]
    assert failed == []
    assert len(verified["checks"]) == 15
