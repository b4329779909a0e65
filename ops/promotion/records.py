"""A promotion (or a rollback) as its records tell it, read once and looked at from many sides."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from core.domain.approval import Decision
from core.domain.census import Census
from core.domain.errors import NotFoundError
from core.domain.job_facts import TargetCensusFacts
from core.domain.job_models import Check
from core.domain.operation import Facts, Operation, StepRecord
from core.domain.site import Release, Site
from events.formats import Environment
from events.vocabulary import OperationType, Phase, StepStatus
from ops.connection import Connection
from ops.desk import Desk
from ops.errors import BadInputError
from ops.following import find_operation
from ops.promotion.checks import read_checks

PROMOTION_TYPES: Final = (OperationType.SITE_PROMOTION, OperationType.SITE_ROLLBACK)

type Payload = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class PromotionRecords:
    """Everything that is stored about one promotion."""

    operation: Operation
    request: Payload
    """The request as it was accepted; empty where it cannot be read."""
    steps: tuple[StepRecord, ...]
    decisions: Sequence[Decision]
    site: Site | None
    """The target's record as it is now."""
    releases: Sequence[Release]
    base_census: Census | None = None
    """What the release that was live in the target had been built from."""
    checks: Mapping[str, Sequence[Check]] = field(default_factory=dict)
    """Step -> the checks that it ran."""

    # --- the request -----------------------------------------------------------------------

    @property
    def payload(self) -> Payload:
        found = self.request.get("payload")
        return found if isinstance(found, Mapping) else {}

    @property
    def source(self) -> Environment | None:
        name = self.payload.get("sourceEnvironment")
        return Environment(name) if name in set(Environment) else None

    @property
    def path(self) -> str:
        """Return `dev -> sit`, or the target alone where there is no source (a rollback)."""
        target = self.operation.environment
        return str(target) if self.source is None else f"{self.source} -> {target}"

    # --- the plan --------------------------------------------------------------------------

    def facts(self, step: str) -> Facts:
        """Return what a step found, empty while it has not completed."""
        return self._facts.get(step, {})

    @cached_property
    def census(self) -> Census | None:
        return _model(Census, self.facts("plan").get("census"))

    @cached_property
    def target_census(self) -> TargetCensusFacts | None:
        return _model(TargetCensusFacts, self.facts("survey_target").get("target"))

    @property
    def way_back(self) -> Facts:
        found = self.facts("survey_target").get("way_back")
        return found if isinstance(found, Mapping) else {}

    @property
    def plan_hash(self) -> str | None:
        found = self.facts("plan").get("plan_hash") or self.operation.summary.get("planHash")
        return str(found) if found else None

    @property
    def release(self) -> int | None:
        """The release that is built (promotion) or went live again (rollback)."""
        return _integer(self.operation.summary.get("release"))

    @property
    def base_release(self) -> int | None:
        """The release that was live in the target when this operation began."""
        reserved = self.facts("reserve_release")
        if "live_release" in reserved:
            return _integer(reserved["live_release"])
        if "live_release" in self.way_back:
            return _integer(self.way_back["live_release"])
        return self.site.live_release if self.site is not None else None

    # --- approvals -------------------------------------------------------------------------

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles whose approval is asked for; empty where none is, or it is not known yet."""
        asked = self.facts("request_approval").get("roles")
        found = self.operation.summary.get("roles", asked)
        return tuple(str(role) for role in found) if isinstance(found, list) else ()

    @property
    def missing_roles(self) -> tuple[str, ...]:
        """The roles that have not agreed to this plan yet."""
        agreed = {d.role for d in self.decisions if d.approves and d.plan_hash == self.plan_hash}
        return tuple(role for role in self.roles if role not in agreed)

    @property
    def expires_at(self) -> datetime | None:
        """When a plan that waits for approval is no longer offered."""
        asked = self.facts("request_approval").get("expires_at")
        found = self.operation.summary.get("expiresAt", asked)
        return datetime.fromisoformat(found) if isinstance(found, str) else None

    # --- inside ----------------------------------------------------------------------------

    @cached_property
    def _facts(self) -> Mapping[str, Facts]:
        return {
            record.step: record.facts
            for record in self.steps
            if record.phase is Phase.FORWARD and record.status is StepStatus.COMPLETED
        }


def find_promotion(desk: Desk, operation_id: str) -> tuple[Connection, Operation]:
    """Return a promotion or rollback and where it is; raises NotFoundError or BadInputError."""
    connection, operation = find_operation(desk, operation_id)
    if operation.operation_type not in PROMOTION_TYPES:
        raise BadInputError(
            f"Operation {operation_id} is a {operation.operation_type}, not a promotion. Look at "
            f"it: sitefleet operations show {operation_id} --env {operation.environment}"
        )
    return connection, operation


def asked_for(records: PromotionRecords) -> Payload:
    """Return what the request says beyond the site that it names."""
    named = {"tenantId", "siteId"}
    return {name: said for name, said in records.payload.items() if name not in named}


def read_promotion(connection: Connection, operation: Operation) -> PromotionRecords:
    """Read what is stored about a promotion, or another operation that waits for approval."""
    history = connection.operations.history(operation.operation_id)
    tenant_id, site_id = operation.tenant_id, operation.site_id
    records = PromotionRecords(
        operation=operation,
        request=_read(history.request_body),
        steps=history.steps,
        checks=read_checks(connection, history.steps),
        decisions=connection.decisions.of(operation.operation_id),
        site=connection.sites.get(tenant_id, site_id),
        releases=connection.sites.list_releases(tenant_id, site_id),
    )
    return replace(records, base_census=_base(connection, records))


# --- inside ---------------------------------------------------------------------------------


def _read(body: str) -> Payload:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _base(connection: Connection, records: PromotionRecords) -> Census | None:
    """Return the census of the promotion that built the target's former live release."""
    number = records.base_release
    built = next((r for r in records.releases if r.number == number), None)
    if built is None or built.operation_id == records.operation.operation_id:
        return None
    try:
        steps = connection.operations.history(built.operation_id).steps
    except NotFoundError:
        return None
    facts = [record.facts for record in steps if record.step == "plan"]
    return _model(Census, facts[0].get("census")) if facts else None


def _model[M: BaseModel](kind: type[M], value: object) -> M | None:
    """Read facts; those of another version of the fleet are left out rather than guessed."""
    if not isinstance(value, Mapping):
        return None
    try:
        return kind.model_validate(value)
    except ValidationError:
        return None


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
