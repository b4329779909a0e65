"""What the replayer function is told: replay, resume, go on. Pure; the wire is JSON."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from core.domain.errors import SitefleetError
from core.domain.letters import Box, Origin
from core.domain.replays import Pace, ReplayFilter

MOST_IDS: Final = 1000
"""Message ids that one command may name; a message of SQS would hold more."""


class CommandError(SitefleetError):
    """A message on the replayer's queue is no command; it is not tried again."""


class Action(StrEnum):
    """What a command asks for."""

    REPLAY = "replay"
    """Replay the letters that are meant."""
    RESUME = "resume"
    """Go on with the open replay."""
    SCHEDULED = "scheduled"
    """Replay what failed for a reason that passes by itself, each letter once."""


class _Wire(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class CommandFilters(_Wire):
    """A ReplayFilter on the wire."""

    queue: Origin | None = None
    group_id: str | None = None
    tenant_id: str | None = None
    site_id: str | None = None
    operation_id: str | None = None
    older_than_seconds: Annotated[int, Field(ge=0)] | None = None
    message_ids: Annotated[tuple[str, ...], Field(max_length=MOST_IDS)] = ()
    limit: Annotated[int, Field(ge=1)] | None = None

    def read(self) -> ReplayFilter:
        """Return it as the replayer takes it."""
        return ReplayFilter(**{("origin" if n == "queue" else n): v for n, v in self})

    @classmethod
    def of(cls, filters: ReplayFilter) -> CommandFilters:
        """Return a filter as it is sent."""
        return cls(**{("queue" if n == "origin" else n): v for n, v in vars(filters).items()})


class CommandPace(_Wire):
    """What of a Pace may be asked for from outside."""

    per_second: Annotated[float, Field(ge=0.1, le=1000)] = Pace().per_second

    def read(self) -> Pace:
        """Return it as the replayer takes it."""
        return Pace(per_second=self.per_second)


class ReplayCommand(_Wire):
    """A new replay, or one that is to be resumed."""

    message_type: Literal["REPLAY_COMMAND"] = "REPLAY_COMMAND"
    action: Action
    requested_by: Annotated[str, Field(min_length=1, max_length=256)]
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    replay_id: Annotated[str, Field(min_length=8, max_length=64)] | None = None
    """The name that a new replay gets; none: the message's id."""
    filters: CommandFilters = CommandFilters()
    boxes: tuple[Box, ...] = (Box.OPERATIONS, Box.UNDELIVERABLE)
    pace: CommandPace = CommandPace()


class ReplayContinue(_Wire):
    """A replay goes on in a new run of the function."""

    message_type: Literal["REPLAY_CONTINUE"] = "REPLAY_CONTINUE"
    replay_id: str


_COMMANDS: TypeAdapter[ReplayCommand | ReplayContinue] = TypeAdapter(
    Annotated[ReplayCommand | ReplayContinue, Field(discriminator="message_type")]
)


def read_command(body: str) -> ReplayCommand | ReplayContinue:
    """Return what a message asks for; raises CommandError naming what is wrong in it."""
    try:
        return _COMMANDS.validate_json(body)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}"
            for e in error.errors(include_input=False, include_url=False)
        )
        raise CommandError(f"This is no command for the replayer: {problems}.") from error


def text_of(command: ReplayCommand | ReplayContinue) -> str:
    """Return a command as it is sent."""
    return command.model_dump_json(by_alias=True, exclude_none=True)
