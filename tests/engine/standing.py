"""Operations that stand still: how they are brought to it, and what must be true of their end."""

from __future__ import annotations

from dataclasses import replace

from core.bootstrap import WORKFLOWS
from core.engine.outcome import Wait
from core.engine.step import Step
from core.operations.promotion import plan_of
from core.operations.rollback import ROLLBACK
from core.ports.messaging import QueueName
from events.decode import decode
from events.formats import Environment
from events.vocabulary import OperationStatus, Phase
from simulation.fleet import policy_of
from simulation.promises import snapshot, visible
from tests.engine.deciding import Desk, message_to, settle, to_sit, until

SIT, PROD = Environment.SIT, Environment.PROD
THIRD = to_sit(correlation="third")
CANCELLED, COMPLETED = OperationStatus.CANCELLED, OperationStatus.COMPLETED
JOB_STEPS = (
    "plan",
    "survey_target",
    "check_source",
    "decide_again",
    "export_source",
    "import_database",
    "place_content",
    "check_before",
    "cut_over",
    "check_after",
    "monitor",
    "retire_releases",
)
ROLLBACK_JOB_STEPS = ("check_former", "salvage_rows", "check_back")
PROMOTION_STEPS = tuple(
    name
    for name in plan_of(decode(to_sit()), policy_of(Environment.SIT))
    if name not in {"request_approval", "await_approval"}
)
"""How an approval expires is tested elsewhere."""
ROLLBACK_STEPS = tuple(step.name for step in ROLLBACK.steps)


def desk_with(body: str, *earlier: str) -> Desk:
    """Sit, where everybody answers at once, with a message on its queue."""
    desk = Desk.of(SIT, *earlier)
    del desk.fleet.people.decisions
    desk.fleet.send(QueueName.PROMOTION, body)
    return desk


def never(desk: Desk, name: str, phase: Phase = Phase.FORWARD) -> None:
    """Let a step, or its undo, wait for ever for something that never happens."""
    replace_step(desk, name, phase, lambda _context: Wait(seconds=15, why="a sign from above"))


def replace_step(desk: Desk, name: str, phase: Phase, work) -> None:
    def changed(step: Step) -> Step:
        if step.name != name:
            return step
        return replace(step, **{"run" if phase is Phase.FORWARD else "undo": work})

    desk.fleet.workflows = {
        kind: replace(workflow, steps=tuple(changed(step) for step in workflow.steps))
        for kind, workflow in desk.fleet.workflows.items()
    }
    desk.fleet._wire()


def as_it_was(desk: Desk) -> None:
    desk.fleet.workflows = WORKFLOWS
    desk.fleet._wire()


def until_stalled(desk: Desk) -> None:
    until(desk.fleet, lambda: desk.operation.stalled_since is not None, most_steps=20_000)
    settle(desk.fleet)


def cancel(desk: Desk) -> None:
    desk.send(message_to("OPERATION_CANCEL_REQUEST", desk.operation.operation_id))


def retry(desk: Desk) -> None:
    desk.send(message_to("OPERATION_RETRY_REQUEST", desk.operation.operation_id))


def running_tasks(desk: Desk) -> list[str]:
    worlds = [desk.fleet.world, desk.fleet.world.source]
    return [task.reference.step for w in worlds for task in w.tasks if not task.stopped]


def ended_clean(desk: Desk, before, status: OperationStatus = CANCELLED) -> None:
    assert desk.operation.status is status, desk.operation.failure
    assert visible(snapshot(desk.fleet)) == before
    assert desk.fleet.store.locks == {}
    assert running_tasks(desk) == []
    assert all(not queue for queue in desk.fleet.world.queues.values())


def told_of_the_stall(desk: Desk, step: str) -> None:
    """The report says what stands still, since when, what for, and what can be done."""
    (told,) = [n for n in desk.fleet.world.notifications if n.event_type == "OPERATION_STALLED"]
    operation = desk.operation
    assert told.payload.step == step
    assert told.payload.error.code == "PROM_004"
    assert f"Step {step} has not finished in time" in told.payload.error.message
    details = told.payload.error.details
    assert (details["step"], details["attempts"]) == (step, operation.attempt + 1)
    assert details["waitingFor"] == operation.waiting_for
    assert details["since"]
    events = desk.fleet.world.events
    since = {e.data.stalled_since for e in events if e.detail_type == "SiteOperationStalled"}
    assert since == {operation.stalled_since} != {None}
    where = f"{operation.operation_id} --env {operation.environment}"
    assert told.payload.next_command == f'sitefleet operations retry {where} --reason "..."'
