"""Dead letters as lines of JSON: taken out to a file, and put back from one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from core.domain.letters import Attribute, Box, Letter, Origin, RawLetter
from events.formats import format_timestamp
from events.redaction import redact_body
from events.refusals import field_errors_of
from ops.dlq.showing import attributes_document

NOT_KEPT: Final = "imported"
"""Stands for the receipt of a letter that is read from a file."""


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid")

    data_type: Annotated[str, Field(alias="dataType", pattern="^(String|Number|Binary)")]
    value: str


class _Line(BaseModel):
    """One exported letter; fields that only explain it are read over."""

    model_config = ConfigDict(extra="ignore")

    message_id: Annotated[str, Field(alias="messageId", min_length=1, max_length=100)]
    box: Box
    body: Annotated[str, Field(min_length=1)]
    attributes: Annotated[dict[str, _Value], Field(max_length=10)]
    source: Origin | None = None
    group: str | None = None
    sent_at: Annotated[AwareDatetime, Field(alias="sentAt")]


@dataclass(frozen=True, kw_only=True)
class BadLine:
    """A line that is no letter."""

    number: int
    why: str


def line_of(letter: Letter) -> str:
    """Return a letter as one line; its body and attributes without proofs."""
    raw = letter.raw
    document = {
        "messageId": raw.message_id,
        "box": raw.box,
        "source": raw.source,
        "group": raw.group,
        "sentAt": format_timestamp(raw.sent_at),
        "attributes": attributes_document(raw.attributes),
        "body": redact_body(raw.body),
        "groupId": letter.group_id,
        "reason": letter.reason,
        "operationId": letter.operation_id,
    }
    return json.dumps(document, ensure_ascii=False)


def read_lines(text: str) -> Iterator[tuple[int, RawLetter] | BadLine]:
    """Yield each line's number and letter, or what is wrong with it; empty lines are skipped."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _read(number, line)


def _read(number: int, line: str) -> tuple[int, RawLetter] | BadLine:
    try:
        found = json.loads(line)
    except ValueError as error:
        return BadLine(number=number, why=f"it is no JSON: {error}")
    if not isinstance(found, dict):
        return BadLine(number=number, why="it is no JSON object")
    try:
        read = _Line.model_validate(found)
    except ValidationError as error:
        return BadLine(number=number, why=_problems(error, found))
    return number, RawLetter(
        message_id=read.message_id,
        box=read.box,
        body=read.body,
        attributes={
            name: Attribute(value=value.value, data_type=value.data_type)
            for name, value in read.attributes.items()
        },
        sent_at=read.sent_at,
        source=read.source,
        group=read.group,
        receipt=NOT_KEPT,
    )


def _problems(error: ValidationError, line: Mapping[str, Any]) -> str:
    errors: Sequence[Any] = field_errors_of(error, line)
    return "; ".join(f"{one.field}: {one.problem}" for one in errors)
