"""`promotions rollback`: a kept release becomes live again."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from core.domain.operation import Operation
from core.domain.proof import ProofBinding, ProofDecision
from core.ports.messaging import QueueName
from events import identity
from events.requests import (
    OperationCancelRequest,
    PromotionRollbackRequest,
    Proof,
    Request,
    canonical_hash,
    effective_idempotency_key,
    encode,
)
from ops.composing import composed
from ops.connection import Connection, requester_of
from ops.desk import Desk
from ops.flags import AsPerson, RequestedBy, Watch, Yes
from ops.following import report, say_how_it_was_taken
from ops.promotion.rollback_goal import RollbackGoal, RollbackWish, check_goal, find_goal
from ops.sending import Sent, send_request
from ops.signing import Signer, prove, signer_of
from ops.wording import fields

OperationId = Annotated[
    str | None,
    typer.Argument(
        help="The promotion to take back; or name the site with --site-id.",
        metavar="ID",
        show_default=False,
    ),
]
SiteId = Annotated[
    str | None, typer.Option(help="The site, instead of a promotion.", show_default=False)
]
TenantId = Annotated[
    str | None, typer.Option(help="The site's tenant, with --site-id.", show_default=False)
]
ToRelease = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="The kept release to go back to; else the one before the promotion.",
        show_default=False,
    ),
]
Reason = Annotated[str, typer.Option(help="Why; it is kept and announced.", show_default=False)]
IncidentId = Annotated[
    str | None, typer.Option(help="The incident; required in prod.", show_default=False)
]
ProofRole = Annotated[
    str | None,
    typer.Option(
        help="In which role you prove it with your AWS credentials; required in prod.",
        show_default=False,
    ),
]


def rollback(
    desk: Desk,
    operation_id: OperationId = None,
    *,
    site_id: SiteId = None,
    tenant_id: TenantId = None,
    to_release: ToRelease = None,
    reason: Reason,
    incident_id: IncidentId = None,
    role: ProofRole = None,
    as_person: AsPerson = None,
    requested_by: RequestedBy = None,
    yes: Yes = False,
    watch: Watch = False,
) -> None:
    """Take a promotion back: a kept release of the site becomes live again.

    A promotion that still runs is cancelled instead, and goes back by itself. In prod it needs an
    incident and a proof, made from your own AWS credentials like that of an approval.
    """
    wish = RollbackWish(to_release=to_release, reason=reason, incident_id=incident_id, role=role)
    goal = find_goal(desk, operation_id, site_id, tenant_id, to_release)
    if goal.promotion is not None and not goal.promotion.is_terminal:
        _cancel(desk, goal.connection, goal.promotion, wish, requested_by, yes=yes, watch=watch)
        return
    check_goal(goal, wish)
    signer = signer_of(goal.connection, as_person) if role is not None else None
    _show(desk, goal, wish, signer)
    if not yes:
        desk.ask("Take it back?")
    request = _request(desk, goal, wish, signer, requested_by)
    tenant = goal.site.tenant_id
    sent = send_request(
        desk, goal.connection, request, encode(request), QueueName.PROMOTION, tenant_id=tenant
    )
    say_how_it_was_taken(desk, goal.connection, sent, watch=watch)


# --- inside ---------------------------------------------------------------------------------


def _show(desk: Desk, goal: RollbackGoal, wish: RollbackWish, signer: Signer | None) -> None:
    site, live = goal.site, goal.site.live_release
    pairs = [
        ("site", f"{site.site_id} ({site.tenant_id}) in {goal.connection.environment}"),
        ("live now", "nothing" if live is None else f"r{live}"),
        ("live again", f"r{goal.to_release(wish)}"),
        ("reason", wish.reason),
        ("incident", wish.incident_id),
        ("in the role", wish.role),
        ("signed as", signer.principal if signer is not None else None),
    ]
    desk.say("You are about to take a release back:")
    for line in fields(pairs, indent="  "):
        desk.say(line)
    desk.say(
        "  Its service is started first where it rests, which takes minutes; the switch itself "
        "takes seconds."
    )
    desk.say(
        f"  Rows written to r{live} since its switch are exported and counted, not carried back."
    )


def _request(
    desk: Desk,
    goal: RollbackGoal,
    wish: RollbackWish,
    signer: Signer | None,
    requested_by: str | None,
) -> PromotionRollbackRequest:
    payload: dict[str, Any] = {
        "operationId": goal.promotion.operation_id if goal.promotion is not None else None,
        "siteId": goal.site.site_id if goal.promotion is None else None,
        "tenantId": goal.site.tenant_id if goal.promotion is None else None,
        "toRelease": wish.to_release,
        "reason": wish.reason,
        "incidentId": wish.incident_id,
    }
    asked_by = requested_by or (requester_of(signer.principal) if signer is not None else None)
    request = composed(PromotionRollbackRequest, desk, goal.connection, asked_by, payload)
    if signer is None or wish.role is None:
        return request
    proven = prove(desk, goal.connection, signer, _binding(goal, request, wish.role))
    proof = Proof.model_validate({"headers": proven.headers})
    signed = request.payload.model_copy(update={"proof": proof})
    return request.model_copy(update={"payload": signed})


def _binding(goal: RollbackGoal, request: Request, role: str) -> ProofBinding:
    """Return what the proof holds for: this very request, by its operation and its hash."""
    return ProofBinding(
        operation_id=identity.operation_id(
            goal.connection.environment,
            goal.site.tenant_id,
            request.message_type,
            effective_idempotency_key(request),
        ),
        plan_hash=canonical_hash(request),
        decision=ProofDecision.ROLLBACK,
        role=role,
        environment=goal.connection.environment,
    )


def _cancel(
    desk: Desk,
    connection: Connection,
    promotion: Operation,
    wish: RollbackWish,
    requested_by: str | None,
    *,
    yes: bool,
    watch: bool,
) -> None:
    desk.say(
        f"Operation {promotion.operation_id} still runs ({promotion.status} at {promotion.step}): "
        "it is cancelled, and takes back by itself what it has made."
    )
    if not yes:
        desk.ask("Cancel it?")
    payload = {"operationId": promotion.operation_id, "reason": wish.reason}
    request = composed(OperationCancelRequest, desk, connection, requested_by, payload)
    sent: Sent = send_request(
        desk,
        connection,
        request,
        encode(request),
        QueueName.PROMOTION,
        tenant_id=promotion.tenant_id,
    )
    report(desk, connection, sent, watch=watch, taken=_cancelled)


def _cancelled(operation: Operation | None) -> bool:
    return operation is not None and (operation.cancel_requested or operation.is_terminal)
