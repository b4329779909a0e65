"""The install job: schema and content of a fresh WordPress, ready to be served."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog

from core.domain.job_facts import InstallFacts
from core.domain.versions import fits
from events.vocabulary import ErrorCode
from migrator.databases import read_secret
from migrator.directories import FOLDER_MODE, files_below, own, release_root, replacing
from migrator.errors import JobFailure
from migrator.importing import fresh_schema
from migrator.php_programs import ask_php, failed, php_arguments
from migrator.schemas import require_not_live, require_own_schema
from migrator.wordpress import wordpress_version

if TYPE_CHECKING:
    from core.domain.jobs import InstallJob
    from migrator.configuration import DatabaseTls
    from migrator.databases import Credentials
    from migrator.services import Services

log = structlog.get_logger(__name__)

_SCRIPT = Path(__file__).with_name("install.php")
_FOLDERS = ("themes", "plugins", "uploads")


def run_install(services: Services, job: InstallJob) -> InstallFacts:
    """Install into a new schema and a new folder; run again, it starts from nothing again."""
    release = require_own_schema(job.database.schema_name, job.tenant_id, job.site_id)
    require_not_live(services.sites, job, release)
    configuration = services.configuration
    core = _core_of(configuration.wordpress_path, job.wordpress_version)
    root = release_root(configuration.mount_path, job.content_root, job.tenant_id, job.site_id)
    account = _administrator(services, job)
    with (
        fresh_schema(services, job, job.database.secret_id, job.database.schema_name) as (_, site),
        replacing(root) as content,
    ):
        _copy_content(core, content, job.theme)
        answer = _install(
            services, job, site, {**account, "core": str(core), "content": str(content)}
        )
        _own_all(content)
        files = sum(1 for _ in files_below(content))
    log.info("wordpress_installed", version=answer["version"], theme=answer["theme"])
    return InstallFacts(
        wordpress_version=answer["version"],
        php_version=answer["php"],
        theme=answer["theme"],
        tables=int(answer["tables"]),
        files=files,
    )


# --- private -------------------------------------------------------------------------------


def _administrator(services: Services, job: InstallJob) -> dict[str, str]:
    """Return user, email and password of the site's administrator, from its secret."""
    secret = read_secret(services.secrets, job.admin_secret_id)
    user, password = secret.get("username"), secret.get("password")
    if not isinstance(user, str) or not isinstance(password, str) or not user or not password:
        raise JobFailure(
            f"The secret {job.admin_secret_id} holds no username and password for WordPress' "
            "administrator. Write it again."
        )
    email = secret.get("email")
    if not isinstance(email, str) or "@" not in email:
        email = f"admin@{urlsplit(job.site_url).hostname}"
    return {"user": user, "password": password, "email": email}


def _core_of(default: Path, wanted: str | None) -> Path:
    """Return WordPress' core files of a version: those of the image, or of a folder beside them.

    Another version would make another schema than the site's own containers expect.
    """
    if wanted is None:
        return default
    beside = (
        path.parents[1] for path in default.parent.glob("wordpress-*/wp-includes/version.php")
    )
    there = {core: wordpress_version(core) for core in (default, *beside)}
    found = next((core for core, version in there.items() if fits(version, wanted)), None)
    if found is None:
        raise JobFailure(
            f"This job's image has WordPress {', '.join(there.values())}, and no "
            f"{wanted}. Build it with that version too (migrator/Dockerfile), or ask for another."
        )
    return found


def _copy_content(core: Path, content: Path, theme: str | None) -> None:
    """Copy the themes and plugins that come with WordPress, links resolved to plain files."""
    for name in _FOLDERS:
        source, target = core / "wp-content" / name, content / name
        if source.is_dir():
            shutil.copytree(source, target, symlinks=False)
        else:
            target.mkdir(mode=FOLDER_MODE)
    if not any((content / "themes").glob("*/style.css")):
        raise JobFailure(
            f"{core}/wp-content holds no theme; a site without one answers with empty pages. "
            "Build the image with WordPress' default theme."
        )
    if theme is not None and not (content / "themes" / theme / "style.css").is_file():
        raise JobFailure(
            f"The theme {theme!r} is not part of this WordPress. Ask for one that is, or create "
            "the site first and install the theme by an update.",
            code=ErrorCode.SITE_001,
        )


def _install(
    services: Services, job: InstallJob, site: Credentials, given: dict[str, str]
) -> dict[str, Any]:
    """Let WordPress install itself; `given`: the administrator's account and the two folders."""
    tls, secret = services.databases.tls, site.password.get_secret_value()
    request = {
        **given,
        "url": job.site_url.rstrip("/"),
        "title": job.site_name,
        "theme": job.theme,
        "host": site.host,
        "port": site.port,
        "username": site.username,
        "secret": secret,
        "schema": job.database.schema_name,
        "verify": tls.verify,
    }
    what = f"the installation of {job.site_url}"
    answer = ask_php(
        php_arguments(str(_SCRIPT), _settings(tls)),
        request,
        what=what,
        within_seconds=services.configuration.wordpress_timeout_seconds,
        secrets=[secret, given["password"]],
    )
    report = answer.last_line
    needed = {"version", "php", "theme", "tables"}
    if answer.code != 0 or not isinstance(report, dict) or not needed <= report.keys():
        raise failed(answer, what)
    return report


def _settings(tls: DatabaseTls) -> dict[str, str]:
    ca = {"openssl.cafile": str(tls.ca)} if tls.verify else {}
    return {"memory_limit": "256M", "zend.exception_ignore_args": "1", **ca}


def _own_all(content: Path) -> None:
    """Folders 755, files 644, everything 33:33 (as far as this process may)."""
    for folder, names, files in content.walk():
        for name in names:
            (folder / name).chmod(FOLDER_MODE)
            own(folder / name)
        for name in files:
            (folder / name).chmod(0o644)
            own(folder / name)
