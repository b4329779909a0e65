"""The fleet's promises as named checks over a finished run. Source: the design's "Promises"."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.domain.site import ReleaseStatus, Site
from core.engine.derive import derive_events
from core.operations.steps.image import held_tag
from events.vocabulary import DetailType, NotificationType, OperationStatus
from simulation.effects import WordPress
from simulation.fleet import SimulatedFleet

type Snapshot = dict[str, object]

ANSWER = DetailType.OPERATION_STATUS
"""Says to a sender how an operation stands: nothing follows from it."""
OUTCOMES = {
    DetailType.OPERATION_COMPLETED,
    DetailType.OPERATION_FAILED,
    DetailType.OPERATION_ROLLED_BACK,
    DetailType.OPERATION_CANCELLED,
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """A finished run and what it is held against."""

    fleet: SimulatedFleet
    operation_id: str
    ends: OperationStatus
    expected: Snapshot
    """The world after the same run, undisturbed."""


def snapshot(fleet: SimulatedFleet) -> Snapshot:
    """Return everything that outlives a run, without the ids and times that may differ."""
    world = fleet.world
    groups = {arn: name for name, arn in world.target_groups.items()}
    return {
        "sites": {
            site_id: (s.status, s.live_release, s.subdomain, _settings(s), s.last_release)
            for (_, site_id), s in world.sites.items()
        },
        "releases": {
            f"{site_id} r{number}": (r.status, r.operation_id, r.schema, r.image_digest)
            for (_, site_id, number), r in world.releases.items()
        },
        "subdomains": dict(world.subdomains),
        "places": {tenant: sorted(held) for tenant, held in world.places.items() if held},
        "tenant groups": sorted(world.tenant_groups),
        "secrets": sorted(n for n, s in world.secrets.items() if s.deletion_at is None),
        "access points": sorted(world.access_points),
        "images": sorted(world.images),
        "image tags": dict(sorted(world.image_tags.items())),
        "task definitions": sorted(
            service.names.service for service in world.task_definitions.values()
        ),
        "services": {
            name: (s.desired_count, s.service.image_digest, s.service.size)
            for name, s in sorted(world.services.items())
        },
        "target groups": sorted(world.target_groups),
        "rules": {
            host: (groups.get(rule.target_group_arn, world.pages.get(host)), rule.aliases)
            for host, rule in world.rules.items()
        },
        "certificates": sorted(" ".join(c.names) for c in world.certificates.values()),
        "listener certificates": len(world.listener_certificates),
        "dns": {name: record.target for name, record in world.dns_records.items()},
        "objects": sorted(k for k in world.objects if not k.startswith("jobs/")),
        "schemas": sorted(fleet.effects.schemas),
        "database users": sorted(fleet.effects.users),
        "directories": sorted(fleet.effects.directories),
        "wordpresses": {
            schema: (w.theme, dict(w.plugins), sorted(w.active), dict(w.options))
            for schema, w in sorted(fleet.effects.wordpresses.items())
            if w != WordPress()
        },
    }


def _settings(site: Site) -> tuple[object, ...]:
    versions = (site.wordpress_version, site.php_version)
    size = (site.desired_count, site.cpu_units, site.memory_mib)
    return (site.read_only, *versions, *size, site.domain)


def visible(state: Snapshot) -> Snapshot:
    """Return the part of a snapshot that a failed operation must leave as it was.

    An image that was copied stays, held by its digest: the next site may run it (ADR 0058).
    """
    kept = {k: v for k, v in state.items() if k not in {"releases", "sites", "images", "objects"}}
    tags = state["image tags"]
    if isinstance(tags, dict):
        kept["image tags"] = {t: d for t, d in tags.items() if t != held_tag(d)}
    objects = state["objects"]
    if isinstance(objects, list):
        kept["objects"] = [k for k in objects if not k.startswith(("evidence/", "salvage/"))]
    releases = state["releases"]
    sites = state["sites"]
    if isinstance(releases, dict) and isinstance(sites, dict):
        kept["releases"] = {
            name: r for name, r in releases.items() if r[0] is not ReleaseStatus.DISCARDED
        }
        kept["sites"] = {name: s[:4] for name, s in sites.items()}
    return kept


def it_ends_as_it_must(run: Run) -> str | None:
    """No accepted message is lost: its operation ends, and ends right."""
    operation = run.fleet.store.operations.get(run.operation_id)
    if operation is None:
        return "The operation does not exist: the request was lost."
    if operation.status is not run.ends:
        return f"It ended as {operation.status}, not {run.ends}: {operation.failure}"
    waiting = [o.operation_id for o in run.fleet.store.operations.values() if not o.is_terminal]
    return f"Still under way, of what it set going: {waiting}" if waiting else None


def effects_happen_once(run: Run) -> str | None:
    """Each outside effect happens once, or is repeatable: the world is the undisturbed run's."""
    found = snapshot(run.fleet)
    if found == run.expected:
        return None
    return "; ".join(
        f"{name}: {found[name]} instead of {run.expected[name]}"
        for name in found
        if found[name] != run.expected[name]
    )


def one_successor_per_step(run: Run) -> str | None:
    """Two different next events are never published for one step."""
    ids: dict[tuple[str, str | None, str], set[str]] = {}
    for event in run.fleet.world.events:
        meta = event.metadata
        if meta.operation_id != run.operation_id or event.detail_type is ANSWER:
            continue
        key = (meta.phase, meta.step, event.detail_type)
        ids.setdefault(key, set()).add(meta.event_id)
    doubled = {key for key, found in ids.items() if len(found) > 1}
    return f"Different events for the same step: {sorted(map(str, doubled))}" if doubled else None


def one_task_per_attempt(run: Run) -> str | None:
    """No attempt of a step starts its container job twice."""
    world = run.fleet.world
    tasks = [*world.tasks, *(world.source.tasks if world.source else [])]
    started = Counter(task.reference.started_by for task in tasks)
    doubled = [name for name, count in started.items() if count > 1]
    return f"Started twice: {doubled}" if doubled else None


def locks_are_released(run: Run) -> str | None:
    """Locks, leases and turns are always released, and nobody waits for one any more."""
    store = run.fleet.store
    if store.locks or any(store.waiters.values()):
        return f"Still locked: {store.locks}; waiting: {store.waiters}"
    if any(store.running.values()) or any(store.lines.values()):
        return f"Turns still taken: {store.running}; in line: {store.lines}"
    leased = [o.operation_id for o in run.fleet.store.operations.values() if o.lease_owner]
    return f"Still leased: {leased}" if leased else None


def releases_hold_their_images(run: Run) -> str | None:
    """What is live or kept has its image, and the tag that keeps it: no other site takes it."""
    world, kept = run.fleet.world, {ReleaseStatus.LIVE, ReleaseStatus.SUPERSEDED}
    lost = []
    for (_, site_id, number), release in world.releases.items():
        digest = release.image_digest
        if digest is None or release.status not in kept:
            continue
        held = world.image_tags.get(held_tag(digest))
        if not held == digest in world.images:
            lost.append(f"{site_id} r{number} runs {digest}; its tag is at {held}")
    return "; ".join(lost) or None


def nothing_is_left_on_a_queue(run: Run) -> str | None:
    """No message stays behind, and none becomes a dead letter without a reason."""
    left = {name: len(messages) for name, messages in run.fleet.world.queues.items() if messages}
    silent = [m for m in run.fleet.world.dead_letters if "reason" not in m.attributes]
    if left or silent:
        return f"Left: {left}; dead letters without a reason: {len(silent)}"
    return None


def the_end_is_announced_once(run: Run) -> str | None:
    """Subscribers hear of the end: exactly one fact, at least one announcement.

    A message that came too late for the operation is refused, which is another fact.
    """
    operation = run.fleet.store.operations[run.operation_id]
    its_own = {event.metadata.event_id for event in derive_events(operation)}
    facts = Counter(
        n.event_id
        for n in run.fleet.world.notifications
        if n.payload.operation_id == run.operation_id
        and n.outcome not in {"started", "waiting"}
        and (n.event_id in its_own or n.event_type is not NotificationType.OPERATION_REJECTED)
    )
    return None if len(facts) == 1 else f"{len(facts)} facts announced: {dict(facts)}"


def a_terminal_operation_never_moves(run: Run) -> str | None:
    """Every event and poll sent again, in any number, changes nothing."""
    before = (run.fleet.store.operations[run.operation_id], snapshot(run.fleet))
    for event in list(run.fleet.world.events):
        run.fleet.deliver_again(event)
    run.fleet.run()
    after = (run.fleet.store.operations[run.operation_id], snapshot(run.fleet))
    return None if before == after else f"It moved: {before[0]} became {after[0]}"


PROMISES: tuple[Callable[[Run], str | None], ...] = (
    it_ends_as_it_must,
    effects_happen_once,
    one_successor_per_step,
    one_task_per_attempt,
    locks_are_released,
    releases_hold_their_images,
    nothing_is_left_on_a_queue,
    the_end_is_announced_once,
    a_terminal_operation_never_moves,
)


def broken_promises(run: Run) -> Iterator[str]:
    """Yield each promise that the run broke, with what was found."""
    for promise in PROMISES:
        found = promise(run)
        if found is not None:
            yield f"{promise.__name__}: {found}"


def as_text(state: Snapshot) -> str:
    """Return a snapshot for people."""
    return json.dumps(state, indent=1, default=str)
