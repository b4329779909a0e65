"""A real WordPress served by PHP from a release's content folder and schema."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.migrator.servers import background, free_port, knock, require, wait_for

CORE = Path("/usr/share/wordpress")

CONFIG = """<?php
define('DB_HOST', '127.0.0.1:{port}');
define('DB_NAME', '{schema}');
define('DB_USER', '{user}');
define('DB_PASSWORD', '{password}');
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
define('DISABLE_WP_CRON', true);
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('WP_CONTENT_DIR', '{content}');
if (($_SERVER['HTTP_X_FORWARDED_PROTO'] ?? '') === 'https') {{ $_SERVER['HTTPS'] = 'on'; }}
$table_prefix = 'wp_';
require ABSPATH . 'wp-settings.php';
"""

ROUTER = """<?php
$path = urldecode(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));
if ($path !== '/' && is_file(__DIR__ . $path)) { return false; }
$_SERVER['SCRIPT_NAME'] = '/index.php';
require __DIR__ . '/index.php';
"""


@contextmanager
def served(folder: Path, content: Path, **database: object) -> Iterator[str]:
    """Serve until the block ends; yields host:port."""
    require("php")
    folder.mkdir(parents=True)
    for path in CORE.iterdir():
        if path.suffix == ".php" and path.name != "wp-config.php":
            shutil.copy(path, folder / path.name)
    for name in ("wp-admin", "wp-includes"):
        (folder / name).symlink_to(CORE / name)
    (folder / "wp-content").symlink_to(content)
    (folder / "wp-config.php").write_text(CONFIG.format(content=content, **database))
    (folder / "router.php").write_text(ROUTER)
    port = free_port()
    # Files that a test has just changed take effect with the next page.
    settings = ("display_errors=1", "opcache.revalidate_freq=0")
    given = (part for setting in settings for part in ("-d", setting))
    arguments = ["php", *given, "-S", f"127.0.0.1:{port}", "-t", str(folder)]
    log = folder.with_suffix(".log")
    with background([*arguments, str(folder / "router.php")], log=log):
        wait_for(lambda: knock(port), log)
        yield f"127.0.0.1:{port}"
