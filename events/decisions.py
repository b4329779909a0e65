"""The payloads that people send about an operation: decide, cancel, retry, roll back."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from events.formats import (
    Environment,
    HumanText,
    OperationId,
    PlanHash,
    ReleaseNumber,
    RoleName,
    SiteId,
    TenantId,
    TicketId,
    WireModel,
)
from events.payloads import Payload, needs

HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
HeaderValue = Annotated[SecretStr, Field(min_length=1, max_length=8192)]


def _sane_headers(headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
    lowered = {name.lower(): value for name, value in headers.items()}
    if len(lowered) != len(headers):
        raise ValueError("a header is given twice")
    values = (value.get_secret_value() for value in lowered.values())
    if not all(value.isascii() and value.isprintable() for value in values):
        raise ValueError("a header value may only hold printable ASCII")
    return lowered


class Proof(WireModel):
    """The headers of a signed sts:GetCallerIdentity POST. Never shown, dumped or hashed."""

    headers: Annotated[
        dict[HeaderName, HeaderValue],
        Field(min_length=1, max_length=32, repr=False),
        AfterValidator(_sane_headers),
    ]
    """By lower-case name."""

    def revealed(self) -> dict[str, str]:
        """The headers in the clear, for the call to STS and for sending."""
        return {name: value.get_secret_value() for name, value in self.headers.items()}


class OperationPayload(Payload):
    """A payload that is directed at an operation."""

    operation_id: OperationId


class DecisionPayload(OperationPayload):
    """A person's decision on a plan, with the proof of who decides."""

    role: RoleName
    plan_hash: PlanHash
    comment: HumanText | None = None
    proof: Proof = Field(repr=False, exclude=True)


class OperationApprovalPayload(DecisionPayload):
    """A yes to exactly this plan."""


class OperationRejectionPayload(DecisionPayload):
    """A no to this plan."""


class OperationCancelPayload(OperationPayload):
    """A running operation to take back."""

    reason: HumanText


class OperationRetryPayload(OperationPayload):
    """A stalled operation, or one whose rollback failed, to try again."""

    reason: HumanText


class PromotionRollbackPayload(Payload):
    """A finished promotion to take back: by its operation, or a site to a kept release."""

    operation_id: OperationId | None = None
    site_id: SiteId | None = None
    tenant_id: TenantId | None = None
    to_release: ReleaseNumber | None = None
    environment: Environment | None = Field(
        None, description="When given as prod, the rules of prod are checked at once."
    )
    reason: HumanText
    incident_id: TicketId | None = Field(None, description="Required in prod.")
    proof: Proof | None = Field(None, repr=False, exclude=True, description="Required in prod.")

    def missing_in(self, environment: Environment) -> tuple[str, ...]:
        """The fields that this environment requires and the payload lacks."""
        if environment is not Environment.PROD:
            return ()
        required = {"incidentId": self.incident_id, "proof": self.proof}
        return tuple(name for name, value in required.items() if value is None)

    @model_validator(mode="after")
    def _names_its_goal(self) -> Self:
        if self.operation_id is None and self.site_id is None:
            raise needs("operationId", "give an operationId, or a siteId with toRelease")
        if self.operation_id is None and self.to_release is None:
            raise needs("toRelease", "a rollback by siteId needs toRelease")
        for name in self.missing_in(self.environment or Environment.DEV):
            raise needs(name, f"a rollback in prod needs {name}")
        return self
