"""The gates as a step: evidence gathered, verdicts decided and stored, before anything changes."""

from __future__ import annotations

import math

from core.domain.census import Census
from core.domain.gate_evidence import GateThresholds
from core.domain.gate_verdicts import GateName, GateVerdict
from core.domain.gates import GateRound, decide_round
from core.domain.operation import Json
from core.domain.windows import window_state
from core.engine.outcome import Done, Failed, Outcome, Wait
from core.engine.step import Step, StepContext
from core.operations.steps.gathering import gather
from core.operations.steps.plan_facts import is_emergency
from events.vocabulary import ErrorCode

MOST_CHARACTERS = 1000


def check_gates(context: StepContext) -> Outcome:
    """Decide every gate; a closed window is noted here and waited for later."""
    return decide_gates(context)


def decide_gates(context: StepContext, census: Census | None = None) -> Done | Failed:
    """Gather evidence anew (with a new census, if there is one) and decide every gate."""
    rules = context.policy.promotion_rules
    thresholds = GateThresholds(
        gates=rules.gates, window=rules.window, policy_version=context.policy.version
    )
    return outcome_of(decide_round(gather(context, census), thresholds, context.now))


def outcome_of(decided: GateRound) -> Done | Failed:
    """Return the outcome of a round; the round itself is kept with the step in any case."""
    facts: dict[str, Json] = {"round": decided.model_dump(mode="json", by_alias=True)}
    stopping = decided.stopping
    if not stopping:
        window = decided.of(GateName.MAINTENANCE_WINDOW)
        return Done(facts={**facts, "window": window.why})
    names: list[Json] = [verdict.name.value for verdict in stopping]
    count = f"{len(stopping)} of {len(decided.verdicts)} gates"
    sentences = " ".join(_sentence(verdict) for verdict in stopping)
    return Failed(
        code=ErrorCode.PROM_002,
        why=_shortened(f"{count} stop this promotion; nothing was changed. {sentences}"),
        details={"gates": names},
        facts=facts,
    )


def await_window(
    context: StepContext, *, needed_seconds: float | None = None
) -> Wait | Failed | None:
    """Return None when the window is open and has time; else how long to wait for it."""
    state = window_state(
        context.policy.promotion_rules.window,
        context.now,
        needed_seconds=needed_seconds,
        emergency=is_emergency(context),
    )
    if state.has_time:
        return None
    if state.opens_at is None:
        return Failed(code=ErrorCode.PROM_002, why=f"{GateName.MAINTENANCE_WINDOW}: {state.why}")
    seconds = math.ceil((state.opens_at - context.now).total_seconds())
    return Wait(seconds=max(1, seconds), why=state.why)


def confirm_window(context: StepContext) -> Outcome:
    """Look at the window once more before the switch: time for it, the monitor and a rollback."""
    rules = context.policy.promotion_rules
    needed = (
        rules.protection.hold_seconds
        + rules.protection.drain_seconds
        + rules.monitor.window_seconds
        + rules.window.rollback_seconds
    )
    waiting = await_window(context, needed_seconds=needed)
    return waiting or Done(facts={"needed_seconds": needed})


CHECK_GATES = Step(name="check_gates", run=check_gates)
CONFIRM_WINDOW = Step(name="confirm_window", run=confirm_window)


def _sentence(verdict: GateVerdict) -> str:
    return f"{verdict.name} ({verdict.verdict}): {verdict.why} To pass: {verdict.would_pass}"


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 2]} …"
