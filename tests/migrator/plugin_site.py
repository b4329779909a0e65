"""A live site whose plugins and theme are changed by jobs, a catalogue, and its customers."""

import atexit
import hashlib
import io
import os
import shutil
import subprocess
import tempfile
import urllib.request
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from core.adapters.aws.catalogue import item_of
from core.domain.catalogue import Plugin, PluginVersion
from local.catalogue import packages, put_catalogue
from tests.migrator.fleet import OPERATION, USER_PASSWORD
from tests.migrator.wordpress_site import served

URL = "https://shop.wpdev.test"
WEB_USER = (33, 33) if os.geteuid() == 0 else (-1, -1)
_INSTALLED: list[tuple[bytes, Path]] = []
"""Dump and content of a site that was installed once: a copy is quicker than an installation."""


def visit(address: str, path: str = "/") -> str:
    """Return a page as a visitor gets it."""
    headers = {"Host": "shop.wpdev.test", "X-Forwarded-Proto": "https"}
    request = urllib.request.Request(f"http://{address}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read().decode()


class PluginSite:
    """An installed site, its catalogue, and what may be asked of it."""

    def __init__(self, fleet) -> None:
        self.fleet = fleet
        self.bucket = f"{fleet.bucket}-templates"
        self.schema = fleet.names.release(1).schema
        self.root = fleet.content(1)
        fleet.clients["s3"].create_bucket(
            Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": "af-south-1"}
        )
        accounts = SimpleNamespace(s3=fleet.clients["s3"], dynamodb=fleet.clients["dynamodb"])
        put_catalogue(accounts, table="sites", bucket=self.bucket)
        if not _INSTALLED:
            self._install()
        self._put_in_place(*_INSTALLED[0])
        fleet.record(live=1)

    def _install(self) -> None:
        """Install once, let somebody visit it, and keep copies: a first visit writes options."""
        self.fleet.done(
            "install", database=self.fleet.job_database(1),
            contentRoot=self.fleet.names.release(1).content_root, siteUrl=URL, siteName="Shop",
            adminSecretId=self.fleet.names.admin_secret,
        )  # fmt: skip
        with self.served(self.fleet.mount.parent / "first-visit") as address:
            visit(address)
        dump = subprocess.run(
            ["mariadb-dump", "--no-defaults", f"--socket={self.fleet.database.folder}/s",
             "--user=root", "--hex-blob", self.schema],
            check=True, capture_output=True,
        ).stdout  # fmt: skip
        kept = Path(tempfile.mkdtemp(dir="/dev/shm", prefix="installed-"))
        atexit.register(shutil.rmtree, kept, ignore_errors=True)
        shutil.copytree(self.root, kept / "content")
        _INSTALLED.append((dump, kept / "content"))
        self.fleet.database.run(f"DROP DATABASE `{self.schema}`")
        shutil.rmtree(self.root)

    def _put_in_place(self, dump: bytes, content: Path) -> None:
        self.fleet.own_schema(self.schema)
        subprocess.run(
            ["mariadb", "--no-defaults", f"--socket={self.fleet.database.folder}/s",
             "--user=root", self.schema],
            check=True, input=dump,
        )  # fmt: skip
        shutil.copytree(content, self.root)
        for path in (self.root, *self.root.rglob("*")):
            os.chown(path, *WEB_USER)

    # --- jobs ---

    def place(self, savepoint: str, operation: str = OPERATION) -> dict[str, Any]:
        return {
            "operationId": operation, "database": self.fleet.job_database(1), "siteUrl": URL,
            "contentRoot": self.fleet.names.release(1).content_root, "savepoint": savepoint,
        }  # fmt: skip

    def change(self, action: str, operation: str = OPERATION, **fields: object) -> dict[str, Any]:
        return self.fleet.done("change-wordpress", **self.asked(action, operation, **fields))

    def asked(self, action: str, operation: str = OPERATION, **fields: object) -> dict[str, Any]:
        place = self.place(action.replace("-", "_"), operation)
        return {**place, "change": {"action": action, **fields}}

    def refused(self, action: str, **fields: object) -> Any:
        return self.fleet.failed("change-wordpress", **self.asked(action, **fields))

    def take_back(self, action: str, operation: str = OPERATION) -> dict[str, Any]:
        return self.fleet.done(
            "take-back-wordpress", **self.place(action.replace("-", "_"), operation)
        )

    def install(self, *names: str, operation: str = OPERATION) -> dict[str, Any]:
        return self.change("install-plugins", operation, plugins=[self.package(n) for n in names])

    def package(self, name: str) -> dict[str, Any]:
        slug, _, version = name.rpartition("-")
        known = packages()[f"plugins/{name}"]
        return {
            "slug": slug, "version": version, "sha256": known.sha256,
            "package": self.location(known.key),
        }  # fmt: skip

    def template(self) -> dict[str, Any]:
        known = packages()["templates/shop-window"]
        return {
            "templateId": "shop-window", "theme": "shop-window", "sha256": known.sha256,
            "package": self.location(known.key), "plugins": [self.package("notice-banner-1.1.0")],
        }  # fmt: skip

    def location(self, key: str) -> dict[str, str]:
        return {"bucket": self.bucket, "key": key}

    def add_plugin(self, slug: str, source: str, version: str = "1.0.0", **more: object) -> dict:
        """Put a plugin of one file into the catalogue; return its package as a job names it."""
        header = f"<?php\n/*\nPlugin Name: {slug}\nVersion: {version}\n*/\n"
        return self.add_package(slug, {f"{slug}/{slug}.php": header + source}, version, **more)

    def add_package(
        self, slug: str, files: dict[str, str], version: str = "1.0.0", **more: object
    ) -> dict:
        content = zip_of(files)
        key, sha256 = f"plugins/{slug}-{version}.zip", hashlib.sha256(content).hexdigest()
        self.fleet.clients["s3"].put_object(Bucket=self.bucket, Key=key, Body=content)
        release = PluginVersion(version=version, package={"key": key, "sha256": sha256})
        self.put(Plugin(slug=slug, versions=(release,), **more))
        return {"slug": slug, "version": version, "sha256": sha256, "package": self.location(key)}

    def put(self, plugin: Plugin) -> None:
        self.fleet.clients["dynamodb"].put_item(TableName="sites", Item=item_of(plugin))

    # --- looking ---

    def option(self, name: str) -> str | None:
        found = self.sql(f"SELECT option_value FROM wp_options WHERE option_name = '{name}'")
        return found[0][0] if found else None

    def sql(self, *statements: str) -> list[tuple]:
        return self.fleet.database.run(*statements, schema=self.schema)

    def tables(self) -> set[str]:
        return {row[0] for row in self.sql("SHOW TABLES")}

    def state(self) -> dict[str, Any]:
        """Return all that an undo has to bring back."""
        options = self.sql(
            "SELECT option_name, option_value, autoload FROM wp_options "
            "WHERE option_name NOT LIKE '\\_%transient%' ORDER BY option_name"
        )
        files = {
            str(path.relative_to(self.root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }
        posts = self.sql(
            "SELECT ID, post_name, post_status, post_content FROM wp_posts ORDER BY ID"
        )
        return {
            "options": {name: tuple(rest) for name, *rest in options}, "files": files,
            "folders": sorted(str(p) for p in self.root.rglob("*") if p.is_dir()),
            "posts": posts, "meta": self.sql("SELECT * FROM wp_postmeta"), "tables": self.tables(),
        }  # fmt: skip

    def served(self, folder):
        password = USER_PASSWORD.replace("\\", "\\\\").replace("'", "\\'")
        return served(
            folder, self.root, port=self.fleet.database.port, schema=self.schema,
            user=self.fleet.names.database_user, password=password,
        )  # fmt: skip

    # --- customers ---

    def customers_write(self) -> None:
        """Write what customers write: a comment, an order, and options of their own."""
        self.sql(
            "INSERT INTO wp_comments (comment_post_ID, comment_author, comment_content) "
            "VALUES (1, 'Zoë', 'I ordered two 🦆')",
            "CREATE TABLE IF NOT EXISTS wp_wc_orders (id int AUTO_INCREMENT, what text, KEY (id))",
            "INSERT INTO wp_wc_orders (what) VALUES ('two ducks')",
            "INSERT INTO wp_options (option_name, option_value) VALUES ('order_counter', '4711') "
            "ON DUPLICATE KEY UPDATE option_value = '4711'",
        )

    def require_customers_kept(self) -> None:
        assert self.sql("SELECT comment_content FROM wp_comments WHERE comment_author = 'Zoë'") == [
            ("I ordered two 🦆",)
        ]
        assert self.sql("SELECT what FROM wp_wc_orders") == [("two ducks",)]
        assert self.option("order_counter") == "4711"


def zip_of(files: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()
