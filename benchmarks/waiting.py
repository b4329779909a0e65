"""How long a promotion waits for nothing: what is ready, and the step that has not noticed yet.

Runs a promotion on the simulation with the policies of sit and prod as they are deployed, once
with everything that AWS reports lost, so that polls are all there is, and once with it delivered.
Time is virtual and the numbers are the same in every run; only the durations of jobs and services
are assumptions, printed with the result. Of the time between a step's start and its end, only the
part counts that lies behind the moment at which everything it waited for was there.

    python benchmarks/waiting.py
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import structlog

from core.domain.operation import Operation
from core.engine.message import Disposition, QueueMessage
from core.ports.messaging import QueueName
from events.decode import decode
from events.formats import Environment
from events.progress import StepPoll, WakeUp
from events.vocabulary import OperationStatus, OperationType, Phase
from simulation.fleet import SimulatedFleet
from simulation.reports import SettleTimes
from simulation.requests import promotion
from simulation.scenario import prepared

MOST_STEPS = 30_000
"""Prod waits days for its window, and the sweeper looks every minute."""
JOB_SECONDS: Mapping[str, float] = {
    "plan": 52,
    "survey_target": 47,
    "check_source": 71,
    "decide_again": 52,
    "export_source": 133,
    "import_database": 172,
    "place_content": 146,
    "check_before": 77,
    "cut_over": 64,
    "check_after": 77,
}
"""Assumed: 40 s until a Fargate task runs, and a site of some hundred megabytes."""
TIMES = SettleTimes(service=97, snapshot=214, recovery_point=431, name=38)
"""Assumed: what ECS, Aurora, AWS Backup and Route 53 take for such a site."""
PROBE_STARTS_SECONDS = 43
"""Assumed: how long after the switch the monitor's own task begins; it lasts the whole window."""
KINDS = ("polls", "reports of AWS")
KINDS_BY_TYPE: Mapping[type, str] = {StepPoll: KINDS[0], WakeUp: KINDS[1]}
ENVIRONMENTS = (Environment.SIT, Environment.PROD)
TO_PROD = {
    "sourceEnvironment": "sit",
    "targetEnvironment": "prod",
    "changeTicket": "CHG0012345",
}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One promotion, as it went."""

    needed: Mapping[str, float]
    """Step -> how long it had to wait for something that was not there yet."""
    lags: Mapping[str, float]
    """Step -> how much longer it waited, because it had not noticed."""
    looks: Mapping[str, int]
    """Kind of message -> how often it made a step look."""
    late: Mapping[str, int]
    """Kind of message -> how often it found nothing to do: one conditional write each."""

    @property
    def wasted_seconds(self) -> float:
        return sum(self.lags.values())


class Counter:
    """Counts what the consumer is handed."""

    def __init__(self, fleet: SimulatedFleet) -> None:
        self.looks = dict.fromkeys(KINDS, 0)
        self.late = dict.fromkeys(KINDS, 0)
        self._fleet = fleet
        self._handle = fleet.consumer.handle
        fleet.consumer.handle = self.handle  # type: ignore[method-assign]  # it only looks

    def handle(self, message: QueueMessage) -> Disposition:
        """Count a message and hand it on."""
        kind = KINDS_BY_TYPE.get(type(decode(message.body)))
        before = self._claims()
        answer = self._handle(message)
        if kind is not None:
            counted = self.looks if self._claims() > before else self.late
            counted[kind] += 1
        return answer

    def _claims(self) -> int:
        return sum(operation.fence for operation in self._fleet.store.operations.values())


def measure(environment: Environment, *, delivered: bool) -> Measured:
    """Promote a site that has a live release; return what it waited for, and for nothing."""
    fleet = prepared(
        environment,
        _request(environment, "first"),
        times=TIMES,
        loses_wake_ups=not delivered,
    )
    fleet.jobs.seconds_of |= JOB_SECONDS
    window = fleet.policy.promotion_rules.monitor.window_seconds
    fleet.jobs.seconds_of["monitor"] = PROBE_STARTS_SECONDS + window
    counter = Counter(fleet)
    fleet.send(QueueName.PROMOTION, _request(environment, "measured"))
    _run(fleet)
    operation = _operation(fleet)
    if operation.status is not OperationStatus.COMPLETED:
        raise AssertionError(f"The promotion ended as {operation.status}: {operation.failure}")
    ready = _ready(fleet, operation)
    records = {
        record.step: record
        for record in fleet.store.history(operation.operation_id).steps
        if record.phase is Phase.FORWARD and record.step in ready
    }
    return Measured(
        needed={s: (ready[s] - r.started_at).total_seconds() for s, r in records.items()},
        lags={s: (r.completed_at - ready[s]).total_seconds() for s, r in records.items()},
        looks=counter.looks,
        late=counter.late,
    )


def report() -> str:
    """Return both ways side by side, for each environment."""
    lines: list[str] = []
    for environment in ENVIRONMENTS:
        lost = measure(environment, delivered=False)
        delivered = measure(environment, delivered=True)
        lines += [
            f"promotion to {environment}: seconds that a step waited for nothing",
            f"  {'step':<18}{'had to wait':>12}{'polls only':>12}{'wake-ups':>12}",
        ]
        lines += [
            f"  {step:<18}{needed:>12.0f}{lost.lags[step]:>12.0f}{delivered.lags[step]:>12.0f}"
            for step, needed in delivered.needed.items()
        ]
        needed, wasted = (
            sum(delivered.needed.values()),
            (lost.wasted_seconds, delivered.wasted_seconds),
        )
        lines.append(f"  {'together':<18}{needed:>12.0f}{wasted[0]:>12.0f}{wasted[1]:>12.0f}")
        for kind in KINDS:
            looks, late = f"{kind} that looked", f"{kind} too late"
            lines.append(f"  {looks:<30}{lost.looks[kind]:>12}{delivered.looks[kind]:>12}")
            lines.append(f"  {late:<30}{lost.late[kind]:>12}{delivered.late[kind]:>12}")
        lines.append("")
    assumed = ", ".join(f"{step} {seconds:.0f}" for step, seconds in JOB_SECONDS.items())
    others = (
        f"a service {TIMES.service:.0f}, a snapshot {TIMES.snapshot:.0f}, a recovery point "
        f"{TIMES.recovery_point:.0f}, the monitor's task {PROBE_STARTS_SECONDS} and its window"
    )
    lines.append(f"Assumed seconds: {assumed}; {others}.")
    return "\n".join(lines)


# --- inside ---------------------------------------------------------------------------------


def _request(environment: Environment, correlation: str) -> str:
    path = TO_PROD if environment is Environment.PROD else {}
    return promotion(correlation=correlation, **path)


def _run(fleet: SimulatedFleet) -> None:
    """Let the promotion come to its end; the looks of the following day are not waited for."""
    for _ in range(MOST_STEPS):
        if not fleet.step() or (fleet.store.operations and _operation(fleet).is_terminal):
            return


def _operation(fleet: SimulatedFleet) -> Operation:
    kind = OperationType.SITE_PROMOTION
    asked = [o for o in fleet.store.operations.values() if o.operation_type is kind]
    return max(asked, key=lambda o: (o.created_at, o.correlation_id == "measured"))


def _ready(fleet: SimulatedFleet, operation: Operation) -> Mapping[str, datetime]:
    """Return when everything was there that each waiting step waited for."""
    world, mine = fleet.world, operation.operation_id
    tasks = [*world.tasks, *(world.source.tasks if world.source else [])]
    ready = {
        task.reference.step: task.started_at
        + timedelta(seconds=fleet.jobs.seconds_of.get(task.reference.step, 0))
        for task in tasks
        if task.reference.operation_id == mine
    }
    seconds = {"rds": TIMES.snapshot, "backup": TIMES.recovery_point}
    ready["back_up_target"] = max(
        stored.started_at + timedelta(seconds=seconds[stored.arn.split(":")[2]])
        for stored in world.backups.values()
    )
    newest = max(world.services.values(), key=lambda service: service.created_at)
    ready["start_release"] = newest.created_at + timedelta(seconds=TIMES.service)
    decided = [d.decided_at for d in world.decisions.values() if d.operation_id == mine]
    objection = fleet.policy.promotion_rules.approval.wait_seconds
    ready["await_approval"] = max(decided) + timedelta(seconds=objection)
    return ready


def main() -> None:
    """Print the table."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    print(report())


if __name__ == "__main__":
    main()
