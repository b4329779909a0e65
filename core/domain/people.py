"""Who somebody is: from the ARN that AWS named, or from what a request says, to a person."""

from __future__ import annotations

from core.domain.approval_policy import ApprovalPolicy
from core.domain.errors import RefusedError
from core.domain.principals import parse_principal
from events.vocabulary import ErrorCode


def person_of(policy: ApprovalPolicy, arn: str) -> str | None:
    """Return the person whom this ARN names; None for a stranger.

    An entry with a session comes before an entry of the whole role, and the policy refuses two
    people that one caller could be, so the answer does not depend on the order of the people.
    """
    caller = parse_principal(arn)
    if caller is None:
        return None
    for key, person in policy.people.items():
        if any(entry.matches(caller) for entry in person.parsed()):
            return key
    return None


def identify(policy: ApprovalPolicy, arn: str) -> str:
    """Return the person whom this ARN names; raises RefusedError for a stranger."""
    person = person_of(policy, arn)
    if person is None:
        caller = parse_principal(arn)
        shown = caller.shown if caller else "neither an IAM user nor a role"
        raise RefusedError(
            ErrorCode.PROM_003,
            f"The caller is {shown}, and the policy lists nobody by that principal. Decide with "
            f"the credentials of one of: {', '.join(policy.people) or 'nobody is listed'}.",
        )
    return person


def is_requester(
    policy: ApprovalPolicy, requested_by: str | None, *, person: str, principal: str
) -> bool:
    """Tell whether somebody decides about a request of their own, however it spells them.

    Besides the policy's names for the person, `requestedBy` may be the caller's own ARN, IAM user
    name or session name: with a role that several people take on, nothing else tells them apart.
    """
    if requested_by is None:
        return False
    if requester_of(policy, requested_by) == person:
        return True
    caller = parse_principal(principal)
    own = {principal, caller.own_name if caller else principal}
    return requested_by.casefold() in {name.casefold() for name in own}


def requester_of(policy: ApprovalPolicy, requested_by: str | None) -> str | None:
    """Return the person whom `requestedBy` means: by key, name or principal; None for others.

    Spelling does not matter: who could approve is excluded rather too often than too seldom.
    """
    if requested_by is None:
        return None
    spelt = requested_by.casefold()
    for key, person in policy.people.items():
        names = {key, *person.names, *person.principals}
        if spelt in {name.casefold() for name in names}:
            return key
    return person_of(policy, requested_by)
