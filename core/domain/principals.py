"""ARNs by which AWS names a caller, and which of them count as one person.

sts:GetCallerIdentity answers `arn:aws:iam::<account>:user/<path><name>` for an IAM user and
`arn:aws:sts::<account>:assumed-role/<role>/<session>` for everybody else who counts here. A
session name is chosen by the caller, so it says who somebody is only where AWS or a trust policy
fixes it; policy says so by listing the ARN with its session.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_USER = re.compile(r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>\d{12}):user/(?P<name>.+)")
_ROLE = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>\d{12}):role/(?:[^/]+/)*(?P<name>[^/]+)"
)
_SESSION = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):sts::(?P<account>\d{12})"
    r":assumed-role/(?P<name>[^/]+)/(?P<session>[^/]+)"
)
_IDENTITY_CENTER = re.compile(r"(?P<set>AWSReservedSSO_.+?)_[0-9a-f]{16}")


@dataclass(frozen=True, kw_only=True)
class Principal:
    """One ARN, taken apart."""

    partition: str
    account: str
    kind: str
    """user or role; an assumed role is a role with a session."""
    name: str
    """Of a user with its path, of a role without (STS leaves it out)."""
    session: str | None = None

    @property
    def role(self) -> Principal:
        return replace(self, session=None)

    def matches(self, caller: Principal) -> bool:
        """Tell whether this entry of a policy names the caller.

        A role without a session names every session of it. A role of IAM Identity Center may be
        listed without its random suffix, which changes when the permission set is made anew.
        """
        if self.session not in {None, caller.session}:
            return False
        caller_role, entry = caller.role, self.role
        return entry in {caller_role, caller_role.without_suffix}

    @property
    def own_name(self) -> str:
        """What this caller alone is called: the session's name, or the user's without its path."""
        return self.session or self.name.rpartition("/")[2]

    @property
    def without_suffix(self) -> Principal:
        """The role of a permission set without its 16 hexadecimal digits; others as they are."""
        found = _IDENTITY_CENTER.fullmatch(self.name) if self.kind == "role" else None
        return replace(self, name=found["set"]) if found else self

    @property
    def shown(self) -> str:
        """What may be said of a caller in an error: no user and no session name."""
        if self.kind == "user":
            return f"an IAM user of account {self.account}"
        return f"a session of role {self.name} of account {self.account}"


def parse_principal(arn: str) -> Principal | None:
    """Return the parts of an ARN that can name a person, None for every other.

    Root, federated users (who choose their own name) and services are nobody.
    """
    for kind, form in (("user", _USER), ("role", _ROLE), ("role", _SESSION)):
        found = form.fullmatch(arn)
        if found:
            return Principal(kind=kind, **found.groupdict())
    return None
