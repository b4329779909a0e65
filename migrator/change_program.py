"""Running migrator/change.php: WordPress and its plugins, with as few rights as they need.

Plugins are other people's programs. They run as the site's own account (33:33), see the site's
folders and no other site's, and have no AWS credentials: their environment is empty.
"""

from __future__ import annotations

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
from migrator.php_programs import ask_php, failed, php_arguments
from migrator.savepoints import web_user

if TYPE_CHECKING:
    from core.domain.wordpress_changes import ChangeWordPressJob, WordPressChange
    from migrator.new_files import Arriving
    from migrator.services import Services
    from migrator.wordpress_changes import Opened

_SCRIPT = Path(__file__).with_name("change.php")
_CPU_SECONDS = 300


def run_change_program(
    services: Services, site: Opened, job: ChangeWordPressJob, arriving: Arriving
) -> list[str]:
    """Let WordPress make a change; return the pages it made.

    Raises JobFailure when WordPress fails (WP_001) or does not come to an end (WP_002).
    """
    configuration, what = services.configuration, f"{job.change.action} on {job.site_url}"
    answer = ask_php(
        _arguments(services, site, services.databases.tls.ca),
        _request(services, site, job, arriving),
        what=what,
        within_seconds=configuration.wordpress_timeout_seconds,
        secrets=[site.credentials.password.get_secret_value()],
        user=web_user(),
    )
    report = answer.last_line
    if answer.code != 0 or not isinstance(report, dict) or "pages" not in report:
        raise failed(answer, what)
    return [str(page) for page in report["pages"]]


# --- private -------------------------------------------------------------------------------


def _request(
    services: Services, site: Opened, job: ChangeWordPressJob, arriving: Arriving
) -> dict[str, Any]:
    """Return what migrator/change.php reads."""
    return {
        "core": str(services.configuration.wordpress_path),
        "content": str(site.root),
        "url": job.site_url.rstrip("/"),
        "host": site.credentials.host,
        "port": site.credentials.port,
        "username": site.credentials.username,
        "secret": site.credentials.password.get_secret_value(),
        "schema": site.schema,
        "prefix": site.prefix,
        "verify": services.databases.tls.verify,
        "journal": str(site.savepoint.journal),
        **_asked(job.change, arriving),
    }


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
    return php_arguments(str(_SCRIPT), settings)
