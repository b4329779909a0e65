"""How a site stands before an operation begins to act on it, and after it was undone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import cast

from core.domain.names import names_of_domain, site_key
from core.domain.operation import Operation
from core.domain.site import ReleaseStatus, Site
from core.operations.steps.completion import REST_FORMER
from events.vocabulary import OperationStatus, Phase
from simulation.effects import WordPress
from simulation.seeds.fleet import SeededFleet
from simulation.seeds.story import short

type Standing = dict[str, object]


def _superseded(standing: Standing) -> frozenset[int]:
    releases = cast("dict[int, tuple[ReleaseStatus, str]]", standing["releases"])
    return frozenset(n for n, (status, _) in releases.items() if status is ReleaseStatus.SUPERSEDED)


def _without(standing: Standing, old: frozenset[int]) -> Standing:
    """Leave out what belongs to these releases, whatever it is named after them."""
    return {part: _kept(value, old) for part, value in standing.items()}


def _kept(value: object, old: frozenset[int]) -> object:
    def is_old(name: object) -> bool:
        match = re.search(r"(?:^|[-_/])r?(\d+)$", str(name))
        return match is not None and int(match[1]) in old

    if isinstance(value, dict):
        return {name: v for name, v in value.items() if not is_old(name)}
    return [name for name in value if not is_old(name)] if isinstance(value, list) else value


def names_of(site: Site | None) -> tuple[str, ...]:
    """Return every name by which visitors know a site: no other site may have one."""
    if site is None:
        return ()
    return (site.subdomain, *(names_of_domain(site.domain) if site.domain else ()))


@dataclass(kw_only=True)
class Targets:
    """Remembers each target at the moment of its lock; compares at the end."""

    fleet: SeededFleet
    stand_ins: bool
    before: dict[str, Standing] = field(default_factory=dict)

    def locked(self, operation: Operation) -> None:
        """Note how the site stands that an operation begins to act on."""
        if operation.operation_id not in self.before:
            self.before[operation.operation_id] = self._standing(operation)

    def ended(self, operation: Operation) -> None:
        """Compare, where the operation was undone."""
        before = self.before.pop(operation.operation_id, None)
        if before is None or operation.status is OperationStatus.COMPLETED:
            return
        after = self._standing(operation)
        if before["site"] is None:  # a creation that failed says so in the record
            before |= {part: after[part] for part in ("site", "names")}
        if self._may_have_retired(operation):
            old = _superseded(before)
            before, after = _without(before, old), _without(after, old)
        changed = [f"{k}: {v} became {after[k]}" for k, v in before.items() if after[k] != v]
        if changed:
            self.fleet.watch.broken.append(
                "an_undone_operation_leaves_the_target_as_it_was: "
                f"{operation.operation_type} {short(operation.operation_id)} {operation.status}: "
                + "; ".join(changed)
            )

    def _may_have_retired(self, operation: Operation) -> bool:
        """Tell whether a promotion had come as far as its last deed, which has no way back.

        The release that it replaced stays; older ones may be gone (docs/explanation/releases.md).
        """
        ran = self.fleet.store.step_records
        return (operation.operation_id, Phase.FORWARD, REST_FORMER.name) in ran

    def _standing(self, operation: Operation) -> Standing:
        world, effects = self.fleet.world, self.fleet.effects
        tenant_id, site_id = operation.tenant_id, operation.site_id
        key = site_key(tenant_id, site_id)
        groups = {arn: name for name, arn in world.target_groups.items()}
        site = world.sites.get((tenant_id, site_id))
        host = f"{site.subdomain}.{self.fleet.policy.here.domain}" if site else ""
        rule = world.rules.get(host)
        record = world.dns_records.get(host)
        return {
            "site": site
            and (site.status, site.live_release, site.subdomain, site.domain, site.desired_count),
            "releases": {
                number: (r.status, r.image_digest)
                for (tenant, name, number), r in world.releases.items()
                if (tenant, name) == (tenant_id, site_id)
                and r.status is not ReleaseStatus.DISCARDED
            },
            "names": [world.subdomains.get(name) for name in names_of(site)],
            "services": {
                name: (s.desired_count, s.service.image_digest, s.service.size)
                for name, s in sorted(world.services.items())
                if key in name
            },
            "target groups": sorted(name for name in world.target_groups if key in name),
            "rule": rule
            and (groups.get(rule.target_group_arn or ""), world.pages.get(host), rule.aliases),
            "name": record and record.target,
            "schemas": sorted(name for name in effects.schemas if key in name),
            "directories": sorted(name for name in effects.directories if key in name),
            "wordpresses": {
                name: (w.theme, dict(w.plugins), sorted(w.active), dict(w.options))
                for name, w in effects.wordpresses.items()
                if key in name and w != WordPress()
            },
        }
