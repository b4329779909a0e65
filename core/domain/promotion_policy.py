"""Policy of promotions into one environment: gates, window, people, backup, hold, monitor.

Source of the values: the table "Policy: settled values" of the workflows. Durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from enum import StrEnum
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator


class PolicyModel(BaseModel):
    """Base of policy data: frozen, unknown keys refused (a misspelt key must not be ignored)."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Seconds = Annotated[int, Field(ge=0)]


class Weekday(StrEnum):
    """A day of a maintenance window."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class Opening(PolicyModel):
    """One weekly opening, in the window's zone; an end at or before its start is the next day's."""

    day: Weekday
    start: time
    end: time


class Freeze(PolicyModel):
    """A span in which nothing is promoted, whatever the window says."""

    start: datetime
    end: datetime
    reason: str


class WindowPolicy(PolicyModel):
    """When promotions may change something."""

    zone: str = "Africa/Johannesburg"
    openings: tuple[Opening, ...] = ()
    """None: always open, but for freezes."""
    freezes: tuple[Freeze, ...] = ()
    expected_seconds: Seconds
    """How long the work may take (the workflows' expected durations)."""
    rollback_seconds: Seconds
    """How long a rollback may take; both must fit into what is left of the window."""

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"There is no time zone {value!r}.") from error
        return value


class GatePolicy(PolicyModel):
    """Thresholds of the gates. A site's errors are defined by the workflows."""

    lookback_seconds: Annotated[int, Field(gt=0)]
    errors_below: Annotated[int, Field(gt=0)]
    """Fewer than this many errors within the look-back."""
    throttles_at_most: int = 0
    critical_lookback_seconds: Seconds = 86_400
    critical_lines_at_most: int = 0
    stable_seconds: Seconds = 0
    """How long the source's live release must have been live."""
    change_ticket_required: bool = False
    free_storage_factor: float = 3.0
    """Free database storage must be at least this many times the source's database size."""
    free_rule_priorities: int = 10
    """Listener rules that the load balancer must still be able to take."""
    drift_rows_at_most: int = 1000
    """New rows in unprotected tables of the target beyond which the plan is made again."""


class Person(PolicyModel):
    """Somebody who may approve."""

    principals: tuple[str, ...] = Field(min_length=1)
    """ARNs by which AWS may name this person: an IAM user, an assumed role with its session (an
    AWSReservedSSO role, or one whose trust policy fixes the session name), or a plain role
    (`arn:aws:iam::<account>:role/<name>`), which is one person however its session is named."""
    names: tuple[str, ...] = ()
    """What `requestedBy` may say of this person."""
    roles: tuple[str, ...] = Field(min_length=1)


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
    expires_seconds: Annotated[int, Field(gt=0)] = 172_800
    people: Mapping[str, Person] = Field(default_factory=dict)

    def asked_of(self, *, emergency: bool) -> tuple[str, ...]:
        """Return the roles whose agreement a promotion needs."""
        return self.emergency_roles if emergency else self.roles


class ProtectionPolicy(PolicyModel):
    """What of the target a promotion leaves alone."""

    tables: tuple[str, ...] = ()
    """Patterns of table names without their prefix, or names of groups."""
    folders: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """Names for several tables at once: users, orders, comments, forms."""
    hold_seconds: float = 20
    drain_seconds: float = 15


class BackupPolicy(PolicyModel):
    """Whether snapshots are taken before the work."""

    database: bool = True
    file_system: bool = True


class MonitorPolicy(PolicyModel):
    """The window after the switch, and what breaches it."""

    window_seconds: Seconds
    poll_seconds: Annotated[int, Field(gt=0, le=900)] = 60
    probe_interval_seconds: Annotated[float, Field(gt=0)] = 5
    failures_to_breach: Annotated[int, Field(gt=0)] = 1
    """Requests in a row that were not answered with 200."""
    errors_over: int = 5
    throttles_over: int = 10
    spike_seconds: Annotated[int, Field(gt=0)] = 120
    """Errors and throttles are counted within any span of this length."""
    server_error_percent_over: float = 10
    latency_p95_ms_over: float = 5_000
    latency_worse_percent_over: float = 50
    """Against the former release's p95 before the switch; without one, only the absolute holds."""
    missing_data: Literal["hold", "complete", "roll_back"] = "hold"
    """What inconclusive metrics do at the end of the window; hold: stall and alert."""
    look_again_hours: tuple[float, ...] = ()
    """When the site is looked at again after its promotion (alert only)."""


class PromotionPolicy(PolicyModel):
    """Everything about promotions into this environment."""

    gates: GatePolicy
    window: WindowPolicy
    approval: ApprovalPolicy = ApprovalPolicy()
    protection: ProtectionPolicy = ProtectionPolicy()
    backup: BackupPolicy = BackupPolicy()
    monitor: MonitorPolicy
    comprehensive_checks: bool = False
    """Every address of the sitemap and a headless browser."""
    read_only_after: bool = False
    """Whether the site is marked read-only once it is promoted (prod)."""
