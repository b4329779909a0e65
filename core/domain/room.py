"""How much a load balancer still takes: of its two limits only the rules' can be raised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MOST_TARGET_GROUPS: Final = 100
"""Of one Application Load Balancer, over all its listeners; AWS raises it for nobody."""
RAISE_RULES: Final = (
    "Raise the account's quota of rules per load balancer and the parameter ListenerRuleQuota, or "
    "delete sites that are not needed any more."
)
KEEP_LESS: Final = (
    f"AWS gives no load balancer more than {MOST_TARGET_GROUPS}: lower kept_releases in the policy "
    "(the next promotion of each site removes what is too many), delete sites that are not needed "
    "any more, or build at another isolation level, which has its own load balancer."
)


@dataclass(frozen=True, kw_only=True)
class Shortage:
    """What a load balancer cannot take, as two sentences."""

    why: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Room:
    """A release takes a target group and a rule; a site takes one more rule, its pointer."""

    rules: int
    target_groups: int

    @property
    def releases(self) -> int:
        return max(0, min(self.rules, self.target_groups))

    def shortage(self, *, rules: int, target_groups: int = 1) -> Shortage | None:
        """Name what is lacking for so many more: the limit that nobody can raise comes first."""
        if self.target_groups < target_groups:
            return _shortage("target groups", self.target_groups, target_groups, KEEP_LESS)
        if self.rules < rules:
            return _shortage("listener rules", self.rules, rules, RAISE_RULES)
        return None


def _shortage(what: str, free: int, needed: int, remedy: str) -> Shortage:
    why = f"The load balancer has room for {max(0, free)} more {what}, and {needed} must be free."
    return Shortage(why=why, remedy=remedy)
