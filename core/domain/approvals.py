"""Approvals weighed: pure rules over the stored decisions, the policy and the clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.domain.approval import Decision, noun_of
from core.domain.approval_policy import ApprovalPolicy
from core.domain.errors import RefusedError
from core.domain.matching import distinct_people
from core.domain.people import is_requester
from events.vocabulary import ErrorCode, OperationType


@dataclass(frozen=True, kw_only=True)
class Pending:
    """Not decided yet, or decided and open to objection until the wait is over."""

    missing: tuple[str, ...]
    """Roles without an approval; none: only the wait is left."""
    until: datetime
    """When it expires; with nothing missing, when the wait is over."""
    why: str


@dataclass(frozen=True, kw_only=True)
class Approved:
    """Everybody who must agree has agreed, and the wait is over."""

    at: datetime
    """When the wait was over."""
    by: Mapping[str, str]
    """Role -> person."""


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """Somebody who may decide said no."""

    by: str
    role: str
    comment: str | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Expired:
    """Not enough approvals came in time."""

    missing: tuple[str, ...]
    at: datetime


type Weighed = Pending | Approved | Rejected | Expired


def roles_asked(policy: ApprovalPolicy, *, emergency: bool) -> tuple[str, ...]:
    """Return the roles that must agree; raises RefusedError where there is no emergency path."""
    roles = policy.asked_of(emergency=emergency)
    if policy.roles and not roles:
        raise RefusedError(
            ErrorCode.PROM_003,
            "There is no emergency path into this environment. Ask for an ordinary promotion: "
            f"leave out `emergency`; {', '.join(policy.roles)} must agree.",
        )
    return roles


def check_request(
    policy: ApprovalPolicy,
    requested_by: str | None,
    *,
    emergency: bool = False,
    operation_type: OperationType = OperationType.SITE_PROMOTION,
) -> None:
    """Refuse a request whose approvals could not be weighed: nobody asks, or no such path."""
    roles = roles_asked(policy, emergency=emergency)
    if policy.requester_required and requested_by is None:
        raise RefusedError(
            ErrorCode.SITE_001,
            f"requestedBy is missing. {_asked_for(operation_type)} must say who asks for it, "
            f"because {' and '.join(roles)} must be somebody else.",
        )


def weigh(
    policy: ApprovalPolicy,
    decisions: Sequence[Decision],
    *,
    requester: str | None,
    plan_hash: str,
    asked_at: datetime,
    now: datetime,
    emergency: bool = False,
) -> Weighed:
    """Return where the approvals of one plan stand.

    One approval per role by distinct people, never by the requester, only for this plan and only
    in time; one rejection by somebody who holds a role ends it until the wait is over.
    """
    roles = roles_asked(policy, emergency=emergency)
    expires_at = asked_at + timedelta(seconds=policy.expires_seconds)
    wait = policy.emergency_wait_seconds if emergency else policy.wait_seconds
    yes: list[Decision] = []
    over_at = None if roles else asked_at
    for decision in _in_order(policy, decisions, roles, plan_hash):
        if decision.decided_at >= (over_at or expires_at):
            break
        if not decision.approves:
            return _rejected(decision)
        if not _is_own(policy, decision, requester):
            yes.append(decision)
        if over_at is None and len(_assigned(roles, yes)) == len(roles):
            over_at = decision.decided_at + timedelta(seconds=wait)
    return _outcome(roles, yes, over_at=over_at, expires_at=expires_at, now=now)


def check_decision(
    policy: ApprovalPolicy,
    decision: Decision,
    *,
    earlier: Sequence[Decision],
    requester: str | None,
    plan_hash: str,
    asked_at: datetime,
    now: datetime,
    emergency: bool = False,
    operation_type: OperationType = OperationType.SITE_PROMOTION,
) -> None:
    """Refuse (PROM_003) a decision that may not be kept; the same proof again is kept already."""
    if _kept(decision, earlier):
        return
    roles = roles_asked(policy, emergency=emergency)
    noun = noun_of(operation_type)
    _check_role(policy, decision, roles, noun)
    if decision.approves and _is_own(policy, decision, requester):
        raise _refused(
            f"{decision.person} asked for this {noun}, and nobody approves a request of their "
            "own. Let somebody else who holds the role approve it."
        )
    if decision.plan_hash != plan_hash:
        raise _refused(
            f"This decision is about the plan {decision.plan_hash}, and the operation asks about "
            f"{plan_hash}. Read the plan ({_plan_command(noun)} {decision.operation_id}) and "
            "decide again."
        )
    stands = weigh(
        policy,
        earlier,
        requester=requester,
        plan_hash=plan_hash,
        asked_at=asked_at,
        now=now,
        emergency=emergency,
    )
    _check_open(decision, stands, noun)


def check_rollback_role(policy: ApprovalPolicy, *, person: str, role: str) -> None:
    """Refuse (PROM_003) a rollback on request that is not proved by one of the rollback roles."""
    if policy.rollback_roles:
        _check_held(policy, person, role, policy.rollback_roles, "may ask for a rollback")


# --- inside ---------------------------------------------------------------------------------


def _in_order(
    policy: ApprovalPolicy,
    decisions: Sequence[Decision],
    roles: tuple[str, ...],
    plan_hash: str,
) -> Iterator[Decision]:
    """Return the decisions that count, oldest first; of two at the same moment, a no first."""
    for decision in sorted(decisions, key=lambda d: (d.decided_at, d.approves)):
        holds = decision.role in roles and decision.person in policy.holders(decision.role)
        if holds and decision.plan_hash == plan_hash:
            yield decision


def _is_own(policy: ApprovalPolicy, decision: Decision, requester: str | None) -> bool:
    return is_requester(policy, requester, person=decision.person, principal=decision.principal)


def _assigned(roles: tuple[str, ...], yes: Sequence[Decision]) -> dict[str, str]:
    said = {role: tuple(d.person for d in yes if d.role == role) for role in roles}
    return distinct_people(said)


def _outcome(
    roles: tuple[str, ...],
    yes: Sequence[Decision],
    *,
    over_at: datetime | None,
    expires_at: datetime,
    now: datetime,
) -> Weighed:
    assigned = _assigned(roles, yes)
    if over_at is not None and now >= over_at:
        return Approved(at=over_at, by=assigned)
    if over_at is not None:
        why = f"Approved by {_names(assigned)}; open to objection until {_shown(over_at)}."
        return Pending(missing=(), until=over_at, why=why)
    missing = tuple(role for role in roles if role not in assigned)
    if now >= expires_at:
        return Expired(missing=missing, at=expires_at)
    why = f"Waits until {_shown(expires_at)} for an approval as {' and as '.join(missing)}."
    return Pending(missing=missing, until=expires_at, why=f"{why}{_counted_once(yes)}")


def _counted_once(yes: Sequence[Decision]) -> str:
    roles: dict[str, set[str]] = {}
    for decision in yes:
        roles.setdefault(decision.person, set()).add(decision.role)
    twice = [person for person, held in roles.items() if len(held) > 1]
    if not twice:
        return ""
    return f" {', '.join(twice)} approved under more than one role and counts once."


def _rejected(decision: Decision) -> Rejected:
    return Rejected(
        by=decision.person, role=decision.role, comment=decision.comment, at=decision.decided_at
    )


def _kept(decision: Decision, earlier: Sequence[Decision]) -> bool:
    """Tell whether this very proof was kept before, for the same decision (a redelivery)."""

    def decides(d: Decision) -> tuple[str, str, str, str, bool]:
        return d.proof_digest, d.person, d.role, d.plan_hash, d.approves

    return any(decides(other) == decides(decision) for other in earlier)


def _asked_for(operation_type: OperationType) -> str:
    noun = noun_of(operation_type).capitalize()
    if operation_type is OperationType.SITE_PROMOTION:
        return f"A {noun.lower()} into this environment"
    return f"{noun} of a site in this environment"


def _plan_command(noun: str) -> str:
    return "sitefleet promotions plan" if noun == "promotion" else "sitefleet operations show"


def _check_role(
    policy: ApprovalPolicy, decision: Decision, roles: tuple[str, ...], noun: str
) -> None:
    if decision.person not in policy.people:
        raise _refused(
            f"The policy knows nobody called {decision.person}; who may decide: "
            f"{', '.join(policy.people)}."
        )
    _check_held(policy, decision.person, decision.role, roles, f"must agree to this {noun}")


def _check_held(
    policy: ApprovalPolicy, person: str, role: str, roles: tuple[str, ...], what: str
) -> None:
    if role not in roles:
        raise _refused(
            f"Nobody asks {role}: {', '.join(roles) or 'no role'} {what}. Decide in one of these "
            "roles."
        )
    if person not in policy.holders(role):
        raise _refused(
            f"{person} does not hold the role {role}; {', '.join(policy.holders(role))} does."
        )


def _check_open(decision: Decision, stands: Weighed, noun: str) -> None:
    cancel = f"sitefleet operations cancel {decision.operation_id}"
    match stands:
        case Expired(at=at):
            raise _refused(
                f"The time to decide was over at {_shown(at)}. Send the {noun} request again."
            )
        case Rejected(by=by):
            raise _refused(f"{by} has rejected this plan; send the {noun} request again.")
        case Approved():
            raise _refused(f"This plan is approved and work may have begun; to stop it: {cancel}")
        case Pending(missing=missing):
            if decision.approves and not missing:
                raise _refused("Everybody who must agree has agreed; no approval is missing.")


def _refused(sentence: str) -> RefusedError:
    return RefusedError(ErrorCode.PROM_003, sentence)


def _names(assigned: Mapping[str, str]) -> str:
    return ", ".join(f"{person} ({role})" for role, person in assigned.items())


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
