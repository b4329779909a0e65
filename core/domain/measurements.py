"""The platform's own metrics: their names, units, and which facts count.

Names and thresholds are the platform's (site management runbook, "CloudWatch Metrics to Monitor",
and the alarm table of the settled policy). Every metric has one dimension, Environment: an alarm
watches an environment, and a dimension per tenant would be billed per tenant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from core.domain.operation import Json, StepRecord
from events.progress import FleetEvent
from events.vocabulary import DetailType, ErrorCode, OperationType, Phase, StepStatus

NAMESPACE: Final = "BBWS/WPTechnical"
DIMENSION: Final = "Environment"


class Unit(StrEnum):
    """Units of CloudWatch."""

    COUNT = "Count"
    SECONDS = "Seconds"
    MILLISECONDS = "Milliseconds"


class MetricName(StrEnum):
    """Every metric that the fleet writes."""

    SITE_CREATED = "SiteCreated"
    SITE_DELETED = "SiteDeleted"
    SITE_CREATION_FAILED = "SiteCreationFailed"
    SITE_CREATION_DURATION = "SiteCreationDuration"
    TEMPLATE_APPLIED = "TemplateApplied"
    PLUGIN_INSTALLED = "PluginInstalled"
    PLUGIN_SECURITY_BLOCKED = "PluginSecurityBlocked"
    WORDPRESS_API_LATENCY = "WordPressAPILatency"
    DLQ_MESSAGES = "DLQMessages"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What a metric's values mean."""

    unit: Unit
    meaning: str
    counted: str
    """When a value is written."""


METRICS: Final[Mapping[MetricName, Metric]] = MappingProxyType(
    {
        MetricName.SITE_CREATED: Metric(
            unit=Unit.COUNT,
            meaning="Sites that were created.",
            counted="once per completed creation",
        ),
        MetricName.SITE_DELETED: Metric(
            unit=Unit.COUNT,
            meaning="Sites that were deleted.",
            counted="once per completed deletion",
        ),
        MetricName.SITE_CREATION_FAILED: Metric(
            unit=Unit.COUNT,
            meaning="Creations that were taken back because something failed; a rejected or "
            "cancelled request is none.",
            counted="once per creation that ended FAILED or ROLLED_BACK",
        ),
        MetricName.SITE_CREATION_DURATION: Metric(
            unit=Unit.SECONDS,
            meaning="From the acceptance of a creation to its end.",
            counted="once per completed creation",
        ),
        MetricName.TEMPLATE_APPLIED: Metric(
            unit=Unit.COUNT,
            meaning="Templates that are part of what went live.",
            counted="once per completed operation whose step `apply_template` tells a `template`",
        ),
        MetricName.PLUGIN_INSTALLED: Metric(
            unit=Unit.COUNT,
            meaning="Plugins that are part of what went live.",
            counted="once per completed operation whose step `install_plugins` tells `plugins`: "
            "their number",
        ),
        MetricName.PLUGIN_SECURITY_BLOCKED: Metric(
            unit=Unit.COUNT,
            meaning="Requests refused, or operations failed, because a plugin is blocklisted "
            "(PLUG_002) or vulnerable (PLUG_003).",
            counted="once per rejection or failed operation with one of these codes",
        ),
        MetricName.WORDPRESS_API_LATENCY: Metric(
            unit=Unit.MILLISECONDS,
            meaning="How long WordPress' REST interface (/wp-json/) took to answer the checks.",
            counted="per step of checks that tells `wordpress_api_ms`, when its operation has "
            "ended",
        ),
        MetricName.DLQ_MESSAGES: Metric(
            unit=Unit.COUNT,
            meaning="Messages that lie in the dead-letter queue of the workflow queues.",
            counted="by the sweeper, every minute: a depth, to be read with Maximum",
        ),
    }
)


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One value of one metric."""

    name: MetricName
    value: float

    @property
    def unit(self) -> Unit:
        return METRICS[self.name].unit


ENDED: Final = frozenset(
    {
        DetailType.OPERATION_COMPLETED,
        DetailType.OPERATION_FAILED,
        DetailType.OPERATION_ROLLED_BACK,
    }
)
"""The facts after which an operation's steps are counted."""
_FAILED: Final = frozenset({DetailType.OPERATION_FAILED, DetailType.OPERATION_ROLLED_BACK})
_BLOCKED: Final = frozenset({ErrorCode.PLUG_002, ErrorCode.PLUG_003})


def measurements_of(event: FleetEvent, steps: Sequence[StepRecord]) -> list[Measurement]:
    """Return what one fact adds to the metrics; `steps`: the operation's, where it has ended."""
    found = [*_of_outcome(event), *_latencies(steps)]
    if event.detail_type is DetailType.OPERATION_COMPLETED:
        found += _of_parts(steps)
    return found


# --- private -------------------------------------------------------------------------------


def _of_outcome(event: FleetEvent) -> Iterator[Measurement]:
    kind, detail = event.metadata.operation_type, event.detail_type
    completed = detail is DetailType.OPERATION_COMPLETED
    if kind is OperationType.SITE_CREATION and completed:
        yield _one(MetricName.SITE_CREATED)
        if event.data.duration_seconds is not None:
            yield Measurement(
                name=MetricName.SITE_CREATION_DURATION, value=event.data.duration_seconds
            )
    if kind is OperationType.SITE_CREATION and detail in _FAILED:
        yield _one(MetricName.SITE_CREATION_FAILED)
    if kind is OperationType.SITE_DELETION and completed:
        yield _one(MetricName.SITE_DELETED)
    error = event.data.error
    if error and error.code in _BLOCKED and detail in {*_FAILED, DetailType.OPERATION_REJECTED}:
        yield _one(MetricName.PLUGIN_SECURITY_BLOCKED)


def _of_parts(steps: Sequence[StepRecord]) -> Iterator[Measurement]:
    if _fact(steps, "apply_template", "template"):
        yield _one(MetricName.TEMPLATE_APPLIED)
    plugins = _fact(steps, "install_plugins", "plugins")
    if isinstance(plugins, list | dict) and plugins:
        yield Measurement(name=MetricName.PLUGIN_INSTALLED, value=len(plugins))


def _latencies(steps: Sequence[StepRecord]) -> Iterator[Measurement]:
    for record in steps:
        latency = record.facts.get("wordpress_api_ms")
        if isinstance(latency, int | float) and record.phase is Phase.FORWARD:
            yield Measurement(name=MetricName.WORDPRESS_API_LATENCY, value=latency)


def _fact(steps: Sequence[StepRecord], step: str, name: str) -> Json:
    for record in steps:
        if (record.step, record.phase, record.status) == (
            step,
            Phase.FORWARD,
            StepStatus.COMPLETED,
        ):
            return record.facts.get(name)
    return None


def _one(name: MetricName) -> Measurement:
    return Measurement(name=name, value=1)
