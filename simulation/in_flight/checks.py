"""What must hold for each recorded moment under today's code; each breach is a sentence."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from core.bootstrap import WORKFLOWS
from core.domain.errors import SitefleetError
from core.domain.job_facts import JobResult
from core.domain.jobs import job_adapter
from core.domain.operation import Operation
from core.engine.claims import ticket_for
from core.ports.operation_store import ClaimRequest, OperationStore
from events.decode import DecodeError, decode
from events.filters import REQUEST_QUEUES, rule_patterns
from events.progress import SOURCE, FleetEvent, StepPoll, WakeUp
from simulation.fleet import SimulatedFleet
from simulation.in_flight.forms import below
from simulation.in_flight.loader import load
from simulation.in_flight.recordings import Header, Moment, Recording, told_of
from simulation.promises import snapshot

type Left = dict[str, Any]
KEEP = "Keep it until no operation of that release is under way (docs/howto/change-a-step.md)."


def strandings(recording: Recording, every: int = 1) -> Iterator[str]:
    """Yield a sentence for each thing that would strand an operation, at most one a moment.

    Every moment is read and its messages claimed; each so-manieth runs to its end as well.
    """
    try:
        fresh = _end_of(recording.header, recording.moments[0])
    except ValueError as error:
        fresh = {}
        yield _sentence(recording.header, recording.moments[0], str(error))
    for moment in recording.moments:
        runs = moment.number % every == 0
        found = next(_of_moment(recording.header, moment, fresh, runs=runs), None)
        if found is not None:
            yield _sentence(recording.header, moment, found)


def _of_moment(header: Header, moment: Moment, fresh: Left, *, runs: bool) -> Iterator[str]:
    yield from _queued(moment)
    yield from _described(moment)
    try:
        fleet = load(header, moment)
    except (ValueError, TypeError, KeyError, DecodeError) as error:
        yield str(error)
        return
    for operation in list(fleet.store.operations.values()):
        if operation.operation_id in moment.steps:
            yield from _stands(operation, header, moment)
    yield from _claimable(fleet, moment)
    if runs:
        yield from _ends(fleet, header, moment, fresh)


def _sentence(header: Header, moment: Moment, what: str) -> str:
    steps = ", ".join(sorted({str(step) for step in moment.steps.values()})) or "the end"
    return f"Release {header.release}, {header.story}, at {steps} (moment {moment.number}): {what}"


# --- what is queued ----------------------------------------------------------------------------


def _queued(moment: Moment) -> Iterator[str]:
    """Each body is read, and the rules of today bring it where its consumer is."""
    for path, message in moment.flat.items():
        if path.startswith("queues/"):
            yield from _readable(message["body"], path.split("/")[1])
    for body in moment.flat["wakeUps"]:
        yield from _readable(body, None)
    for body in moment.flat["notifier"]:
        yield from _readable(body, "notifier")


def _readable(body: str, queue: str | None) -> Iterator[str]:
    try:
        message = decode(body)
    except DecodeError as error:
        yield f"a message on the {queue or 'wake-up'} queue is no longer read: {error}. {KEEP}"
        return
    if isinstance(message, FleetEvent) and not _routed(message, queue or ""):
        told = f"{message.detail_type} of a {message.metadata.operation_type}"
        yield f"no rule brings a {told} to the {queue} queue any more. {KEEP}"
    elif queue is None:
        if not isinstance(message, WakeUp) or not (message.operation_id or message.resource):
            yield f"a report of AWS names no operation and no resource any more: {body}"
    elif not isinstance(message, FleetEvent | StepPoll | WakeUp):
        kind = message.message_type
        if queue not in REQUEST_QUEUES[kind]:
            yield f"{kind} is no longer taken from the {queue} queue. {KEEP}"


def _routed(event: FleetEvent, queue: str) -> bool:
    """Match an event against the patterns of a queue's rules, as EventBridge does."""
    given = {
        "source": SOURCE,
        "detail-type": event.detail_type.value,
        "detail": json.loads(event.detail_json()),
    }
    return any(_fits(pattern, given) for pattern in rule_patterns().get(queue, []))


def _fits(pattern: dict[str, Any], given: dict[str, Any]) -> bool:
    return all(
        _fits(wanted, given.get(name, {}))
        if isinstance(wanted, dict)
        else given.get(name) in wanted
        for name, wanted in pattern.items()
    )


def _described(moment: Moment) -> Iterator[str]:
    """Container jobs are described by one release and may be done by another, and reported so."""
    readers: dict[str, Callable[[str], object]] = {
        "/job.json": job_adapter.validate_json,
        "/result.json": JobResult.model_validate_json,
    }
    for key, content in below(moment.flat, "world/objects"):
        for ending, read in readers.items():
            if not key.endswith(ending):
                continue
            try:
                read(content)
            except ValidationError as error:
                yield f"{key} is no longer read: {error.errors(include_url=False)[0]}. {KEEP}"


# --- what is stored -----------------------------------------------------------------------------


def _stands(operation: Operation, header: Header, moment: Moment) -> Iterator[str]:
    """Its plan means the same, has its steps, and its event has the id that was published."""
    planned = header.plans[operation.operation_id]
    if list(operation.plan) != planned:
        other = [
            (old, new) for old, new in zip(planned, operation.plan, strict=False) if old != new
        ]
        yield f"the stored plan means other steps now: {other} (core/adapters/aws/step_codes.py)."
    workflow = WORKFLOWS.get(operation.operation_type)
    if workflow is None:
        yield f"there is no workflow {operation.operation_type} any more. {KEEP}"
        return
    known = {step.name for step in workflow.steps}
    missing = [name for name in operation.plan if name not in known]
    if missing:
        yield (
            f"its plan names {', '.join(missing)}, which {operation.operation_type} does not have "
            f"any more. {KEEP}"
        )
    if operation.step != moment.steps[operation.operation_id]:
        yield f"it stands at {operation.step} now."
    item = moment.flat[f"operations/OPERATION#{operation.operation_id} | OPERATION"]
    if operation.event_id != item["eventId"]["S"]:
        yield (
            "the event that it stands behind has another id than the one that was published: its "
            "message could not be claimed (events/identity.py)."
        )


def _claimable(fleet: SimulatedFleet, moment: Moment) -> Iterator[str]:
    """Each message that entitled to a step still does."""
    store: OperationStore = fleet.store
    for messages in fleet.world.queues.values():
        for message in messages:
            if message.message_id not in moment.claims:
                continue
            decoded = decode(message.body)
            ticket = ticket_for(decoded) if isinstance(decoded, FleetEvent | StepPoll) else None
            if ticket is None:
                yield f"the message {message.message_id} entitles to no step any more."
                continue
            as_it_was = fleet.store.operations[ticket.operation_id]
            now = fleet.clock.now()
            answer = store.claim(
                ClaimRequest(
                    operation_id=ticket.operation_id,
                    event_id=ticket.event_id,
                    wait_number=ticket.wait_number,
                    owner="check",
                    now=now,
                    lease_until=now + timedelta(seconds=1),
                )
            )
            fleet.store.operations[ticket.operation_id] = as_it_was
            if not answer.granted:
                yield f"its event {ticket.event_id} can no longer be claimed."


# --- where it leads -----------------------------------------------------------------------------


def _end_of(header: Header, moment: Moment) -> Left:
    """Return what today's code leaves behind when it does the whole from the request on."""
    fleet = load(header, moment)
    fleet.run()
    left: Left = json.loads(json.dumps(snapshot(fleet), default=str))
    return left


def _ends(fleet: SimulatedFleet, header: Header, moment: Moment, fresh: Left) -> Iterator[str]:
    """It runs to its right end, leaves what it must leave, and tells so once."""
    dead = len(fleet.world.dead_letters)
    try:
        fleet.run()
    except (AssertionError, SitefleetError) as error:
        yield f"it does not come to rest: {error}"
        return
    for name, status in header.ends.items():
        operation = fleet.store.operations.get(name)
        if operation is None:
            yield f"operation {name} of its run was never accepted."
        elif operation.status != status:
            why = operation.failure.message if operation.failure else operation.waiting_for
            yield f"it ends as {operation.status} and not as {status}: {why}"
    yield from _left(json.loads(json.dumps(snapshot(fleet), default=str)), header.left, fresh)
    yield from _unfinished(fleet, dead)
    yield from _told(fleet, header, moment)


def _left(found: Left, recorded: Mapping[str, Any], fresh: Left) -> Iterator[str]:
    """What stays is what the release left, or what today's code leaves when it does the whole.

    A change of what a step makes shows as neither: then both are there, or the one is lost.
    """
    for name, there in found.items():
        if name in recorded and there not in (recorded[name], fresh.get(name)):
            yield f"it leaves other {name} behind: {there} instead of {recorded[name]}"


def _unfinished(fleet: SimulatedFleet, dead: int) -> Iterator[str]:
    store = fleet.store
    if store.locks or any(store.waiters.values()):
        yield f"a site stays locked: {store.locks}"
    if any(store.running.values()) or any(store.lines.values()):
        yield f"a turn stays taken: {store.running}"
    left = {name: len(messages) for name, messages in fleet.world.queues.items() if messages}
    if left:
        yield f"messages stay on queues: {left}"
    if len(fleet.world.dead_letters) > dead:
        reasons = [letter.attributes for letter in fleet.world.dead_letters[dead:]]
        yield f"messages became dead letters: {reasons}"
    worlds = [fleet.world, *([fleet.world.source] if fleet.world.source else [])]
    started = Counter(task.reference.started_by for world in worlds for task in world.tasks)
    twice = [name for name, count in started.items() if count > 1]
    if twice:
        yield f"a job was started twice: {twice}"


def _told(fleet: SimulatedFleet, header: Header, moment: Moment) -> Iterator[str]:
    """The end is announced by as many facts as it was, by this release or the one before."""
    now = told_of(fleet)
    for name, facts in header.told.items():
        heard = {*now.get(name, []), *moment.told.get(name, [])}
        if len(heard) != facts:
            yield f"its end is announced by {len(heard)} facts instead of {facts}: {sorted(heard)}"
