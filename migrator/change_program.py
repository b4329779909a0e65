"""Running migrator/change.php: WordPress and its plugins, with as few rights as they need.

Plugins are other people's programs. They run as the site's own account (33:33), see the site's
folders and no other site's, and have no AWS credentials: their environment is empty.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.domain.wordpress_changes import (
    ApplyTemplate,
    ChangeTheme,
    ConfigurePlugins,
    DisablePlugins,
    EnablePlugins,
    UninstallPlugins,
)
from events.vocabulary import ErrorCode
from migrator.errors import JobFailure
from migrator.processes import drained, running
from migrator.savepoints import web_user

if TYPE_CHECKING:
    from core.domain.wordpress_changes import ChangeWordPressJob, WordPressChange
    from migrator.new_files import Arriving
    from migrator.services import Services
    from migrator.wordpress_changes import Opened

_SCRIPT = Path(__file__).with_name("change.php")
_ANSWER_BYTES = 1 << 20
_CPU_SECONDS = 300


def run_change_program(
    services: Services, site: Opened, job: ChangeWordPressJob, arriving: Arriving
) -> list[str]:
    """Let WordPress make a change; return the pages it made.

    Raises JobFailure (WP_001) with WordPress' own last words when it fails.
    """
    tls = services.databases.tls
    secret = site.credentials.password.get_secret_value()
    request = {
        "core": str(services.configuration.wordpress_path),
        "content": str(site.root),
        "url": job.site_url.rstrip("/"),
        "host": site.credentials.host,
        "port": site.credentials.port,
        "username": site.credentials.username,
        "secret": secret,
        "schema": site.schema,
        "prefix": site.prefix,
        "verify": tls.verify,
        "journal": str(site.savepoint.journal),
        **_asked(job.change, arriving),
    }
    arguments = _arguments(services, site, tls.ca)
    with running(arguments, secrets=[secret], feed=True, user=web_user()) as php:
        reader, answer = drained(php.stdout, _ANSWER_BYTES)
        try:
            php.stdin.write(json.dumps(request).encode())
            php.stdin.close()
        except BrokenPipeError:
            pass  # php has ended before it read; its exit code tells
        code = php.finish()
        reader.join()
        report = _report(bytes(answer))
        if code != 0 or report is None:
            raise JobFailure(
                f"WordPress could not do {job.change.action} on {job.site_url} "
                f"(exit code {code}): {php.complaint()}",
                code=ErrorCode.WP_001,
            )
    return [str(page) for page in report["pages"]]


# --- private -------------------------------------------------------------------------------


def _asked(change: WordPressChange, arriving: Arriving) -> dict[str, Any]:
    """Return the script's own keys."""
    asked: dict[str, Any] = {
        "action": change.action,
        "plugins": list(arriving.plugins),
        "options": {},
        "theme": None,
        "pages": [],
    }
    match change:
        case EnablePlugins() | DisablePlugins() | UninstallPlugins():
            asked["plugins"] = change.slugs
        case ConfigurePlugins():
            asked["options"] = change.options
        case ChangeTheme():
            asked["theme"] = change.theme
        case ApplyTemplate():
            asked["theme"] = change.theme
            asked["options"] = {**arriving.content.options, **change.options}
            asked["pages"] = [page.model_dump(mode="json") for page in arriving.content.pages]
        case _:
            pass
    return asked


def _arguments(services: Services, site: Opened, ca: Path | None) -> list[str]:
    """Everything outside of these folders is closed to PHP, above all other sites' content."""
    readable = [
        _SCRIPT.parent,
        services.configuration.wordpress_path,
        Path("/usr/share"),
        site.root,
        site.savepoint.folder,
        Path("/tmp"),  # noqa: S108 - WordPress' own temporary files
        *([ca] if ca else []),
    ]
    settings = {
        "memory_limit": "256M",
        "max_execution_time": str(_CPU_SECONDS),
        "zend.exception_ignore_args": "1",
        "open_basedir": ":".join(map(str, readable)),
        **({"openssl.cafile": str(ca)} if ca else {}),
    }
    given = (part for name, value in settings.items() for part in ("-d", f"{name}={value}"))
    return ["php", *given, str(_SCRIPT)]


def _report(answer: bytes) -> dict[str, Any] | None:
    """Read the script's last line: a plugin may have printed before it."""
    try:
        value = json.loads(answer.strip().rsplit(b"\n", 1)[-1])
    except ValueError:
        return None
    return value if isinstance(value, dict) and "pages" in value else None
