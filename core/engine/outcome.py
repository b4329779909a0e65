"""What a step answers: values. An exception means that something broke."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.domain.operation import Facts
from events.vocabulary import ErrorCode, OperationStatus


@dataclass(frozen=True, kw_only=True)
class Done:
    """The step has done its work (or found it done)."""

    facts: Facts = field(default_factory=dict)
    """What later steps, and people, need to know; small, no secrets."""
    summary: Facts = field(default_factory=dict)
    """What events and notifications repeat: siteUrl, release. None takes an earlier fact out."""


@dataclass(frozen=True, kw_only=True)
class Wait:
    """The step has set something going and looks again later."""

    seconds: int
    """How long until the next look; a wake-up may come earlier."""
    why: str
    """What it waits for, as a sentence for the person who watches."""
    sooner: bool = False
    """Whether it ends before the poll that is under way: a wake-up that finds this sends its own
    poll, and the older one is dropped by its number."""
    overdue: bool = False
    """Whether it should have ended long ago: the operation is reported as stalled."""


@dataclass(frozen=True, kw_only=True)
class Failed:
    """The step cannot succeed, however often it is repeated: the way back begins."""

    code: ErrorCode
    why: str
    details: Facts = field(default_factory=dict)
    """A few words for events and notifications; kept with the operation."""
    facts: Facts = field(default_factory=dict)
    """The evidence, kept with the step: it may be as long as a step's facts are."""
    ends_as: OperationStatus | None = None
    """How the operation ends once it is undone, where that is neither FAILED nor ROLLED_BACK."""
    cut_over: bool = False
    """Whether the step had led visitors to the new release before it failed: then the operation
    ends ROLLED_BACK."""


type Outcome = Done | Wait | Failed
