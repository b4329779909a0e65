"""A workflow: a literal table of steps, and the rules for accepting its requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.domain.errors import SitefleetError
from core.domain.policy import Policy
from core.engine.step import Step
from core.ports.bundle import Ports
from core.ports.messaging import QueueName
from events.formats import Environment
from events.requests import Request
from events.vocabulary import OperationType


@dataclass(frozen=True, kw_only=True)
class Admission:
    """What the rules for accepting a request may look at."""

    request: Request
    ports: Ports
    policy: Policy


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """How one type of operation is accepted and carried out."""

    operation_type: OperationType
    queue: QueueName
    steps: tuple[Step, ...]
    """Every step that any plan of this workflow may name."""
    environment_of: Callable[[Request], Environment | None]
    """Which environment a request is meant for; None: whichever receives it."""
    admit: Callable[[Admission], None]
    """Raises RefusedError with code and reason when the request cannot be accepted."""
    plan: Callable[[Request], tuple[str, ...]]
    """The names of the steps for this request, in order."""

    def step(self, name: str) -> Step:
        """Return a step by its name in a stored plan.

        Raises SitefleetError for a name that this version no longer has: a deployment must keep
        the steps of operations that are under way.
        """
        for step in self.steps:
            if step.name == name:
                return step
        raise SitefleetError(
            f"The plan names the step {name!r}, which this version of {self.operation_type} does "
            "not have. Deploy the version that accepted the operation, or cancel it."
        )
