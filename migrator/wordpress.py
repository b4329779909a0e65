"""What a WordPress says about itself: in its options, its tables and its files' headers."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from migrator.databases import base_tables, quoted, rows
from migrator.errors import JobFailure

if TYPE_CHECKING:
    from migrator.databases import Connection

_HEADER_BYTES = 8 << 10
"""WordPress itself looks no further for a plugin's headers."""


def table_prefix(connection: Connection, schema: str) -> str:
    """Return the prefix of WordPress' tables (wp_); raises JobFailure when there are none."""
    tables = set(base_tables(connection, schema))
    prefixes = [
        name.removesuffix("options")
        for name in tables
        if name.endswith("options")
        and {name.removesuffix("options") + other for other in ("posts", "users")} <= tables
    ]
    if not prefixes:
        raise JobFailure(f"The schema {schema} holds no WordPress (no options, posts and users).")
    return min(prefixes, key=lambda prefix: (prefix != "wp_", len(prefix), prefix))


class Options:
    """The options table of one schema."""

    def __init__(self, connection: Connection, schema: str) -> None:
        self._connection = connection
        self.prefix = table_prefix(connection, schema)
        self._table = f"{quoted(schema)}.{quoted(self.prefix + 'options')}"

    def get(self, name: str) -> str | None:
        """Return one option's value."""
        found = rows(
            self._connection,
            f"SELECT option_value FROM {self._table} WHERE option_name = %s",  # noqa: S608 - quoted
            name,
        )
        return str(found[0][0]) if found else None

    def put(self, name: str, value: str) -> None:
        """Set one option; a new one is loaded on every page, as WordPress does by default."""
        statement = (
            f"INSERT INTO {self._table} (option_name, option_value, autoload) "  # noqa: S608
            "VALUES (%s, %s, 'yes') ON DUPLICATE KEY UPDATE option_value = VALUES(option_value)"
        )
        rows(self._connection, statement, name, value)


def post_counts(connection: Connection, schema: str, prefix: str) -> dict[str, int]:
    """Return how many posts there are of each post_type:post_status."""
    statement = (
        f"SELECT post_type, post_status, COUNT(*) FROM {quoted(schema)}.{quoted(prefix + 'posts')} "  # noqa: S608
        "GROUP BY post_type, post_status ORDER BY post_type, post_status"
    )
    return {f"{kind}:{status}": int(count) for kind, status, count in rows(connection, statement)}


def active_plugins(serialized: str | None) -> list[str]:
    """Return the files in a serialized `active_plugins` option, in order."""
    return re.findall(r's:\d+:"([^"]+\.php)";', serialized or "")


def plugin_versions(content_root: Path, files: list[str]) -> dict[str, str]:
    """Return plugin file -> version from its header; "missing" where there is no such file."""
    return {file: _header(content_root / "plugins", file, "Version") for file in files}


def theme_present(content_root: Path, theme: str) -> bool:
    """Tell whether a theme's folder holds its style.css; without it pages have 0 bytes."""
    return bool(re.fullmatch(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*", theme)) and (
        ".." not in theme and (content_root / "themes" / theme / "style.css").is_file()
    )


def wordpress_version(core: Path) -> str:
    """Return the version of WordPress' core files."""
    path = core / "wp-includes" / "version.php"
    try:
        found = re.search(r"\$wp_version\s*=\s*'([^']+)'", path.read_text("utf-8"))
    except OSError:
        found = None
    if found is None:
        raise JobFailure(
            f"{path} tells no WordPress version. MIGRATOR_WORDPRESS_PATH has to name WordPress' "
            "core files."
        )
    return found[1]


@cache
def php_version() -> str:
    """Return the version of the php in this container."""
    done = subprocess.run(
        ["php", "-n", "-r", "echo PHP_VERSION;"],
        capture_output=True,
        check=False,
        text=True,
        timeout=30,
    )
    if done.returncode != 0 or not done.stdout:
        raise JobFailure("php does not run in this container. Build the image again.")
    return done.stdout.strip()


def _header(plugins: Path, file: str, name: str) -> str:
    path = plugins / file
    if ".." in Path(file).parts or path.is_symlink() or not path.is_file():
        return "missing"
    with path.open("rb") as stream:
        text = stream.read(_HEADER_BYTES).decode("utf-8", "replace")
    found = re.search(rf"^[ \t/*#@]*{name}:(.*)$", text, re.MULTILINE | re.IGNORECASE)
    return found[1].strip().rstrip("*/ \t") if found else "unknown"
