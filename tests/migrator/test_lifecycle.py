"""A site's whole way with real tools: installed, counted, exported, imported, placed, verified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.migrator.fleet import SITE, USER_PASSWORD, Fleet
from tests.migrator.wordpress_site import served

SOURCE, TARGET = "https://shop.wpdev.test", "https://shop.wpsit.test"
type Facts = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Way:
    """What each job told."""

    installed: Facts
    census: Facts
    source: Facts
    export: Facts
    imported: Facts
    placed: Facts
    verified: Facts


def php_text(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def serving(fleet: Fleet, folder, release: int):
    return served(
        folder, fleet.content(release), port=fleet.database.port,
        schema=fleet.names.release(release).schema, user=fleet.names.database_user,
        password=php_text(USER_PASSWORD),
    )  # fmt: skip


def install(fleet: Fleet) -> Facts:
    installed = fleet.done(
        "install",
        database=fleet.job_database(1),
        contentRoot=fleet.names.release(1).content_root,
        siteUrl=SOURCE,
        siteName="Shop of Zoë",
        adminSecretId=fleet.names.admin_secret,
    )
    fleet.record(live=1)
    return installed


def load(fleet: Fleet, export: Facts) -> Facts:
    return fleet.done(
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


def place(fleet: Fleet, export: Facts) -> Facts:
    return fleet.done(
        "content",
        source=fleet.at("transfers/one"),
        manifestSha256=export["manifestSha256"],
        contentRoot=fleet.names.release(2).content_root,
        manifestDestination=fleet.at("manifests/one.json"),
    )


def verify(fleet: Fleet, address: str, census: Facts) -> Facts:
    same = ("theme", "plugins", "permalinks", "posts", "frontPage", "phpVersion")
    return fleet.done(
        "verify",
        siteUrl=TARGET,
        through="release",
        addresses=[address],
        database=fleet.job_database(2),
        contentRoot=fleet.names.release(2).content_root,
        expected={**{name: census[name] for name in same}, "foreignHosts": ["shop.wpdev.test"]},
    )


@pytest.fixture
def way(fleet: Fleet, scratch) -> Way:
    installed = install(fleet)
    with serving(fleet, scratch / "source", 1) as fleet.site_address:
        census = fleet.done("census", environment="dev")
        source = fleet.done("verify-source", environment="dev", release=1)
    where = fleet.at("transfers/one")
    export = fleet.done("export", environment="dev", release=1, destination=where)
    imported, placed = load(fleet, export), place(fleet, export)
    with serving(fleet, scratch / "site", 2) as address:
        verified = verify(fleet, address, census)
    return Way(
        installed=installed,
        census=census,
        source=source,
        export=export,
        imported=imported,
        placed=placed,
        verified=verified,
    )


def failed(facts: Facts) -> list[Facts]:
    return [check for check in facts["checks"] if not check["passed"]]


def test_a_site_is_installed_counted_exported_imported_placed_and_verified(way: Way):
    assert (way.installed["theme"], way.installed["tables"]) == ("twentytwentythree", 12)
    told_of_the_source(way)
    own = {"wp_options": 0}  # a visit leaves transients there
    assert way.export["rows"] | own == way.census["tables"] | own
    assert way.imported["rows"] == way.export["rows"]
    assert way.imported["replacements"] > 0
    assert (way.imported["leftovers"], way.imported["leftoverTables"]) == (0, [])
    assert way.imported["keptOptions"] == ["admin_email"]
    assert (way.placed["files"], way.placed["copiedFromLive"]) == (way.export["files"], 0)
    assert failed(way.verified) == []
    assert len(way.verified["checks"]) == 15


def told_of_the_source(way: Way) -> None:
    census = way.census
    assert failed(way.source) == []
    assert census["frontPage"]["title"] == "Shop of Zoë"
    assert "/hello-world" in census["frontPage"]["links"]
    assert (census["siteId"], census["siteUrl"]) == (SITE, SOURCE)
    assert census["permalinks"] == "/%postname%/"
    assert census["posts"]["post:publish"] == 1
    assert census["content"]["files"] == way.installed["files"]
