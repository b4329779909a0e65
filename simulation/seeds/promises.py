"""What must hold after any run of many operations, whatever went wrong: named checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from core.adapters.memory.world import StoredMessage
from core.domain.letters import REPLAY_OF
from core.domain.names import site_key
from core.engine.derive import derive_events
from core.operations.steps.image import held_tag
from events.decode import DecodeError, decode
from events.notifications import notification_for
from events.progress import FleetEvent, StepPoll, WakeUp
from events.requests import canonical_hash
from events.vocabulary import DetailType, OperationStatus, OperationType, Phase, SiteStatus
from simulation.seeds.draw import Kind
from simulation.seeds.fleet import SeededFleet
from simulation.seeds.messages import Sent
from simulation.seeds.story import short
from simulation.seeds.targets import names_of

ENDS = {
    DetailType.OPERATION_COMPLETED,
    DetailType.OPERATION_FAILED,
    DetailType.OPERATION_ROLLED_BACK,
    DetailType.OPERATION_CANCELLED,
}
NO_FACTS = {
    DetailType.OPERATION_STATUS,
    DetailType.OPERATION_REJECTED,
    DetailType.OPERATION_STALLED,
}
"""Answers to senders, and reports of what stands still: they say how it stands by now."""


@dataclass(kw_only=True)
class Finished:
    """A run at its end, after people have helped along what stood still."""

    fleet: SeededFleet
    sent: list[Sent] = field(default_factory=list)
    replays: dict[str, str] = field(default_factory=dict)
    """First message of a dead letter that said nothing -> the message it was last sent again as."""


def every_operation_ends(run: Finished) -> Iterator[str]:
    """No accepted message is lost; nothing is stuck for ever once a person helps."""
    for operation in run.fleet.store.operations.values():
        if not operation.is_terminal:
            yield (
                f"{operation.operation_type} {short(operation.operation_id)} is "
                f"{operation.status} in {operation.phase} {operation.step}, stalled since "
                f"{operation.stalled_since}, due {operation.due_at}, turn {operation.turn}"
            )


def locks_leases_and_turns_are_released(run: Finished) -> Iterator[str]:
    """What has ended holds nothing, and nobody waits for it any more."""
    store = run.fleet.store
    if store.locks or any(store.waiters.values()):
        yield f"locked: {store.locks}; waiting: {store.waiters}"
    if any(store.running.values()) or any(store.lines.values()):
        yield f"turns taken: {store.running}; in line: {store.lines}"
    leased = [o.operation_id for o in store.operations.values() if o.lease_owner]
    if leased:
        yield f"leased: {leased}"


def one_successor_per_step(run: Finished) -> Iterator[str]:
    """A step is completed once, and never failed as well; one id always says the same."""
    ids: dict[tuple[str, str, str | None, str], set[str]] = {}
    said: dict[str, str] = {}
    for event in run.fleet.world.events:
        if event.detail_type in NO_FACTS:
            continue
        meta = event.metadata
        text = event.detail_json()
        if said.setdefault(meta.event_id, text) != text:
            yield f"{event.detail_type} {meta.step} said two things: {said[meta.event_id]}; {text}"
        if event.detail_type in {DetailType.STEP_COMPLETED, DetailType.OPERATION_ACCEPTED}:
            key = (meta.operation_id, meta.phase, meta.step, event.detail_type)
            ids.setdefault(key, set()).add(meta.event_id)
    yield from (f"two successors: {key}" for key, found in ids.items() if len(found) > 1)


def one_task_per_attempt(run: Finished) -> Iterator[str]:
    """No attempt of a step starts its container job twice."""
    world = run.fleet.world
    tasks = [*world.tasks, *(world.source.tasks if world.source else [])]
    started = Counter(task.reference.started_by for task in tasks)
    yield from (f"started twice: {name}" for name, count in started.items() if count > 1)


def no_task_outlives_its_operation(run: Finished) -> Iterator[str]:
    """What an operation has running ends with it."""
    world = run.fleet.world
    for task in [*world.tasks, *(world.source.tasks if world.source else [])]:
        if not task.stopped:
            yield f"still running: {task.reference.started_by}"


def the_end_is_exactly_one_fact(run: Finished) -> Iterator[str]:
    """Subscribers hear of each end, and of one end only."""
    told: dict[str, set[str]] = {}
    announced = {notification.event_id for notification in run.fleet.world.notifications}
    for event in run.fleet.world.events:
        if event.detail_type in ENDS:
            told.setdefault(event.metadata.operation_id, set()).add(event.metadata.event_id)
    for operation in run.fleet.store.operations.values():
        if operation.operation_id not in run.fleet.watch.ended:
            continue
        end = derive_events(operation)[-1]
        its_own = end.metadata.event_id
        others = told.get(operation.operation_id, set()) - {its_own}
        if others:
            yield f"{short(operation.operation_id)}: other ends were told: {sorted(others)}"
        is_told = notification_for(end) is not None and not run.fleet.known_before(operation)
        if is_told and its_own not in announced:
            yield f"{short(operation.operation_id)}: its end ({operation.status}) was not announced"


def releases_hold_their_images(run: Finished) -> Iterator[str]:
    """What is live or kept has its image, and the tag that keeps it."""
    world = run.fleet.world
    for (_, site_id, number), release in world.releases.items():
        digest = release.image_digest
        if digest is None or not release.status.is_kept:
            continue
        held = world.image_tags.get(held_tag(digest))
        if held != digest or digest not in world.images:
            yield f"{site_id} r{number} runs {digest}; its tag is at {held}"


def live_sites_are_served(run: Finished) -> Iterator[str]:
    """The name of an active site leads to its live release, and that has containers."""
    fleet, world = run.fleet, run.fleet.world
    groups = {arn: name for name, arn in world.target_groups.items()}
    for (tenant_id, site_id), site in world.sites.items():
        if site.status is not SiteStatus.ACTIVE:
            continue
        rule = world.rules.get(f"{site.subdomain}.{fleet.policy.here.domain}")
        key = site_key(tenant_id, site_id)
        group = groups.get(rule.target_group_arn or "") if rule else None
        if group is None or not group.startswith(f"wp-{key}-r{site.live_release}"):
            yield f"{site_id}: live is r{site.live_release}, its name leads to {group}"
        mark = f"-{key}-r{site.live_release}"
        if not any(mark in name and s.desired_count for name, s in world.services.items()):
            yield f"{site_id} r{site.live_release} has no running containers"
        for name in names_of(site):
            if world.subdomains.get(name) != (tenant_id, site_id):
                yield f"{site_id} answers to {name}, which is not its own"


def nothing_is_left_behind(run: Finished) -> Iterator[str]:
    """Every schema, directory, service and target group belongs to a release that is kept."""
    fleet, world = run.fleet, run.fleet.world
    kept = {
        f"{site_key(tenant_id, site_id)}{mark}r{number}"
        for (tenant_id, site_id, number), r in world.releases.items()
        if r.status.is_kept
        for mark in ("_", "-", "/")
    }
    names = [*fleet.effects.schemas, *fleet.effects.directories, *world.services]
    names += world.target_groups
    for name in sorted(names):
        if not any(name.endswith(mark) for mark in kept):
            yield f"orphan: {name}"


def every_message_is_answered(run: Finished) -> Iterator[str]:
    """Whoever sends something learns what became of it, or finds it as a dead letter."""
    world, store = run.fleet.world, run.fleet.store
    answered = {event.metadata.correlation_id for event in world.events}
    told = _with_status(run)
    buried = {m.attributes.get("messageId") for m in world.dead_letters}
    for sent in run.sent:
        ids = {sent.message_id, run.replays.get(sent.message_id)}
        if ids & buried:
            continue
        if sent.kind in {Kind.CANCEL, Kind.RETRY}:
            about = store.operations.get(sent.about or "")
            if about is None or (sent.kind == Kind.CANCEL and not about.cancel_requested):
                yield f"a {sent.kind} of {sent.about} had no effect and no answer"
        elif _correlation(sent.body) not in answered and _named(sent.body) not in told:
            yield f"a {sent.kind} on {sent.queue} was never answered: {sent.body[:200]}"


def queues_are_empty(run: Finished) -> Iterator[str]:
    """No message stays behind."""
    fleet = run.fleet
    left = {name: len(found) for name, found in fleet.world.queues.items() if found}
    if left or fleet.notices.parcels or fleet.wake_ups.parcels:
        yield f"left: {left}, {len(fleet.notices.parcels)}, {len(fleet.wake_ups.parcels)}"


def dead_letters_say_why(run: Finished) -> Iterator[str]:
    """A dead letter has a reason, unless SQS made it of a message that killed all its workers."""
    for letter in run.fleet.world.dead_letters:
        if silent(letter) and letter.message_id in run.fleet.left_alone:
            yield f"left to SQS: {letter.body[:200]}"
        elif not silent(letter) and not letter.attributes.get("reason"):
            yield f"no reason: {dict(letter.attributes)}"


def refusals_are_told(run: Finished) -> Iterator[str]:
    """Whoever sent what was refused hears of it, or how the operation stands that it was about."""
    told = {event.metadata.event_id for event in run.fleet.world.events}
    answered = _with_status(run)
    for letter in run.fleet.world.dead_letters:
        rejection = letter.attributes.get("rejectionEventId")
        about = letter.attributes.get("operationId")
        if rejection and rejection not in told and about not in answered:
            yield f"no event says: {letter.attributes.get('reason')}"


def a_key_stands_for_one_payload(run: Finished) -> Iterator[str]:
    """Of two payloads under one key one is refused; who repeats a request is told how it stands."""
    buried = {m.attributes.get("messageId") for m in run.fleet.world.dead_letters}
    taken: dict[str, list[str]] = {}
    for sent in run.sent:
        ids = {sent.message_id, run.replays.get(sent.message_id)}
        if sent.kind in {Kind.CANCEL, Kind.RETRY, Kind.HOSTILE} or ids & buried:
            continue
        request = decode(sent.body)
        if not isinstance(request, FleetEvent | StepPoll | WakeUp):
            taken.setdefault(request.correlation_id, []).append(canonical_hash(request))
    answered = _with_status(run)
    for operation in run.fleet.store.operations.values():
        if operation.operation_type is OperationType.SITE_CHECK:  # a promotion has several looks
            continue
        payloads = taken.get(operation.correlation_id, [])
        if len(set(payloads)) > 1:
            yield f"two payloads were taken for {short(operation.operation_id)}"
        elif len(payloads) > 1 and operation.operation_id not in answered:
            yield f"a repeat for {short(operation.operation_id)} was not answered"


def an_end_repeats_what_its_steps_found(run: Finished) -> Iterator[str]:
    """Events and notifications say all that the steps have added, crash or no crash."""
    store = run.fleet.store
    for name, operation in store.operations.items():
        if operation.status is not OperationStatus.COMPLETED:
            continue
        found: dict[str, object] = {}
        for step in operation.plan:
            found |= store.step_records[name, Phase.FORWARD, step].summary
        told = {key: value for key, value in found.items() if value is not None}
        if told != operation.summary:
            yield f"{short(name)} says {operation.summary}; its steps said {told}"


def a_request_becomes_one_operation(run: Finished) -> Iterator[str]:
    """However often a request arrives."""
    count = Counter(
        (o.operation_type, o.tenant_id, o.site_id, o.correlation_id)
        for o in run.fleet.store.operations.values()
        if o.operation_type is not OperationType.SITE_CHECK  # a promotion has several looks
    )
    yield from (f"{number} operations of {key}" for key, number in count.items() if number > 1)


PROMISES: tuple[Callable[[Finished], Iterator[str]], ...] = (
    every_operation_ends,
    locks_leases_and_turns_are_released,
    one_successor_per_step,
    one_task_per_attempt,
    no_task_outlives_its_operation,
    the_end_is_exactly_one_fact,
    releases_hold_their_images,
    live_sites_are_served,
    nothing_is_left_behind,
    every_message_is_answered,
    queues_are_empty,
    dead_letters_say_why,
    refusals_are_told,
    a_request_becomes_one_operation,
    an_end_repeats_what_its_steps_found,
    a_key_stands_for_one_payload,
)
WATCHED = (
    "nothing_stands_still_unreported",
    "a_terminal_operation_never_moves",
    "one_operation_at_a_time_acts_on_a_site",
    "the_fence_only_rises",
    "only_the_message_that_is_waited_for_claims",
    "a_repeat_announces_nothing",
    "who_waits_for_people_keeps_nobody_waiting",
    "a_lock_goes_to_who_can_use_it",
    "a_step_waits_no_longer_than_its_deadline",
    "an_end_says_whether_visitors_saw_it",
    "an_undone_operation_leaves_the_target_as_it_was",
    "the_fleet_comes_to_rest",
)
"""Held against the run while it goes on."""


def broken_promises(run: Finished) -> list[str]:
    """Return each promise that the run broke, with what was found."""
    found = [f"{promise.__name__}: {text}" for promise in PROMISES for text in promise(run)]
    return [*run.fleet.watch.broken, *found]


def silent(letter: StoredMessage) -> bool:
    """Tell whether a dead letter says nothing: SQS moved it, with at most its replay's stamp."""
    return letter.attributes.keys() <= {REPLAY_OF}


def _with_status(run: Finished) -> set[str]:
    """Return the operations of which somebody was told how they stand."""
    events = run.fleet.world.events
    status = DetailType.OPERATION_STATUS
    return {event.metadata.operation_id for event in events if event.detail_type is status}


def _named(body: str) -> str | None:
    """Return the operation that a request names: the answer tells how that one stands."""
    try:
        message = decode(body)
    except DecodeError:
        return None
    return getattr(getattr(message, "payload", None), "operation_id", None)


def _correlation(body: str) -> str | None:
    try:
        message = decode(body)
    except DecodeError as error:
        return error.hints.correlation_id
    return getattr(message, "correlation_id", None) if not isinstance(message, FleetEvent) else None
