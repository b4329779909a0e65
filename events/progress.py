"""What the fleet says about its own work: events for the bus, and messages to its own queues."""

import json
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, JsonValue, StrictInt, field_validator, model_validator
from pydantic.alias_generators import to_camel

from events.error_codes import ErrorCode
from events.formats import (
    SCHEMA_VERSION,
    CorrelationId,
    Environment,
    EventId,
    OperationId,
    PlanHash,
    RoleName,
    SchemaVersion,
    SiteId,
    StepName,
    TenantId,
    Timestamp,
    WireModel,
)
from events.vocabulary import DetailType, OperationStatus, OperationType, Phase

SOURCE: Final = "bbws.sites"
"""The `source` of every event of the fleet."""

Attempt = Annotated[StrictInt, Field(ge=0, le=1_000_000)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class EventMetadata(WireModel):
    """Who, what, where and why of a fact; the same on every event."""

    event_id: EventId = Field(description="The same fact published twice has the same id.")
    schema_version: SchemaVersion = SCHEMA_VERSION
    occurred_at: Timestamp
    operation_id: OperationId
    operation_type: OperationType
    phase: Phase = Phase.FORWARD
    step: StepName | None = None
    attempt: Attempt = 0
    tenant_id: TenantId
    site_id: SiteId
    environment: Environment
    correlation_id: CorrelationId
    causation_id: CorrelationId | None = Field(
        None, description="The id of the event or message that led to this one."
    )
    replay_of: CorrelationId | None = Field(
        None, description="Set when an operator sent an old message again: that message's id."
    )


class EventError(WireModel):
    """Why something failed, for a person and for a program."""

    code: ErrorCode
    message: str
    details: dict[str, JsonValue] = Field(default_factory=dict)
    suggestion: str = ""

    @model_validator(mode="before")
    @classmethod
    def _suggestion_of_the_code(cls, values: Any) -> Any:
        if isinstance(values, dict) and not values.get("suggestion"):
            code = str(values.get("code"))
            if code in ErrorCode:
                return {**values, "suggestion": ErrorCode(code).suggestion}
        return values


class FieldError(WireModel):
    """One thing that is wrong with a message. `got` is cut short and never holds a secret."""

    field: str
    problem: str
    got: str | None = None


class EventData(WireModel):
    """What the fact is about. Open: further facts are kept, under their camelCase name.

    A fact that is None is no fact: it is left out, here as on the wire.
    """

    model_config = ConfigDict(extra="allow")

    status: OperationStatus | None = None
    duration_seconds: Seconds | None = None
    release: JsonValue = None
    artefacts: JsonValue = None
    error: EventError | None = None
    plan_hash: PlanHash | None = None
    roles: tuple[RoleName, ...] | None = None
    expires_at: Timestamp | None = None
    field_errors: tuple[FieldError, ...] | None = None
    stalled_since: Timestamp | None = Field(
        None, description="Since when the operation does not move by itself any more."
    )
    site_url: str | None = None
    host_name: str | None = Field(
        None, description="The name that a site was to have that is not there."
    )
    requested_by: str | None = None
    reason: str | None = None
    backup_id: str | None = Field(None, description="The backup that a deletion has left.")
    keep_until: Timestamp | None = Field(None, description="Until when it can be restored.")
    next_command: str | None = Field(None, description="The next safe command for an operator.")

    @model_validator(mode="before")
    @classmethod
    def _wire_names(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        given = {_wire_name(str(name)): value for name, value in values.items()}
        return {name: value for name, value in given.items() if value is not None}

    def fact(self, name: str) -> Any:
        """A further fact by its snake_case or camelCase name, or None."""
        return (self.model_extra or {}).get(_wire_name(name))


def _wire_name(name: str) -> str:
    return to_camel(name) if "_" in name.strip("_") else name


class FleetEvent(WireModel):
    """One fact, as it stands on the bus."""

    detail_type: DetailType
    metadata: EventMetadata
    data: EventData = Field(default_factory=EventData)

    def detail_json(self) -> str:
        """The `Detail` of an EventBridge entry."""
        return json.dumps(self._detail(), separators=(",", ":"), ensure_ascii=False)

    def queue_body(self) -> str:
        """The same event as EventBridge would put it on a queue, for sending it directly."""
        body = {"source": SOURCE, "detail-type": self.detail_type, "detail": self._detail()}
        return json.dumps(body, separators=(",", ":"), ensure_ascii=False)

    def _detail(self) -> dict[str, Any]:
        return self.model_dump(mode="json", include={"metadata", "data"}, exclude_none=True)


class _QueueMessage(WireModel):
    """Base of what the fleet sends to its own queues."""

    def queue_body(self) -> str:
        """The SQS body."""
        return self.model_dump_json(exclude_none=True)


class StepPoll(_QueueMessage):
    """Look again whether a waiting step is done. A poll with an older number is dropped."""

    message_type: Literal["STEP_POLL"] = "STEP_POLL"
    operation_id: OperationId
    event_id: EventId = Field(description="The event whose step waits.")
    wait_number: Annotated[StrictInt, Field(ge=0, le=1_000_000_000)]
    correlation_id: CorrelationId | None = None


class WakeUp(_QueueMessage):
    """Something a step may be waiting for has happened; run the step early."""

    message_type: Literal["WAKE_UP"] = "WAKE_UP"
    operation_id: OperationId | None = Field(
        None, description="Missing when the event does not tell; then found by resource."
    )
    step: StepName | None = None
    attempt: Attempt | None = None
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    resource: Annotated[str, Field(min_length=1, max_length=2048)] | None = Field(
        None, description="The ARN, or the s3:// address, of what happened."
    )

    @field_validator("reason")
    @classmethod
    def _one_line(cls, value: str) -> str:
        return " ".join(value.split()) or "unspecified"
