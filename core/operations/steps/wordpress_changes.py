"""Changes to a WordPress: template, theme, plugins; one step each, every one with its way back.

On a site that is live they are made in place: customers go on ordering meanwhile, and what they
write must survive the way back (ADR 0042). In a release under construction nothing has to be taken
back: it is thrown away whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypedDict

from core.domain.job_models import Database
from core.domain.vetting import Chosen, Surroundings, included
from core.domain.wordpress_changes import (
    ApplyTemplate,
    ChangeTheme,
    ChangeWordPressJob,
    ConfigurePlugins,
    DisablePlugins,
    EnablePlugins,
    InstallPlugins,
    PluginPackage,
    TakeBackWordPressJob,
    TakenBackFacts,
    UninstallPlugins,
    UpdatePlugins,
    WordPressChange,
    WordPressFacts,
)
from core.engine.outcome import Done, Outcome
from core.engine.step import Step, StepContext, StepFunction
from core.operations.steps.changing import Changing
from core.operations.steps.jobs import job_fields, run_job, stop_job
from core.operations.steps.move import Move
from core.operations.steps.wanted import Wanted, chosen, vet, vetted_template, wanted_of
from events.payloads import Payload, PluginRef
from events.vocabulary import OperationType


def take_back(context: StepContext) -> Outcome:
    """Undo: bring back what the step has changed; a release under construction goes as a whole."""
    waiting = stop_job(context)
    if waiting is not None:
        return waiting
    if _is_built(context):
        return Done()
    answer = run_job(
        context, TakeBackWordPressJob(**job_fields(context), **_place(context, _name(context)))
    )
    if not isinstance(answer, dict):
        return answer
    return Done(facts=TakenBackFacts.model_validate(answer).model_dump(mode="json"))


# --- what each step asks of its job ---------------------------------------------------------


def _apply_template(context: StepContext, wanted: Wanted) -> WordPressChange | None:
    catalogue, around = context.ports.catalogue, _surroundings(context)
    template = vetted_template(wanted, catalogue, around)
    if template is None:
        return None
    return ApplyTemplate(
        template_id=template.template_id,
        package=catalogue.location(template.package),
        sha256=template.package.sha256,
        theme=template.theme,
        plugins=_packages(context, included(template)),
        options=dict(template.options),
    )


def _change_theme(_context: StepContext, wanted: Wanted) -> WordPressChange | None:
    return ChangeTheme(theme=wanted.theme) if wanted.theme else None


def _uninstall_plugins(_context: StepContext, wanted: Wanted) -> WordPressChange:
    return UninstallPlugins(slugs=list(wanted.uninstall))


def _install_plugins(context: StepContext, wanted: Wanted) -> WordPressChange:
    return InstallPlugins(plugins=_packages(context, wanted.install))


def _update_plugins(context: StepContext, wanted: Wanted) -> WordPressChange:
    return UpdatePlugins(plugins=_packages(context, wanted.update))


def _configure_plugins(_context: StepContext, wanted: Wanted) -> WordPressChange:
    options = {slug: dict(values) for slug, values in wanted.configure.items()}
    return ConfigurePlugins(options=options)


def _enable_plugins(_context: StepContext, wanted: Wanted) -> WordPressChange:
    return EnablePlugins(slugs=list(wanted.enable))


def _disable_plugins(_context: StepContext, wanted: Wanted) -> WordPressChange:
    return DisablePlugins(slugs=list(wanted.disable))


type Describe = Callable[[StepContext, Wanted], WordPressChange | None]


def _changing(describe: Describe) -> StepFunction:
    """Return a step's work: vet once more, let the job change the site, say what changed."""

    def run(context: StepContext) -> Outcome:
        wanted = wanted_of(context.request.payload)
        vet(wanted, context.ports.catalogue, _surroundings(context))
        change = describe(context, wanted)
        if change is None:
            return Done()
        answer = run_job(
            context,
            ChangeWordPressJob(
                **job_fields(context), **_place(context, _name(context)), change=change
            ),
        )
        if not isinstance(answer, dict):
            return answer
        return Done(facts=WordPressFacts.model_validate(answer).model_dump(mode="json"))

    return run


APPLY_TEMPLATE = Step(name="apply_template", run=_changing(_apply_template), undo=take_back)
CHANGE_THEME = Step(name="change_theme", run=_changing(_change_theme), undo=take_back)
UNINSTALL_PLUGINS = Step(
    name="uninstall_plugins", run=_changing(_uninstall_plugins), undo=take_back
)
INSTALL_PLUGINS = Step(name="install_plugins", run=_changing(_install_plugins), undo=take_back)
UPDATE_PLUGINS = Step(name="update_plugins", run=_changing(_update_plugins), undo=take_back)
CONFIGURE_PLUGINS = Step(
    name="configure_plugins", run=_changing(_configure_plugins), undo=take_back
)
ENABLE_PLUGINS = Step(name="enable_plugins", run=_changing(_enable_plugins), undo=take_back)
DISABLE_PLUGINS = Step(name="disable_plugins", run=_changing(_disable_plugins), undo=take_back)

WORDPRESS_CHANGES = (
    APPLY_TEMPLATE,
    CHANGE_THEME,
    UNINSTALL_PLUGINS,
    INSTALL_PLUGINS,
    UPDATE_PLUGINS,
    CONFIGURE_PLUGINS,
    ENABLE_PLUGINS,
    DISABLE_PLUGINS,
)
"""In this order: what goes makes room for what comes; what is configured is there by then."""


def on_a_live_site(step: Step) -> Step:
    """Return a step as an update has it: visitors see what it does at once."""
    return replace(step, cuts_over=True)


def wordpress_steps(payload: Payload) -> tuple[Step, ...]:
    """Return the steps that a request needs, in their order."""
    wanted = wanted_of(payload)
    asked = (
        wanted.template_id,
        wanted.theme,
        wanted.uninstall,
        wanted.install,
        wanted.update,
        wanted.configure,
        wanted.enable,
        wanted.disable,
    )
    return tuple(step for step, what in zip(WORDPRESS_CHANGES, asked, strict=True) if what)


# --- private -------------------------------------------------------------------------------


class _Place(TypedDict):
    database: Database
    content_root: str
    site_url: str
    savepoint: str


def _name(context: StepContext) -> str:
    return context.operation.step or ""


def _is_built(context: StepContext) -> bool:
    """Whether the release is still under construction: then it is thrown away whole."""
    return context.operation.operation_type is OperationType.SITE_CREATION


def _place(context: StepContext, savepoint: str) -> _Place:
    """Return the release that is under construction, else the one that was live at the survey."""
    if _is_built(context):
        move = Move(context)
        return _Place(
            database=move.database,
            content_root=move.release.content_root,
            site_url=move.site_url,
            savepoint=savepoint,
        )
    change = Changing(context)
    release = change.record
    return _Place(
        database=Database(secret_id=change.names.database_secret, schema_name=release.schema),
        content_root=release.content_root,
        site_url=change.site_url,
        savepoint=savepoint,
    )


def _surroundings(context: StepContext) -> Surroundings:
    """Return what the release runs: as installed, as its source does, or as its record says."""
    if "install_wordpress" in context.facts:
        installed = context.facts["install_wordpress"]
        return Surroundings(
            wordpress=str(installed["wordpress_version"]), php=str(installed["php_version"])
        )
    if "plan" in context.facts:
        census = Move(context).census
        return Surroundings(wordpress=census.wordpress_version, php=census.php_version)
    operation = context.operation
    site = context.ports.sites.get(operation.tenant_id, operation.site_id)
    if site is None:
        return Surroundings()
    return Surroundings(wordpress=site.wordpress_version, php=site.php_version)


def _packages(context: StepContext, plugins: Sequence[PluginRef]) -> list[PluginPackage]:
    catalogue = context.ports.catalogue
    found = chosen(tuple(plugins), catalogue, _surroundings(context))
    return [_package(context, plugin) for plugin in found]


def _package(context: StepContext, plugin: Chosen) -> PluginPackage:
    package = plugin.release.package
    return PluginPackage(
        slug=plugin.slug,
        version=plugin.release.version,
        package=context.ports.catalogue.location(package),
        sha256=package.sha256,
    )
