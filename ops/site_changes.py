"""`sites suspend`, `sites activate`, `sites update`: change a site by one request."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from core.ports.messaging import QueueName
from events.requests import SiteUpdateRequest, encode
from events.vocabulary import SiteStatus
from ops.composing import composed
from ops.desk import Desk
from ops.errors import BadInputError
from ops.flags import RequestedBy, SiteId, SiteTenantId, Watch
from ops.following import report
from ops.sending import send_request
from ops.site_finding import find_site


def _optional(told: str) -> Any:
    """Return a flag that may be left out: nothing of the site changes by it then."""
    return typer.Option(help=told, show_default=False)


ExpectedVersion = Annotated[
    int | None,
    typer.Option(
        help="Change it only if its record still has this version.", min=0, show_default=False
    ),
]
OverrideReason = Annotated[
    str | None,
    _optional("Why a read-only site has to change all the same; people must approve it."),
]
Changes = Annotated[
    Path | None,
    typer.Option(
        help="File with the changes as JSON, as in the contract; instead of the other flags.",
        exists=True,
        dir_okay=False,
        show_default=False,
    ),
]
ImageTag = Annotated[str | None, _optional("Image of the platform, by its tag.")]
PhpVersion = Annotated[str | None, _optional("PHP version, as far as the platform offers it.")]
WordpressVersion = Annotated[
    str | None, _optional("WordPress version, as far as the platform offers it.")
]
DesiredCount = Annotated[int | None, _optional("Number of containers.")]
CpuUnits = Annotated[int | None, _optional("CPU units of a container; 1024 are one.")]
MemoryMib = Annotated[int | None, _optional("Memory of a container in MiB.")]
Domain = Annotated[str | None, _optional("The customer's own domain.")]
TemplateId = Annotated[str | None, _optional("Template of the catalogue to apply.")]
Theme = Annotated[str | None, _optional("Theme to activate.")]
InstallPlugin = Annotated[list[str] | None, _optional("Plugin to install, SLUG or SLUG=VERSION.")]
UpdatePlugin = Annotated[list[str] | None, _optional("Plugin to update, SLUG or SLUG=VERSION.")]
EnablePlugin = Annotated[list[str] | None, _optional("Plugin to enable.")]
DisablePlugin = Annotated[list[str] | None, _optional("Plugin to disable.")]
UninstallPlugin = Annotated[list[str] | None, _optional("Plugin to uninstall.")]


def _status_change(status: SiteStatus, told: str) -> Callable[..., None]:
    """Return the command that asks for this status; `told` is its help."""

    def change(
        desk: Desk,
        site_id: SiteId,
        *,
        tenant_id: SiteTenantId = None,
        expected_version: ExpectedVersion = None,
        override_reason: OverrideReason = None,
        requested_by: RequestedBy = None,
        watch: Watch = False,
    ) -> None:
        terms = _Terms(expected_version, override_reason, requested_by)
        _send(desk, site_id, tenant_id, {"status": status}, terms, watch=watch)

    change.__doc__ = told
    return change


suspend = _status_change(
    SiteStatus.SUSPENDED,
    "Suspend a site: visitors read a page that says so, containers stop, data and name stay.",
)
activate = _status_change(
    SiteStatus.ACTIVE, "Bring a suspended site back: containers first, checks, then its visitors."
)


def update(
    desk: Desk,
    site_id: SiteId,
    *,
    tenant_id: SiteTenantId = None,
    changes: Changes = None,
    image_tag: ImageTag = None,
    php_version: PhpVersion = None,
    wordpress_version: WordpressVersion = None,
    desired_count: DesiredCount = None,
    cpu_units: CpuUnits = None,
    memory_mib: MemoryMib = None,
    domain: Domain = None,
    template_id: TemplateId = None,
    theme: Theme = None,
    install_plugin: InstallPlugin = None,
    update_plugin: UpdatePlugin = None,
    enable_plugin: EnablePlugin = None,
    disable_plugin: DisablePlugin = None,
    uninstall_plugin: UninstallPlugin = None,
    expected_version: ExpectedVersion = None,
    override_reason: OverrideReason = None,
    requested_by: RequestedBy = None,
    watch: Watch = False,
) -> None:
    """Change a site; several changes are one operation, undone together if one fails.

    Plugin flags may be repeated. Options of plugins are set with --changes.
    """
    flags = {
        "configuration": _said(wordpressVersion=wordpress_version, phpVersion=php_version),
        "scale": _said(desiredCount=desired_count, cpuUnits=cpu_units, memoryMib=memory_mib),
        "plugins": _said(
            install=_plugins(install_plugin),
            update=_plugins(update_plugin),
            enable=enable_plugin,
            disable=disable_plugin,
            uninstall=uninstall_plugin,
        ),
        "imageTag": image_tag,
        "domain": domain,
        "templateId": template_id,
        "theme": theme,
    }
    terms = _Terms(expected_version, override_reason, requested_by)
    wanted = _wanted(changes, {name: value for name, value in flags.items() if value})
    _send(desk, site_id, tenant_id, wanted, terms, watch=watch)


# --- inside ---------------------------------------------------------------------------------


class _Terms(NamedTuple):
    """On which terms a site is changed, whatever the change."""

    expected_version: int | None
    override_reason: str | None
    requested_by: str | None


def _send(
    desk: Desk,
    site_id: str,
    tenant_id: str | None,
    changes: dict[str, Any],
    terms: _Terms,
    *,
    watch: bool,
) -> None:
    connection = desk.connection()
    site = find_site(connection, site_id, tenant_id)
    payload = {
        "siteId": site.site_id,
        "tenantId": site.tenant_id,
        "changes": changes,
        "expectedVersion": terms.expected_version,
        "override": {"reason": terms.override_reason} if terms.override_reason else None,
    }
    request = composed(SiteUpdateRequest, desk, connection, terms.requested_by, payload)
    sent = send_request(desk, connection, request, encode(request), QueueName.UPDATE)
    report(desk, connection, sent, watch=watch)


def _wanted(file: Path | None, flags: dict[str, Any]) -> dict[str, Any]:
    if file is None:
        return flags
    if flags:
        raise BadInputError("Say what to change with --changes or with the other flags, not both.")
    try:
        changes = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInputError(f"{file} is not JSON: {error}. Nothing was sent.") from error
    if not isinstance(changes, dict):
        raise BadInputError(f"{file} does not hold one JSON object. Nothing was sent.")
    return changes


def _said(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value}


def _plugins(named: Sequence[str] | None) -> list[dict[str, str]]:
    pairs = [plugin.partition("=") for plugin in named or ()]
    return [{"slug": slug, **({"version": v} if v else {})} for slug, _, v in pairs]
