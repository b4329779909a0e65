"""Lines of the rollback checklist: a rollback on request, or a promotion undone by itself."""

from __future__ import annotations

from collections.abc import Callable

from core.domain.checklist_lines import DONE, NOT_APPLICABLE, NOT_DONE, Answer, Line, line, signed
from core.domain.evidence_records import EvidenceSources


def taken_back_by(text: str) -> Line:
    """Return a line about who agreed to a rollback."""

    def answer(sources: EvidenceSources) -> Answer:
        if not sources.is_rollback:
            return NOT_APPLICABLE, "Automatic: a rollback by policy needs nobody's agreement."
        said = [d for d in sources.decisions if d.approves]
        if not said:
            return NOT_APPLICABLE, "The policy of this environment asks for no proof."
        return DONE, " ".join(signed(decision) for decision in said)

    return line(text, answer)


def rolled_back(text: str, what: str) -> Line:
    """Return a line that the steps of a rollback answer: on request, or undone by itself."""

    def answer(sources: EvidenceSources) -> Answer:
        answers = _ON_REQUEST if sources.is_rollback else _BY_ITSELF
        return answers[what](sources)

    return line(text, answer)


# --- inside ---------------------------------------------------------------------------------


def _incident(sources: EvidenceSources) -> Answer:
    if sources.incident_id:
        return DONE, f"{sources.incident_id}: {sources.said('reason') or 'no reason given'}"
    return NOT_APPLICABLE, "This environment asks for no incident id."


def _failure(sources: EvidenceSources) -> Answer:
    failure = sources.operation.failure
    if failure is None:
        return NOT_DONE, "Nothing says why it was taken back."
    return DONE, f"{failure.code} at {failure.step}: {failure.message}"


def _kept(sources: EvidenceSources) -> Answer:
    salvage = sources.facts("salvage_rows").get("object_key")
    rows = f"; rows written since its switch: {salvage}" if salvage else ""
    return DONE, f"Release {sources.from_release} is kept whole{rows}."


def _salvaged(sources: EvidenceSources) -> Answer:
    if not sources.undone("cut_over"):
        return NOT_DONE, "The pointer did not go back."
    return DONE, "Rows written to the release since its switch were exported before it was removed."


def _target(sources: EvidenceSources) -> Answer:
    if sources.to_release is None:
        return NOT_DONE, "No release to go back to was chosen."
    return DONE, f"From {sources.from_release} to {sources.to_release}."


def _former(sources: EvidenceSources) -> Answer:
    return DONE, f"From {sources.to_release} to {sources.from_release or 'nothing, as before'}."


def _pointed_back(sources: EvidenceSources) -> Answer:
    if not sources.completed("point_back"):
        return NOT_DONE, "The pointer did not go back."
    return DONE, "point_back: the listener rule points at the kept release."


def _undone_pointer(sources: EvidenceSources) -> Answer:
    if not sources.undone("cut_over"):
        return NOT_DONE, "The pointer did not go back."
    return DONE, "cut_over undone: the listener rule points at the former release again."


def _checked_back(sources: EvidenceSources) -> Answer:
    record = sources.record("check_back")
    if record is None or record.failure is not None:
        why = record.failure.message if record and record.failure else "check_back did not run."
        return NOT_DONE, why
    return DONE, f"check_back: all {record.facts.get('checks')} checks passed."


def _unchecked(_sources: EvidenceSources) -> Answer:
    return NOT_DONE, (
        "No check ran after the pointer went back; the former release had been serving, unchanged, "
        "until the switch."
    )


_ON_REQUEST: dict[str, Callable[[EvidenceSources], Answer]] = {
    "incident": _incident,
    "kept": _kept,
    "target": _target,
    "pointer": _pointed_back,
    "checked": _checked_back,
}
_BY_ITSELF: dict[str, Callable[[EvidenceSources], Answer]] = {
    "incident": _failure,
    "kept": _salvaged,
    "target": _former,
    "pointer": _undone_pointer,
    "checked": _unchecked,
}
