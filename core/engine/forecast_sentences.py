"""The sentences of forecasts, for the person who reads a plan."""

from __future__ import annotations

from core.domain.letters import Letter, LetterKind
from core.domain.operation import Operation
from events.decode import DecodeError, Message
from events.formats import SCHEMA_VERSION
from events.progress import FleetEvent, StepPoll, WakeUp


def schema_note(content: Message | DecodeError) -> str:
    """Say that a message was written for another minor version than this code's, where it was.

    A minor version only adds fields: an older message is upgraded by their defaults when it is
    read, and what a newer one has more is not known here. Another major version cannot be read.
    """
    match content:
        case DecodeError() | StepPoll() | WakeUp():
            return ""
        case FleetEvent():
            written = content.metadata.schema_version
        case _:
            written = content.schema_version
    ours, theirs = _minor(SCHEMA_VERSION), _minor(written)
    if theirs < ours:
        return f" Written for schema {written}, it is upgraded to {SCHEMA_VERSION} as it is read."
    if theirs > ours:
        return (
            f" Written for schema {written}; this version knows {SCHEMA_VERSION} and ignores what "
            "is newer."
        )
    return ""


def _minor(version: str) -> int:
    return int(version.partition(".")[2])


def run_sentence(operation: Operation) -> str:
    """Say which step runs, and in which direction."""
    undo = "The undo of step" if operation.phase == "undo" else "Step"
    if operation.cancel_requested:
        return f"The operation is cancelled: it is taken back from step {operation.step}."
    anew = ", and its deadline begins anew" if operation.stalled_since else ""
    return f"{undo} {operation.step} of operation {operation.operation_id} runs again{anew}."


def nowhere(letter: Letter) -> str:
    """Say why a letter cannot be sent to any queue, and what to do with it."""
    if letter.kind is LetterKind.TOPIC_FAILURE:
        return (
            "A subscriber's endpoint did not take it; sent again, every subscriber would get it. "
            "Look after the subscription, then park it."
        )
    return "Nothing tells which queue it was for. Park it, or send its body by hand."


def not_a_request(letter: Letter, error: DecodeError) -> str:
    """Say why a body is refused again, and what to do with it."""
    pointer = '"pointer"' in letter.raw.body and letter.message_type == "not a request"
    if pointer:
        return (
            "Its body did not fit into a message and lies where its pointer says; it is refused "
            "again. Send a smaller one."
        )
    return f"Refused again: {error}. Correct it (sitefleet dlq edit), or park it."
