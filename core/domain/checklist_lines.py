"""Lines of the checklists: each kind of line knows which record answers it, and says which."""

from __future__ import annotations

from collections.abc import Callable

from core.domain.approval import Decision
from core.domain.evidence_records import EvidenceSources
from core.domain.operation import Json
from events.formats import format_timestamp
from events.vocabulary import OperationStatus

type Line = Callable[[EvidenceSources], Json]
type Answer = tuple[str, str]
"""State and evidence."""

DONE, NOT_DONE, NOT_APPLICABLE = "done", "not done", "not applicable"


def outside(text: str, of_what: str) -> Line:
    """Return a line about something that the fleet cannot see."""
    return line(text, lambda _: (NOT_APPLICABLE, f"Outside the fleet: a matter {of_what}."))


def checks_passed(text: str, step: str) -> Line:
    """Return a line that a run of the checks answers."""

    def answer(sources: EvidenceSources) -> Answer:
        record = sources.record(step)
        if record is None:
            return NOT_DONE, f"The step {step} did not run."
        if record.failure is not None:
            return NOT_DONE, f"{step}: {record.failure.message}"
        checks = record.facts.get("checks")
        count = len(checks) if isinstance(checks, list) else checks
        return DONE, f"{step}: all {count} checks passed, the answers with 200 among them."

    return line(text, answer)


def gate(text: str, name: str, *, note: str = "") -> Line:
    """Return a line that a gate answers, as it was decided last."""

    def answer(sources: EvidenceSources) -> Answer:
        found = _verdict(sources, name)
        if found is None:
            return NOT_DONE, f"The gate {name} was not decided."
        step, verdict, why = found
        said = f"{step}, gate {name}: {verdict}. {why}"
        return (DONE if verdict == "pass" else NOT_DONE), f"{said} {note}".rstrip()

    return line(text, answer)


def gates_passed(text: str) -> Line:
    """Return a line that all gates together answer."""

    def answer(sources: EvidenceSources) -> Answer:
        rounds = list(sources.rounds())
        if not rounds:
            return NOT_DONE, "No gate was decided."
        step, stored = rounds[-1]
        verdicts = _verdicts(stored)
        stopping = [v["name"] for v in verdicts if v["verdict"] != "pass" and _stops(v["name"])]
        if stopping:
            return NOT_DONE, f"{step}: stopped by {', '.join(map(str, stopping))}."
        return DONE, f"{step}: {len(verdicts)} gates were decided and none stopped the promotion."

    return line(text, answer)


def window_confirmed(text: str) -> Line:
    """Return a line that the last look at the maintenance window answers."""

    def answer(sources: EvidenceSources) -> Answer:
        if sources.completed("confirm_window"):
            record = sources.record("confirm_window")
            at = format_timestamp(record.completed_at) if record else ""
            return DONE, f"Open with enough time before the switch, at {at}."
        found = _verdict(sources, "maintenance_window")
        return NOT_DONE, found[2] if found else "The window was not looked at."

    return line(text, answer)


def approved_by(text: str, role: str | None = None) -> Line:
    """Return a line that approvals answer: one role's, or everybody's who was asked."""

    def answer(sources: EvidenceSources) -> Answer:
        asked = sources.facts("request_approval").get("roles")
        roles = [str(r) for r in asked] if isinstance(asked, list) else []
        if not roles:
            return NOT_APPLICABLE, "The policy of this environment asks nobody, or nobody yet."
        if role is not None and role not in roles:
            return NOT_APPLICABLE, f"{role} was not asked; asked were {', '.join(roles)}."
        if not sources.completed("await_approval"):
            return NOT_DONE, f"Not approved. {_all_said(sources)}".rstrip()
        counted = sources.facts("await_approval").get("by_role")
        by_role = counted if isinstance(counted, dict) else {}
        wanted = [role] if role is not None else roles
        return DONE, " ".join(_counted(sources, r, str(by_role.get(r))) for r in wanted)

    return line(text, answer)


def started(text: str) -> Line:
    """Return a line that the request itself answers."""

    def answer(sources: EvidenceSources) -> Answer:
        operation = sources.operation
        at = format_timestamp(operation.created_at)
        who = operation.requested_by or "not said"
        return DONE, f"Operation {operation.operation_id}, asked for by {who}, accepted at {at}."

    return line(text, answer)


def outcome_is(text: str, status: OperationStatus) -> Line:
    """Return a line that the operation's end answers."""

    def answer(sources: EvidenceSources) -> Answer:
        failure = sources.operation.failure
        why = f" {failure.message}" if failure else ""
        said = f"The operation ends as {sources.outcome}.{why}"
        return (DONE if sources.outcome is status else NOT_DONE), said

    return line(text, answer)


def monitor_passed(text: str) -> Line:
    """Return a line that the monitor window answers."""

    def answer(sources: EvidenceSources) -> Answer:
        stored = sources.monitor_round
        judgement = stored.get("judgement") if stored else None
        if not isinstance(judgement, dict):
            return NOT_DONE, "The monitor window was not reached."
        why = judgement.get("why")
        said = " ".join(map(str, why)) if isinstance(why, list) else ""
        state = judgement.get("state")
        return (DONE if state == "healthy" else NOT_DONE), f"Monitor: {state}. {said}"

    return line(text, answer)


def backed_up(text: str) -> Line:
    """Return a line that the backups before the work answer."""

    def answer(sources: EvidenceSources) -> Answer:
        if not sources.completed("back_up_target"):
            return NOT_DONE, "No backup was completed."
        facts = sources.facts("back_up_target")
        arns = [str(facts[n]) for n in ("database_snapshot", "recovery_point") if facts.get(n)]
        if not arns:
            return NOT_APPLICABLE, "The policy of this environment takes no backups."
        return DONE, f"{' and '.join(arns)}; the former release is kept as well."

    return line(text, answer)


def distribution(text: str) -> Line:
    """Return a line that the cache invalidation answers."""

    def answer(sources: EvidenceSources) -> Answer:
        if not sources.completed("invalidate_cache"):
            return NOT_DONE, "The switch was not reached."
        if sources.facts("invalidate_cache").get("invalidated"):
            return DONE, "Its cache was invalidated, and every edge has taken it."
        return NOT_APPLICABLE, "The site has no distribution."

    return line(text, answer)


def way_back_known(text: str) -> Line:
    """Return a line that the survey of the target answers."""

    def answer(sources: EvidenceSources) -> Answer:
        way_back = sources.facts("survey_target").get("way_back")
        if not isinstance(way_back, dict):
            return NOT_DONE, "The target was not surveyed."
        live = way_back.get("live_release")
        if live is None:
            return DONE, "First promotion: the way back is to remove rule, name and release."
        return DONE, f"The way back is release r{live}, which stays as it is; rule and name noted."

    return line(text, answer)


def deployment_recorded(text: str) -> Line:
    """Return a line about the item that is written with this document's digest."""
    return line(
        text, lambda _: (DONE, "Written together with this document, with its sha256 in it.")
    )


def looked_at_later(text: str, hours: str) -> Line:
    """Return a line about a look that is still to come when the document is sealed."""

    def answer(sources: EvidenceSources) -> Answer:
        looks = sources.facts("schedule_looks").get("looks")
        operation = looks.get(hours) if isinstance(looks, dict) else None
        if operation is None:
            return NOT_APPLICABLE, "No such look was scheduled."
        return NOT_DONE, f"Still to come when this was sealed: operation {operation}."

    return line(text, answer)


# --- inside ---------------------------------------------------------------------------------


def line(text: str, answer: Callable[[EvidenceSources], Answer]) -> Line:
    """Return a line that fills itself in with state and evidence."""

    def fill(sources: EvidenceSources) -> Json:
        state, evidence = answer(sources)
        return {"text": text, "state": state, "evidence": evidence}

    return fill


def _verdicts(stored: dict[str, Json]) -> list[dict[str, Json]]:
    verdicts = stored.get("verdicts")
    listed = verdicts if isinstance(verdicts, list) else []
    return [verdict for verdict in listed if isinstance(verdict, dict)]


def _verdict(sources: EvidenceSources, name: str) -> tuple[str, str, str] | None:
    """Return step, verdict and reason of a gate's last decision."""
    for step, stored in reversed(list(sources.rounds())):
        for verdict in _verdicts(stored):
            if verdict["name"] == name:
                return step, str(verdict["verdict"]), str(verdict["why"])
    return None


def _stops(name: Json) -> bool:
    return name != "maintenance_window"


def _counted(sources: EvidenceSources, role: str, person: str) -> str:
    said = [d for d in sources.decisions if d.approves and (d.role, d.person) == (role, person)]
    return signed(said[0]) if said else f"{person} as {role}."


def signed(decision: Decision) -> str:
    """Return who decided, as what and when."""
    at = format_timestamp(decision.decided_at)
    comment = f" ({decision.comment})" if decision.comment else ""
    return f"{decision.person} as {decision.role} at {at}, by a signed proof{comment}."


def _all_said(sources: EvidenceSources) -> str:
    said = [f"{d.person} as {d.role}: {'yes' if d.approves else 'no'}." for d in sources.decisions]
    return " ".join(said)
