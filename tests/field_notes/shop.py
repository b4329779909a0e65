"""A shop in two environments: a source, and the release that the jobs have made from it."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migrator import verification
from tests.field_notes.plugins import SOURCE, furnish
from tests.migrator.fleet import USER_PASSWORD, Fleet
from tests.migrator.wordpress_site import served

TARGET = "https://shop.wpsit.test"


def serving(fleet: Fleet, folder: Path, release: int):
    return served(
        folder, fleet.content(release), port=fleet.database.port,
        schema=fleet.names.release(release).schema, user=fleet.names.database_user,
        password=USER_PASSWORD.replace("\\", "\\\\").replace("'", "\\'"),
    )  # fmt: skip


def install(fleet: Fleet) -> None:
    """Make the source: release 1."""
    release = fleet.names.release(1)
    fleet.done(
        "install", database=fleet.job_database(1), contentRoot=release.content_root,
        siteUrl=SOURCE, siteName="Shop of Zoë", adminSecretId=fleet.names.admin_secret,
    )  # fmt: skip
    furnish(fleet.database, release.schema, fleet.content(1))
    fleet.record(live=1)


def export(fleet: Fleet) -> dict[str, Any]:
    return fleet.done("export", environment="dev", release=1, destination=fleet.at("transfers/x"))


def import_fields(fleet: Fleet, exported: dict[str, Any], release: int) -> dict[str, Any]:
    return {
        "database": fleet.job_database(release), "dump": exported["dump"],
        "dumpSha256": exported["dumpSha256"], "rows": exported["rows"],
        "mappings": [{"source": SOURCE, "target": TARGET}],
        "options": {"home": TARGET, "siteurl": TARGET},
    }  # fmt: skip


def place(fleet: Fleet, exported: dict[str, Any], release: int) -> None:
    fleet.done(
        "content", source=fleet.at("transfers/x"), manifestSha256=exported["manifestSha256"],
        contentRoot=fleet.names.release(release).content_root,
        manifestDestination=fleet.at("manifests/x.json"),
    )  # fmt: skip


@dataclass
class Shop:
    """The release (number 2), served; broken by a test, checked, and whole again for the next."""

    fleet: Fleet
    site: Path
    """The document root, with wp-config.php."""
    address: str
    census: dict[str, Any]
    exported: dict[str, Any]
    imported: dict[str, Any]

    def __post_init__(self) -> None:
        self._kept = self.fleet.mount / "kept"
        subprocess.run(["cp", "-a", str(self.content), str(self._kept)], check=True)
        self._configuration = self.configuration
        self.fleet.database.run("CREATE DATABASE other_kept")
        for table in self._tables():
            self.fleet.database.run(
                f"CREATE TABLE other_kept.`{table}` AS SELECT * FROM `{self.schema}`.`{table}`"
            )

    @property
    def schema(self) -> str:
        return self.fleet.names.release(2).schema

    @property
    def content(self) -> Path:
        return self.fleet.content(2)

    @property
    def configuration(self) -> str:
        return (self.site / "wp-config.php").read_text()

    def configure(self, old: str, new: str) -> None:
        text = self.configuration
        assert old in text
        (self.site / "wp-config.php").write_text(text.replace(old, new))

    def plugin(self, code: str) -> None:
        """Add code that runs with every page (a must-use plugin is in no list of plugins)."""
        path = self.content / "mu-plugins" / "broken.php"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"<?php\n{code}\n")
        self.give(path.parent)

    def give(self, path: Path) -> None:
        """Give a folder to the owner of the content."""
        subprocess.run(["chown", "-R", "--reference", self.content, path], check=True)

    def sql(self, *statements: str) -> list[tuple]:
        return self.fleet.database.run(*statements, schema=self.schema)

    def mend(self) -> None:
        """Make the release what the jobs have made it."""
        for table in self._tables():
            self.sql(
                f"DELETE FROM `{table}`",
                f"INSERT INTO `{table}` SELECT * FROM other_kept.`{table}`",
            )
        shutil.rmtree(self.content, ignore_errors=True)
        subprocess.run(["cp", "-a", str(self._kept), str(self.content)], check=True)
        (self.site / "wp-config.php").write_text(self._configuration)

    def verify(self, **fields: object) -> dict[str, Any]:
        expected = {
            **{name: self.census[name] for name in ("theme", "plugins", "permalinks", "posts")},
            "frontPage": self.census["frontPage"], "phpVersion": self.census["phpVersion"],
            "foreignHosts": ["shop.wpdev.test"],
        }  # fmt: skip
        release = self.fleet.names.release(2)
        job = {
            "siteUrl": TARGET, "through": "release", "addresses": [self.address],
            "database": self.fleet.job_database(2), "contentRoot": release.content_root,
            "expected": expected,
        }  # fmt: skip
        return self.fleet.done("verify", **(job | fields))

    def failed(self, **fields: object) -> dict[str, str]:
        checks = self.verify(**fields)["checks"]
        return {check["name"]: check["evidence"] for check in checks if not check["passed"]}

    def _tables(self) -> list[str]:
        return [name for (name,) in self.sql("SHOW TABLES")]


def without(patch, *removed) -> None:
    """Take checks out of the lists of checks."""
    for name in ("OUTSIDE_CHECKS", "INSIDE_CHECKS"):
        kept = tuple(check for check in getattr(verification, name) if check not in removed)
        patch.setattr(verification, name, kept)
