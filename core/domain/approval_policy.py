"""Who must agree to a promotion, as policy data; rules that nobody could keep are refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from core.domain.matching import distinct_people
from core.domain.policy_model import PolicyModel, Seconds
from core.domain.principals import Principal, parse_principal


class Person(PolicyModel):
    """Somebody who may approve."""

    principals: tuple[str, ...] = Field(min_length=1)
    """ARNs by which AWS may name this person: an IAM user, an assumed role with its session (an
    AWSReservedSSO role, or one whose trust policy fixes the session name), or a plain role
    (`arn:aws:iam::<account>:role/<name>`), which is one person however its session is named."""
    names: tuple[str, ...] = ()
    """What `requestedBy` may say of this person."""
    roles: tuple[str, ...] = Field(min_length=1)

    @field_validator("principals")
    @classmethod
    def _principals_can_be_people(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for arn in value:
            if parse_principal(arn) is None:
                raise ValueError(
                    f"{arn} cannot be a person. List an IAM user (arn:aws:iam::<account>:user/...),"
                    " a role (arn:aws:iam::<account>:role/...), or an assumed role with its session"
                    " (arn:aws:sts::<account>:assumed-role/<role>/<session>)."
                )
        return value

    def parsed(self) -> tuple[Principal, ...]:
        found = (parse_principal(arn) for arn in self.principals)
        return tuple(principal for principal in found if principal is not None)


class ApprovalPolicy(PolicyModel):
    """Who must agree. No roles: no approval is asked for."""

    roles: tuple[str, ...] = ()
    """One approval for each, by distinct people."""
    emergency_roles: tuple[str, ...] = ()
    """The same for a promotion with an incident id; empty: there is no emergency path."""
    rollback_roles: tuple[str, ...] = ()
    """Any one of these may prove a rollback on request; empty: no proof is asked for."""
    requester_required: bool = False
    """Whether a request must say who asks (so that nobody approves a request of their own)."""
    wait_seconds: Seconds = 0
    """Between the last approval and the work: time to object."""
    emergency_wait_seconds: Seconds = 0
    """The same for a promotion with an incident id."""
    expires_seconds: Annotated[int, Field(gt=0)] = 172_800
    people: Mapping[str, Person] = Field(default_factory=dict)

    def asked_of(self, *, emergency: bool) -> tuple[str, ...]:
        """Return the roles whose agreement a promotion needs."""
        return self.emergency_roles if emergency and self.roles else self.roles

    @property
    def longest_seconds(self) -> int:
        """How long a plan may wait for approvals and for objections."""
        return self.expires_seconds + max(self.wait_seconds, self.emergency_wait_seconds)

    def holders(self, role: str) -> tuple[str, ...]:
        """Return the people who hold a role."""
        return tuple(key for key, person in self.people.items() if role in person.roles)

    @model_validator(mode="after")
    def _somebody_can_agree(self) -> ApprovalPolicy:
        self._check_roles("roles", self.roles)
        self._check_roles("emergency_roles", self.emergency_roles)
        for role in self.rollback_roles:
            self._check_held("rollback_roles", role)
        if self.roles and not self.requester_required:
            raise ValueError(
                "approval.roles asks for people and requester_required is false: nobody could tell "
                "whether somebody approves a request of their own. Set requester_required = true."
            )
        if self.emergency_roles and not self.roles:
            raise ValueError(
                "approval.emergency_roles asks for more than approval.roles, which asks for "
                "nobody. Name the roles of an ordinary promotion, or leave both out."
            )
        return self

    @model_validator(mode="after")
    def _people_are_told_apart(self) -> ApprovalPolicy:
        _refuse_shared("requestedBy name", self._spellings())
        entries = [
            (principal, key) for key, person in self.people.items() for principal in person.parsed()
        ]
        for principal, key in entries:
            for other, other_key in entries:
                if key != other_key and principal.matches(other):
                    raise ValueError(
                        f"{principal.role.name} of account {principal.account} stands for "
                        f"{key} and for {other_key}: one caller could be two people. List each "
                        "principal once, and a role either as a whole or by its sessions."
                    )
        return self

    def _check_roles(self, field: str, roles: tuple[str, ...]) -> None:
        if len(set(roles)) != len(roles):
            raise ValueError(f"approval.{field} names a role twice; name each once.")
        for role in roles:
            self._check_held(field, role)
        assigned = distinct_people({role: self.holders(role) for role in roles})
        if len(assigned) < len(roles):
            raise ValueError(
                f"approval.{field} asks for {len(roles)} different people ({', '.join(roles)}), "
                f"and only {len(assigned)} of these roles can be filled by people of their own. "
                "Give the roles to more people."
            )

    def _check_held(self, field: str, role: str) -> None:
        if not self.holders(role):
            raise ValueError(
                f"approval.{field} asks for {role}, which nobody in approval.people holds. "
                "Give it to somebody, or take it out."
            )

    def _spellings(self) -> Iterable[tuple[str, str]]:
        for key, person in self.people.items():
            for name in {key.casefold(), *(n.casefold() for n in person.names)}:
                yield name, key


class AgreementPolicy(PolicyModel):
    """Who must agree to an operation that is no promotion; the people are those of promotions."""

    roles: tuple[str, ...] = ()
    """One approval for each, by distinct people; empty: nobody is asked."""
    wait_seconds: Seconds = 0
    """Between the last approval and the work: time to object."""
    expires_seconds: Annotated[int, Field(gt=0)] = 172_800

    def among(self, people: Mapping[str, Person]) -> ApprovalPolicy:
        """Return the whole rules; raises ValueError where these people cannot keep them."""
        return ApprovalPolicy(
            roles=self.roles,
            requester_required=bool(self.roles),
            wait_seconds=self.wait_seconds,
            expires_seconds=self.expires_seconds,
            people=people,
        )


def _refuse_shared(what: str, named: Iterable[tuple[str, str]]) -> None:
    owners: dict[str, str] = {}
    for name, key in named:
        if owners.setdefault(name, key) != key:
            raise ValueError(
                f"The {what} {name!r} stands for {owners[name]} and for {key}. "
                "Give each person names of their own."
            )
