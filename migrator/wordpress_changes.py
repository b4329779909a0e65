"""The jobs that change plugins, theme or content of a WordPress, and that take such a change back.

Vetted packages are unpacked first; then a savepoint is taken; then the files are put in place and
migrator/change.php lets WordPress' own functions do the rest. Run again, a change that was done
answers what it answered, and one that was cut off is taken back first.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from core.domain.vetting import require_allowed, require_no_conflict, require_safe
from core.domain.wordpress_changes import (
    ApplyTemplate,
    ChangeTheme,
    DisablePlugins,
    EnablePlugins,
    InstallPlugins,
    TakenBackFacts,
    UninstallPlugins,
    UpdatePlugins,
    WordPressFacts,
)
from events.vocabulary import ErrorCode
from migrator.change_program import run_change_program
from migrator.databases import base_tables
from migrator.directories import own, remove, replacing, site_folder
from migrator.errors import JobFailure
from migrator.new_files import Arriving, arriving_files
from migrator.savepoints import (
    Finished,
    Saved,
    Savepoint,
    copy,
    forget_others,
    read_options,
    written_options,
)
from migrator.schemas import operation_lock, require_site_schema
from migrator.taking_back import TakingBack, checksum
from migrator.wordpress import Options, active_plugins, plugin_versions, table_prefix

if TYPE_CHECKING:
    from core.domain.wordpress_changes import (
        ChangeWordPressJob,
        SitePlace,
        TakeBackWordPressJob,
        WordPressChange,
    )
    from migrator.databases import Connection, Credentials
    from migrator.services import Services

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A site's release, with its database open under the operation's lock."""

    connection: Connection
    credentials: Credentials
    schema: str
    prefix: str
    root: Path
    savepoint: Savepoint

    def taking_back(self) -> TakingBack:
        return TakingBack(self.savepoint, self.connection, self.schema, self.prefix, self.root)


def run_change(services: Services, job: ChangeWordPressJob) -> WordPressFacts:
    """Change a WordPress; whatever fails, the savepoint stays for the undo."""
    with _opened(services, job) as site:
        finished = site.savepoint.finished()
        if finished is not None:
            return finished.facts
        site.taking_back().run()
        forget_others(site.root, job.operation_id)
        with _fetched(services, site, job.change) as arriving:
            concerned = _vet(services, site, job.change, arriving)
            paths = sorted({*arriving.folders, *_going(site, job.change)})
            saved = site.savepoint.take(site.connection, site.schema, site.prefix, site.root, paths)
            _place(site.root, arriving)
        pages = run_change_program(services, site, job, arriving)
        if isinstance(job.change, UninstallPlugins):
            for path in paths:
                remove(site.root / path)
        return _finish(site, job.change, saved, concerned, pages)


def run_take_back(services: Services, job: TakeBackWordPressJob) -> TakenBackFacts:
    """Undo a change, whole or half done; nothing there is fine."""
    with _opened(services, job) as site:
        facts = site.taking_back().run()
        site.savepoint.forget()
        return facts


# --- private -------------------------------------------------------------------------------


@contextmanager
def _opened(services: Services, job: SitePlace) -> Iterator[Opened]:
    schema, databases = job.database.schema_name, services.databases
    require_site_schema(services.sites, job, schema)
    releases = services.sites.list_releases(job.tenant_id, job.site_id)
    root = site_folder(services.configuration.mount_path, job, job.content_root, releases)
    administrator = databases.credentials(services.configuration.required("database_admin_secret"))
    site = databases.credentials(job.database.secret_id)
    with (
        databases.connect(administrator) as admin,
        operation_lock(admin, job.operation_id),
        databases.connect(site, schema) as connection,
    ):
        yield Opened(
            connection=connection,
            credentials=site,
            schema=schema,
            prefix=table_prefix(connection, schema),
            root=root,
            savepoint=Savepoint.of(root, job),
        )


@contextmanager
def _fetched(services: Services, site: Opened, change: WordPressChange) -> Iterator[Arriving]:
    """Unpack what the change brings into a scratch folder, before anything is touched."""
    with ExitStack() as stack:
        scratch = tempfile.mkdtemp(dir=services.configuration.scratch_path, prefix="packages-")
        stack.callback(shutil.rmtree, scratch)
        yield arriving_files(services, change, site.root, Path(scratch))


def _vet(
    services: Services, site: Opened, change: WordPressChange, arriving: Arriving
) -> dict[str, str]:
    """Refuse what does not fit to what stands on the site; return the plugins concerned."""
    present = installed_plugins(site.root)
    named = _named(change)
    missing = [slug for slug in named if slug not in present and slug not in arriving.plugins]
    if isinstance(change, UpdatePlugins):
        missing += [slug for slug in arriving.plugins if slug not in present]
    if missing:
        raise JobFailure(
            f"The site has no plugin {', '.join(missing)}. Install it first, or leave it out.",
            code=ErrorCode.PLUG_001,
        )
    coming = {*arriving.plugins, *(named if isinstance(change, EnablePlugins) else ())}
    if coming:
        _require_welcome(services, site, present, coming, arriving)
    return {
        slug: arriving.plugins.get(slug) or present[slug] for slug in {*named, *arriving.plugins}
    }


def _require_welcome(
    services: Services,
    site: Opened,
    present: Mapping[str, str],
    coming: set[str],
    arriving: Arriving,
) -> None:
    active = _active(site) - coming
    catalogue = {slug: services.catalogue.plugin(slug) for slug in {*coming, *active}}
    for slug in coming:
        plugin = require_allowed(slug, catalogue[slug])
        require_safe(plugin, arriving.plugins.get(slug) or present[slug])
    require_no_conflict(coming, active, catalogue)


def _named(change: WordPressChange) -> list[str]:
    """Return the plugins that a change names without bringing them."""
    match change:
        case EnablePlugins() | DisablePlugins() | UninstallPlugins():
            return list(change.slugs)
        case InstallPlugins() | UpdatePlugins() | ApplyTemplate() | ChangeTheme():
            return []
    return list(change.options)


def _going(site: Opened, change: WordPressChange) -> list[str]:
    if not isinstance(change, UninstallPlugins):
        return []
    return [_path_of(site.root, slug) for slug in change.slugs]


def _path_of(root: Path, slug: str) -> str:
    """Return a plugin's folder, or its one file."""
    return f"plugins/{slug}" if (root / "plugins" / slug).is_dir() else f"plugins/{slug}.php"


def _place(root: Path, arriving: Arriving) -> None:
    for path, source in arriving.folders.items():
        with replacing(root / path) as fresh:
            for item in source.iterdir():
                copy(item, fresh / item.name)
            own(fresh)


def _finish(
    site: Opened,
    change: WordPressChange,
    saved: Saved,
    concerned: dict[str, str],
    pages: list[str],
) -> WordPressFacts:
    """Write down how the site stands now, so that an undo can tell what came later."""
    now = read_options(site.connection, site.schema, site.prefix)
    by_hand = _by_hand(site.savepoint, saved, now)
    names = {*written_options(site.savepoint), *by_hand}
    facts = WordPressFacts(
        template=change.template_id if isinstance(change, ApplyTemplate) else None,
        theme=change.theme if isinstance(change, ApplyTemplate | ChangeTheme) else None,
        plugins=dict(sorted(concerned.items())),
        options=sorted(name for name in names if now.get(name) != saved.options.get(name)),
        pages=pages,
    )
    made = set(base_tables(site.connection, site.schema)) - set(saved.tables)
    tables = {table: checksum(site.connection, site.schema, table) for table in sorted(made)}
    site.savepoint.finish(Finished(facts=facts, tables=tables, by_hand=by_hand))
    log.info("wordpress_changed", action=change.action, plugins=list(facts.plugins))
    return facts


def _by_hand(
    savepoint: Savepoint, saved: Saved, now: Mapping[str, tuple[str, str]]
) -> dict[str, str | None]:
    """Return the options that differ, if the change wrote to the table past WordPress' functions.

    Only then: a difference alone may be a customer's.
    """
    if not any("byHand" in line for line in savepoint.lines()):
        return {}
    known = written_options(savepoint)
    names = (saved.options.keys() | now.keys()) - known.keys()
    return {
        name: now[name][0] if name in now else None
        for name in sorted(names)
        if now.get(name) != saved.options.get(name)
    }


def _active(site: Opened) -> set[str]:
    files = active_plugins(Options(site.connection, site.schema).get("active_plugins"))
    return {_slug(file) for file in files}


def _slug(file: str) -> str:
    return file.split("/", maxsplit=1)[0].removesuffix(".php")


def installed_plugins(root: Path) -> dict[str, str]:
    """Return every plugin whose files are there: slug -> version, by its main file's header."""
    folder = root / "plugins"
    files = [
        str(path.relative_to(folder))
        for path in sorted((*folder.glob("*.php"), *folder.glob("*/*.php")))
    ]
    found: dict[str, str] = {}
    for file, version in plugin_versions(root, files).items():
        if version not in {"missing", "unknown"}:
            found.setdefault(_slug(file), version)
    return found
