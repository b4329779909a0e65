"""The end of an update: the records say what is true now, in one write, and only then."""

from __future__ import annotations

from dataclasses import replace

from core.domain.operation import Facts, Json
from core.domain.site import Release, ReleaseStatus, Site
from core.engine.outcome import Done, Outcome
from core.engine.step import Step, StepContext
from core.operations.steps.changing import Changing
from events.vocabulary import SiteStatus

COLUMNS = (
    "status",
    "desired_count",
    "cpu_units",
    "memory_mib",
    "wordpress_version",
    "php_version",
    "domain",
    "live_release",
    "image_digest",
    "task_definition_arn",
)
"""What an update may change in the two records, by the names of the survey's facts."""


def record_update(context: StepContext) -> Outcome:
    """Write what the steps have changed, and raise the version once."""
    change = Changing(context)
    before, now = _before(context), _now(context)
    version = change.before_number("version")
    if change.site.version == version:
        _write(context, now)
    changed: dict[str, Json] = {
        name: {"from": before[name], "to": now[name]}
        for name in COLUMNS
        if before[name] != now[name]
    }
    return Done(facts={"version": version + 1, "changed": changed})


def take_back_update(context: StepContext) -> Outcome:
    """Undo: the records say again what the survey had noted; the version never goes back."""
    change = Changing(context)
    if change.site.version == change.before_number("version") + 1:
        _write(context, _before(context))
    return Done()


RECORD_UPDATE = Step(name="record_update", run=record_update, undo=take_back_update)


def _before(context: StepContext) -> dict[str, Json]:
    return {name: Changing(context).before(name) for name in COLUMNS}


def _now(context: StepContext) -> dict[str, Json]:
    """Return the columns as the steps have left them: each step notes what it has changed."""
    columns = _before(context)
    for facts in context.facts.values():
        now = facts.get("now")
        columns |= now if isinstance(now, dict) else {}
    return columns


def _write(context: StepContext, columns: Facts) -> None:
    site, sites = Changing(context).site, context.ports.sites
    releases = _releases(context, columns)
    sites.put_with_releases(_site(site, columns, context), releases, site.version)


def _site(site: Site, columns: Facts, context: StepContext) -> Site:
    return replace(
        site,
        status=SiteStatus(str(columns["status"])),
        desired_count=_number(columns["desired_count"]) or 1,
        cpu_units=_number(columns["cpu_units"]),
        memory_mib=_number(columns["memory_mib"]),
        wordpress_version=_text(columns["wordpress_version"]),
        php_version=_text(columns["php_version"]),
        domain=_text(columns["domain"]),
        live_release=_number(columns["live_release"]),
        last_release=max(site.last_release, _number(columns["live_release"]) or 0),
        version=site.version + 1,
        updated_at=context.now,
    )


def _releases(context: StepContext, columns: Facts) -> list[Release]:
    """Return the live release as it is now; where another one took its place, both of them."""
    change, sites, live = Changing(context), context.ports.sites, columns["live_release"]
    built = context.facts.get("reserve_release", {}).get("release")
    if not isinstance(built, int):
        changed = replace(
            change.record,
            image_digest=_text(columns["image_digest"]),
            task_definition_arn=_text(columns["task_definition_arn"]),
            updated_at=context.now,
        )
        return [changed]
    new = sites.get_release(change.tenant_id, change.site_id, built)
    is_live = live == built
    former_status = ReleaseStatus.SUPERSEDED if is_live else ReleaseStatus.LIVE
    former = replace(change.record, status=former_status, updated_at=context.now)
    if new is None:
        return [former]
    new_status = ReleaseStatus.LIVE if is_live else ReleaseStatus.BUILDING
    return [former, replace(new, status=new_status, updated_at=context.now)]


def _number(value: Json) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def _text(value: Json) -> str | None:
    return None if value is None else str(value)
