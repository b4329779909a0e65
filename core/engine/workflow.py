"""A workflow: a literal table of steps, and the rules for accepting its requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.domain.errors import RefusedError, SitefleetError
from core.domain.operation import Facts, Operation
from core.domain.policy import Policy
from core.engine.step import Step, StepContext
from core.ports.bundle import Ports
from core.ports.messaging import QueueName
from core.ports.operation_store import OperationStore
from events.formats import Environment
from events.requests import Request, SitePayload
from events.vocabulary import ErrorCode, OperationType


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The site that an operation acts on."""

    tenant_id: str
    site_id: str


@dataclass(frozen=True, kw_only=True)
class Admission:
    """What the rules for accepting a request may look at."""

    request: Request
    subject: Subject
    store: OperationStore
    ports: Ports
    policy: Policy


def named_in_payload(request: Request, store: OperationStore) -> Subject:  # noqa: ARG001 - the others ask it
    """Return the site that the payload itself names."""
    payload = request.payload
    if not isinstance(payload, SitePayload):
        raise RefusedError(ErrorCode.SITE_001, f"{request.message_type} names no site.")
    return Subject(tenant_id=payload.tenant_id, site_id=payload.site_id)


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
    plan: Callable[[Request, Policy], tuple[str, ...]]
    """The names of the steps for this request under this policy, in order."""
    subject: Callable[[Request, OperationStore], Subject] = named_in_payload
    """Which site a request is about; raises RefusedError when nothing tells."""
    takes_turn: bool = True
    """Whether its operations count against their tenant's cap; what helps a site in need, or only
    looks, never waits in line."""
    resumes_after_cut_over: bool = False
    """Whether a failure after the cut-over stops as ROLLBACK_FAILED, to be resumed, instead of
    going back: a rollback is not rolled back by itself."""
    cancels_after_cut_over: bool = True
    """Whether a cancel still turns it back after the cut-over; not where it destroys something."""
    parts: Callable[[StepContext], Facts] | None = None
    """Describes the state of each part (pointer, name, services) when the way back has failed."""

    def turns_back(self, operation: Operation) -> bool:
        """Tell whether a cancel can still take an operation back."""
        return self.cancels_after_cut_over or not operation.cut_over

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
