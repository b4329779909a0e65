"""`sitefleet dlq show`: everything that there is to know about one letter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core.domain.letter_reading import original_attributes
from core.domain.letters import Attribute, Letter
from core.domain.operation import AttemptFailure
from core.engine.forecast_fates import Forecast
from events.formats import format_timestamp
from events.json_text import UnreadableError, parse
from events.redaction import redact_attribute, redact_body
from ops.failures import failure_documents, failure_lines
from ops.wording import duration, fields, moment, one_line

MOST_BODY_LINES = 200


def letter_lines(
    letter: Letter, forecast: Forecast, failures: Sequence[AttemptFailure], now: datetime
) -> list[str]:
    """Return a letter for people: why it is here, what was tried, what it says, what to expect."""
    return [
        f"{letter.message_type}: {letter.kind}, group {letter.group_id}",
        one_line(letter.reason),
        "",
        *fields(_facts(letter, now)),
        *failure_lines(failures),
        *_attribute_lines(letter),
        "",
        "A REPLAY",
        one_line(f"{forecast.fate}: {forecast.sentence}"),
        "",
        "BODY",
        *body_lines(letter.raw.body),
    ]


def letter_document(
    letter: Letter, forecast: Forecast | None, failures: Sequence[AttemptFailure]
) -> dict[str, Any]:
    """Return the same for programs."""
    failure = letter.failure
    document = {
        "messageId": letter.message_id,
        "groupId": letter.group_id,
        "kind": letter.kind,
        "box": letter.raw.box,
        "origin": letter.origin,
        "messageType": letter.message_type,
        "reason": letter.reason,
        "failure": {
            "workflow": failure.workflow,
            "step": failure.step,
            "exception": failure.exception,
            "message": failure.message,
        },
        "operationId": letter.operation_id,
        "tenantId": letter.tenant_id,
        "siteId": letter.site_id,
        "correlationId": letter.correlation_id,
        "failedAt": format_timestamp(letter.failed_at),
        "firstMessageId": letter.first_message_id,
        "replayCount": letter.replay_count,
        "attempts": failure_documents(failures),
        "attributes": attributes_document(original_attributes(letter.raw)),
        "letterAttributes": attributes_document(letter.raw.attributes),
        "body": redact_body(letter.raw.body),
    }
    if forecast is not None:
        document["replay"] = {"fate": forecast.fate, "sentence": forecast.sentence}
    return document


def attributes_document(attributes: Any) -> dict[str, dict[str, str]]:
    """Return attributes with their SQS data types; a Binary value is base64."""
    return {
        name: {"dataType": attribute.data_type, "value": redact_attribute(name, attribute.value)}
        for name, attribute in attributes.items()
    }


def body_lines(body: str) -> list[str]:
    """Return a body as indented JSON, or as it is; without its proof, and not endless."""
    clean = redact_body(body)
    try:
        clean = json.dumps(parse(clean), indent=2, ensure_ascii=False)
    except UnreadableError:
        clean = clean.replace("\r", "")
    lines = [_printable(line) for line in clean.split("\n")]
    if len(lines) > MOST_BODY_LINES:
        return [*lines[:MOST_BODY_LINES], f"... {len(lines) - MOST_BODY_LINES:,} more lines"]
    return lines


def _facts(letter: Letter, now: datetime) -> list[tuple[str, str | None]]:
    age = duration((now - letter.failed_at).total_seconds())
    count = letter.replay_count
    replays = f"{count}, of the letter {letter.first_message_id}" if count else None
    return [
        ("message", letter.message_id),
        ("lies in", letter.raw.box),
        ("goes back to", letter.origin or "nowhere"),
        ("dead since", f"{moment(letter.failed_at)} ({age})"),
        ("operation", letter.operation_id),
        ("tenant", letter.tenant_id),
        ("site", letter.site_id),
        ("correlation", letter.correlation_id),
        ("step", letter.failure.step),
        ("failure", letter.failure.exception),
        ("replays before", replays),
    ]


def _attribute_lines(letter: Letter) -> list[str]:
    """The sender's own attributes, then those that only the letter has."""
    own = original_attributes(letter.raw)
    letters = {n: a for n, a in letter.raw.attributes.items() if n not in own}
    lines: list[str] = []
    for title, attributes in (("ATTRIBUTES OF THE MESSAGE", own), ("OF THE LETTER", letters)):
        if attributes:
            lines += ["", title, *fields(_attribute_pairs(attributes), indent="  ")]
    return lines


def _attribute_pairs(attributes: dict[str, Attribute]) -> list[tuple[str, str | None]]:
    return [
        (one_line(name), _with_type(name, attribute))
        for name, attribute in sorted(attributes.items())
    ]


def _with_type(name: str, attribute: Attribute) -> str:
    value = redact_attribute(name, attribute.value)
    return value if attribute.data_type == "String" else f"{value} ({attribute.data_type})"


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else " " for c in line)
