"""The gates, one pure function each, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.domain.amounts import duration, moment, number, size
from core.domain.gate_evidence import GateEvidence, GateThresholds
from core.domain.gate_verdicts import GateName, GateVerdict, fails, is_open, passes
from core.domain.health import (
    Count,
    Coverage,
    count_critical_lines,
    count_errors,
    count_throttles,
    coverage_of,
    quiet_from,
)
from core.domain.promotion_policy import GatePolicy
from core.domain.room import Room
from core.domain.windows import window_state


@dataclass(frozen=True, kw_only=True)
class Case:
    """What one round of verdicts is made from."""

    evidence: GateEvidence
    thresholds: GateThresholds
    now: datetime

    @property
    def rules(self) -> GatePolicy:
        return self.thresholds.gates

    @property
    def coverage(self) -> Coverage:
        return coverage_of(self.evidence, self.rules)

    @property
    def source(self) -> str:
        return self.evidence.path.source.value


def promotion_path(case: Case) -> GateVerdict:
    """Sites go from dev to sit and from sit to prod, as policy says."""
    path = case.evidence.path
    said = f"{path.source} to {path.target}"
    if path.source == path.allowed_source:
        return passes(GateName.PROMOTION_PATH, f"{said} is a promotion path.")
    allowed = f"Sites of {path.target} come from {path.allowed_source or 'nowhere'}"
    return fails(GateName.PROMOTION_PATH, f"{said} is no promotion path.", f"{allowed}.")


def source_tested(case: Case) -> GateVerdict:
    """The site works where it is, by the same checks that it has to pass later."""
    name, source, test = GateName.SOURCE_TESTED, case.source, case.evidence.source_test
    if test is None or test.checks == 0:
        return is_open(
            name,
            f"The checks did not run against the site in {source}.",
            "Send the promotion again; the checks run before the gates.",
        )
    if not test.failed:
        return passes(name, f"All {test.checks} checks passed in {source}.")
    return fails(
        name,
        f"{len(test.failed)} of {test.checks} checks failed in {source}: {'; '.join(test.failed)}",
        f"Repair the site in {source}, then send the promotion again.",
    )


def source_errors(case: Case) -> GateVerdict:
    """Few enough errors of the source's release and of its fleet's functions."""
    rules, health = case.rules, case.evidence.health
    again = quiet_from(health, rules.errors_below)
    after = f" Without new ones the gate passes from {moment(again)} on." if again else ""
    return _counted(
        GateName.SOURCE_ERRORS,
        count_errors(health, case.coverage),
        what="error",
        where=f"in {duration(rules.lookback_seconds)} in {case.source}",
        most=rules.errors_below - 1,
        allowed=f"fewer than {rules.errors_below} are allowed",
        repair=f"Find and repair what causes the errors.{after}",
    )


def source_throttles(case: Case) -> GateVerdict:
    """Few enough throttled calls of the source's fleet."""
    rules = case.rules
    span = duration(rules.lookback_seconds)
    return _counted(
        GateName.SOURCE_THROTTLES,
        count_throttles(case.evidence.health, case.coverage),
        what="throttled call",
        where=f"in {span} in {case.source}",
        most=rules.throttles_at_most,
        allowed=f"at most {rules.throttles_at_most} are allowed",
        repair=f"Raise the account's or the function's concurrency, and wait for {span} without "
        "a throttled call.",
    )


def critical_log_lines(case: Case) -> GateVerdict:
    """Few enough critical lines in the log of the source's live release; others' do not count."""
    rules, log = case.rules, case.evidence.critical_log.log
    span = duration(rules.critical_lookback_seconds)
    return _counted(
        GateName.CRITICAL_LOG_LINES,
        count_critical_lines(case.evidence.critical_log, case.coverage),
        what="critical log line",
        where=f"in {span} in {case.source}",
        most=rules.critical_lines_at_most,
        allowed=f"at most {rules.critical_lines_at_most} are allowed",
        repair=f"Read the site's log in {case.source} ({log}), repair the cause, and wait "
        f"for {span} without such a line.",
        missing="the log's lines",
    )


def stability_age(case: Case) -> GateVerdict:
    """The source's release has been live for long enough."""
    name, needed = GateName.STABILITY_AGE, case.rules.stable_seconds
    if needed == 0:
        return passes(name, "No age is asked for.")
    since, source = case.evidence.live_since, case.evidence.path.source
    if since is None:
        return is_open(
            name,
            f"The record in {source} does not say since when its release is live.",
            f"Promote or create the site in {source} anew; its record then says so.",
        )
    age = (
        f"The release in {source} has been live for {duration((case.now - since).total_seconds())}"
    )
    if (case.now - since).total_seconds() >= needed:
        return passes(name, f"{age}; {duration(needed)} are asked for.")
    return fails(
        name,
        f"{age}, and {duration(needed)} are asked for.",
        f"Wait until {moment(since + timedelta(seconds=needed))}, then send the promotion again.",
    )


def maintenance_window(case: Case) -> GateVerdict:
    """The window is open and has time for the work and its rollback; else it is waited for."""
    emergency = case.evidence.incident_id is not None
    state = window_state(case.thresholds.window, case.now, emergency=emergency)
    if state.has_time:
        return passes(GateName.MAINTENANCE_WINDOW, state.why)
    waits = "The promotion waits for it by itself." if state.opens_at else "Change the policy."
    return fails(GateName.MAINTENANCE_WINDOW, state.why, waits)


def change_ticket(case: Case) -> GateVerdict:
    """Somebody has written down what is changed, where policy asks for it."""
    name, ticket = GateName.CHANGE_TICKET, case.evidence.change_ticket
    if ticket:
        return passes(name, f"The change ticket is {ticket}.")
    if not case.rules.change_ticket_required:
        return passes(name, "No change ticket is asked for.")
    return fails(
        name,
        f"A promotion to {case.evidence.path.target} needs a change ticket; the request has none.",
        "Send the promotion again with changeTicket.",
    )


def database_storage(case: Case) -> GateVerdict:
    """The database has room for one more release, several times over."""
    name, capacity = GateName.DATABASE_STORAGE, case.evidence.capacity
    free, needed_for = capacity.free_storage_bytes, capacity.source_size_bytes
    if free is None:
        return is_open(
            name,
            f"{capacity.storage_metric} has no datapoint, so the free storage is unknown.",
            "See that the policy names the database as CloudWatch does, and send it again.",
        )
    if not needed_for:
        return is_open(
            name,
            "The census does not say how large the source's database is.",
            "Send the promotion again; if this repeats, see the census job's log.",
        )
    needed = needed_for * case.rules.free_storage_factor
    factor = number(case.rules.free_storage_factor)
    said = f"{size(free)} are free ({capacity.storage_metric})"
    wanted = f"{size(needed)} are needed ({factor} times {size(needed_for)})"
    if free >= needed:
        return passes(name, f"{said}; {wanted}.")
    return fails(
        name, f"{said}, and {wanted}.", "Enlarge the database's storage or remove what is old."
    )


def rule_priorities(case: Case) -> GateVerdict:
    """The load balancer takes more listener rules, and more target groups."""
    name, capacity = GateName.RULE_PRIORITIES, case.evidence.capacity
    needed, free = case.rules.free_rule_priorities, capacity.free_rule_priorities
    if free is None:
        return is_open(
            name,
            "The load balancer did not tell how many rules it takes.",
            "Send the promotion again when it answers.",
        )
    room = Room(rules=free, target_groups=capacity.free_target_groups)
    shortage = room.shortage(rules=needed, target_groups=needed)
    if shortage is not None:
        return fails(name, shortage.why, shortage.remedy)
    said = f"The load balancer has room for {room.releases} more releases"
    return passes(name, f"{said}; {needed} must be free.")


def permissions(case: Case) -> GateVerdict:
    """Every right that the plan needs was tried or simulated."""
    name, rights = GateName.PERMISSIONS, case.evidence.permissions
    tried = (*rights.tried_in_source, *rights.tried_in_target)
    failed = [f"{check.name}: {check.evidence}" for check in tried if not check.passed]
    denied = [f"{right} is denied" for right in rights.missing]
    if failed or denied:
        return fails(
            name,
            "; ".join([*failed, *denied]),
            "Grant these rights to the fleet's and the jobs' roles (see the template).",
        )
    counts = (
        f"{len(rights.tried_in_source)} rights were tried in {case.source}, "
        f"{len(rights.tried_in_target)} in {case.evidence.path.target} and {rights.simulated} "
        "simulated"
    )
    if not rights.tried_in_source or not rights.tried_in_target or not rights.simulated:
        return is_open(
            name,
            f"{counts}; all three are needed.",
            "Send the promotion again; if this repeats, see the census jobs' logs.",
        )
    return passes(name, f"{counts}; all are there.")


type Gate = Callable[[Case], GateVerdict]

GATES: tuple[Gate, ...] = (
    promotion_path,
    source_tested,
    source_errors,
    source_throttles,
    critical_log_lines,
    stability_age,
    maintenance_window,
    change_ticket,
    database_storage,
    rule_priorities,
    permissions,
)


# --- inside ---------------------------------------------------------------------------------


def _counted(
    name: GateName,
    count: Count,
    *,
    what: str,
    where: str,
    most: int,
    allowed: str,
    repair: str,
    missing: str = "the metrics",
) -> GateVerdict:
    """Judge a count: what is known fails for certain, what is unknown never passes."""
    things = what if count.known == 1 else f"{what}s"
    said = f"{number(count.known)} {things} {where}{_parts(count.parts)}"
    if count.known > most:
        return fails(name, f"{said}; {allowed}.", repair)
    if count.unknown:
        known = f"At least {said}. " if count.known else ""
        return is_open(
            name,
            f"{known}{' '.join(count.unknown)}",
            f"See why {missing} are missing; send the promotion again when they are there.",
        )
    return passes(name, f"{said}; {allowed}.")


def _parts(parts: Iterable[str]) -> str:
    text = ", ".join(parts)
    return f" ({text})" if text else ""
