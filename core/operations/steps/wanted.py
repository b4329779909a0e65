"""What a request asks of a WordPress, whichever kind of request it is, and whether it may have it.

Vetting happens twice in the fleet: when the request is accepted, as far as the catalogue alone can
tell, and in the step, with the versions that the site really has. The job looks a third time, at
the plugins that really stand there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from core.domain.catalogue import Template
from core.domain.changes import plugins_to_install, theme_of
from core.domain.errors import RefusedError
from core.domain.vetting import (
    Chosen,
    Surroundings,
    choose,
    included,
    require_allowed,
    require_no_conflict,
    require_settable,
    require_template,
)
from core.ports.catalogue import Catalogue
from events.payloads import Payload, PluginRef, SiteCreationPayload, SiteUpdatePayload
from events.vocabulary import ErrorCode


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The changes to a WordPress; empty where nothing is asked."""

    template_id: str | None = None
    theme: str | None = None
    install: tuple[PluginRef, ...] = ()
    update: tuple[PluginRef, ...] = ()
    configure: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    enable: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    uninstall: tuple[str, ...] = ()


def wanted_of(payload: Payload) -> Wanted:
    """Return what a creation or an update asks of WordPress."""
    match payload:
        case SiteCreationPayload():
            return Wanted(
                template_id=payload.template_id,
                theme=payload.configuration.theme,
                install=payload.configuration.plugins or (),
            )
        case SiteUpdatePayload():
            return _of_update(payload)
    return Wanted()


def vet(wanted: Wanted, catalogue: Catalogue, around: Surroundings) -> None:
    """Refuse what the site may not have; raises RefusedError, each with what exactly and why."""
    _require_one_change_each(wanted)
    template = vetted_template(wanted, catalogue, around)
    arriving = (*wanted.install, *wanted.update, *included(template))
    for plugin in arriving:
        choose(plugin, catalogue.plugin(plugin.slug), around)
    for slug in wanted.enable:
        require_allowed(slug, catalogue.plugin(slug))
    slugs = {*(plugin.slug for plugin in arriving), *wanted.enable}
    require_no_conflict(slugs, (), {slug: catalogue.plugin(slug) for slug in slugs})
    for slug, options in wanted.configure.items():
        require_settable(options, f"The configuration of {slug}")
    if template is not None:
        require_settable(template.options, f"The template {template.template_id}")


def vetted_template(wanted: Wanted, catalogue: Catalogue, around: Surroundings) -> Template | None:
    """Return the template that is asked for, if one is; raises RefusedError if it may not be."""
    if wanted.template_id is None:
        return None
    return require_template(wanted.template_id, catalogue.template(wanted.template_id), around)


def chosen(
    plugins: tuple[PluginRef, ...], catalogue: Catalogue, around: Surroundings
) -> list[Chosen]:
    """Return the version of each plugin; raises RefusedError for one that may not be."""
    return [choose(plugin, catalogue.plugin(plugin.slug), around) for plugin in plugins]


# --- private -------------------------------------------------------------------------------


def _of_update(payload: SiteUpdatePayload) -> Wanted:
    changes, plugins = payload.changes, payload.changes.plugins
    return Wanted(
        template_id=changes.template_id,
        theme=theme_of(changes),
        install=plugins_to_install(changes),
        update=plugins.update if plugins else (),
        configure=plugins.configure if plugins else {},
        enable=plugins.enable if plugins else (),
        disable=plugins.disable if plugins else (),
        uninstall=plugins.uninstall if plugins else (),
    )


def _require_one_change_each(wanted: Wanted) -> None:
    """Refuse a plugin that is to come and to go, or to come twice, in one request."""
    comes = Counter(plugin.slug for plugin in (*wanted.install, *wanted.update))
    goes = {*wanted.uninstall, *wanted.disable}
    wrong = {slug for slug, times in comes.items() if times > 1 or slug in goes}
    wrong |= goes & set(wanted.enable)
    if wrong:
        raise RefusedError(
            ErrorCode.SITE_001,
            f"The request asks for different things of the plugin {', '.join(sorted(wrong))}. "
            "Name each plugin once: install, update or enable it, or disable or uninstall it.",
        )
