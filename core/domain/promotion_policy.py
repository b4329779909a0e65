"""Policy of promotions into one environment: gates, window, people, backup, hold, monitor.

Source of the values: the table "Policy: settled values" of the workflows. Durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from core.domain.approval_policy import ApprovalPolicy
from core.domain.policy_model import PolicyModel, Seconds
from core.domain.window_policy import WindowPolicy

Count = Annotated[int, Field(ge=0)]


class GatePolicy(PolicyModel):
    """Thresholds of the gates. A site's errors are defined by the workflows."""

    lookback_seconds: Annotated[int, Field(gt=0)]
    errors_below: Annotated[int, Field(gt=0)]
    """Fewer than this many errors within the look-back."""
    throttles_at_most: Count = 0
    critical_lookback_seconds: Seconds = 86_400
    """How far back the log of the source's live release is read."""
    critical_lines_at_most: Count = 0
    metrics_coverage_percent: Annotated[float, Field(ge=0, le=100)] = 90
    """Share of the look-back's periods in which metrics that are always written must be there, and
    the release's log must have a line."""
    metrics_delay_seconds: Seconds = 300
    """How late metrics may be: the newest periods are not asked for."""
    stable_seconds: Seconds = 0
    """How long the source's live release must have been live."""
    change_ticket_required: bool = False
    free_storage_factor: Annotated[float, Field(ge=1)] = 3.0
    """Free database storage must be at least this many times the source's database size."""
    database_cluster: str = ""
    """Aurora cluster as CloudWatch names it; its storage grows by itself up to its limit."""
    database_instance: str = ""
    """Database instance as CloudWatch names it, where there is no cluster."""
    cluster_volume_limit_bytes: Annotated[int, Field(gt=0)] = 128 * 2**40
    """How large an Aurora cluster's volume can get."""
    free_rule_priorities: Annotated[int, Field(gt=0)] = 10
    """So many more listener rules, and target groups, must the load balancer still take."""
    drift_rows_at_most: Count = 1000
    """Rows by which the source may differ from its plan when the work begins: counts are evidence
    and not hashed, but people have read them."""


class ProtectionPolicy(PolicyModel):
    """What of the target a promotion leaves alone."""

    tables: tuple[str, ...] = ()
    """Patterns of table names without their prefix, or names of groups."""
    folders: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """Names for several tables at once: users, orders, comments, forms."""
    hold_seconds: Annotated[float, Field(gt=0)] = 20
    drain_seconds: Annotated[float, Field(ge=0)] = 15


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
    errors_over: Count = 5
    throttles_over: Count = 10
    spike_seconds: Annotated[int, Field(gt=0)] = 120
    """Errors and throttles are counted within any span of this length."""
    server_error_percent_over: Annotated[float, Field(ge=0, lt=100)] = 10
    latency_p95_ms_over: Annotated[float, Field(gt=0)] = 5_000
    latency_worse_percent_over: Annotated[float, Field(ge=0)] = 50
    """Against the former release's p95 before the switch; without one, only the absolute holds."""
    latency_good_ms: Annotated[float, Field(ge=0)] = 200
    """A p95 up to this is good, however much better it was before: 30 ms after 20 ms is noise."""
    metrics_coverage_percent: Annotated[float, Field(ge=0, le=100)] = 80
    """Share of the window's periods in which metrics that are always written must be there."""
    metrics_delay_seconds: Seconds = 300
    """How long after the window late metrics are waited for."""
    missing_data: Literal["hold", "complete", "roll_back"] = "hold"
    """What inconclusive metrics do at the end of the window; hold: stall and alert."""
    look_again_hours: tuple[float, ...] = ()
    """When the site is looked at again after its promotion (alert only)."""

    @model_validator(mode="after")
    def _something_is_seen(self) -> MonitorPolicy:
        probes = self.window_seconds / self.probe_interval_seconds
        if probes < self.failures_to_breach:
            raise ValueError(
                f"A monitor window of {self.window_seconds} s with a request every "
                f"{self.probe_interval_seconds} s makes {probes:.0f} requests, and "
                f"{self.failures_to_breach} failures in a row breach it: nothing ever could. "
                "Lengthen the window or request more often."
            )
        if any(b <= a for a, b in pairwise((0, *self.look_again_hours))):
            raise ValueError("monitor.look_again_hours must rise from above 0.")
        return self


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

    @model_validator(mode="after")
    def _the_monitor_window_is_part_of_the_work(self) -> PromotionPolicy:
        if self.monitor.window_seconds > self.window.expected_seconds:
            raise ValueError(
                f"window.expected_seconds ({self.window.expected_seconds}) is shorter than the "
                f"monitor window alone ({self.monitor.window_seconds} s): the maintenance window "
                "would close while the site is still being watched. Raise expected_seconds."
            )
        return self
