"""The platform's own metrics: their names, units and meanings.

Names and thresholds are the platform's (site management runbook, "CloudWatch Metrics to Monitor",
and the alarm table of the settled policy). Every metric has one dimension, Environment: an alarm
watches an environment, and a dimension per tenant would be billed per tenant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

NAMESPACE: Final = "BBWS/WPTechnical"
DIMENSION: Final = "Environment"


class Unit(StrEnum):
    """Units of CloudWatch."""

    COUNT = "Count"
    SECONDS = "Seconds"
    MILLISECONDS = "Milliseconds"
    BYTES_PER_SECOND = "Bytes/Second"
    COUNT_PER_SECOND = "Count/Second"


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
    WORDPRESS_REQUESTS = "WordPressRequests"
    WORDPRESS_TIMEOUTS = "WordPressTimeouts"
    PROMOTION_STARTED = "PromotionStarted"
    PROMOTION_COMPLETED = "PromotionCompleted"
    PROMOTION_FAILED = "PromotionFailed"
    PROMOTION_ROLLED_BACK = "PromotionRolledBack"
    PROMOTION_DURATION = "PromotionDuration"
    EXPORT_RATE = "ExportRate"
    IMPORT_RATE = "ImportRate"
    COPY_RATE = "CopyRate"
    OPERATIONS_STALLED = "OperationsStalled"
    ROLLBACK_FAILED = "RollbackFailed"
    DLQ_MESSAGES = "DLQMessages"
    SWEEPER_HEARTBEAT = "SweeperHeartbeat"


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
        MetricName.WORDPRESS_REQUESTS: Metric(
            unit=Unit.COUNT,
            meaning="Requests to sites that checks (/wp-json/) and monitor windows measured.",
            counted="per step that tells `wordpress_requests`, when its operation has ended",
        ),
        MetricName.WORDPRESS_TIMEOUTS: Metric(
            unit=Unit.COUNT,
            meaning="Those of them that got no answer: refused, cut off, or over 30 s.",
            counted="per step that tells `wordpress_timeouts`, when its operation has ended; 0 "
            "is written too",
        ),
        MetricName.PROMOTION_STARTED: Metric(
            unit=Unit.COUNT,
            meaning="Promotions that were accepted, dry runs among them.",
            counted="once per accepted promotion",
        ),
        MetricName.PROMOTION_COMPLETED: Metric(
            unit=Unit.COUNT,
            meaning="Promotions that went live and stayed; a dry run is none.",
            counted="once per completed promotion that has cut over",
        ),
        MetricName.PROMOTION_FAILED: Metric(
            unit=Unit.COUNT,
            meaning="Promotions that were taken back before anything was live.",
            counted="once per promotion that ended FAILED",
        ),
        MetricName.PROMOTION_ROLLED_BACK: Metric(
            unit=Unit.COUNT,
            meaning="Promotions that were live and were taken back, by themselves or on request.",
            counted="once per promotion that ended ROLLED_BACK, and per completed rollback",
        ),
        MetricName.PROMOTION_DURATION: Metric(
            unit=Unit.SECONDS,
            meaning="From the acceptance of a promotion to its end, the wait for approvals and "
            "window included.",
            counted="once per completed promotion that has cut over",
        ),
        MetricName.EXPORT_RATE: Metric(
            unit=Unit.BYTES_PER_SECOND,
            meaning="Size of a site's dump and content by the time its export took; content that "
            "the target has already counts, too.",
            counted="per completed step `export_source`, when its operation has ended",
        ),
        MetricName.IMPORT_RATE: Metric(
            unit=Unit.COUNT_PER_SECOND,
            meaning="Rows of a site's database by the time their rewriting and loading took.",
            counted="per completed step `import_database`, when its operation has ended",
        ),
        MetricName.COPY_RATE: Metric(
            unit=Unit.BYTES_PER_SECOND,
            meaning="Size of a site's content by the time its placing took.",
            counted="per completed step `place_content`, when its operation has ended",
        ),
        MetricName.OPERATIONS_STALLED: Metric(
            unit=Unit.COUNT,
            meaning="Operations that stopped moving by themselves.",
            counted="once per step of an operation that is reported as stalled",
        ),
        MetricName.ROLLBACK_FAILED: Metric(
            unit=Unit.COUNT,
            meaning="Operations whose way back has failed: their target is between two states.",
            counted="once per failure of an undo that left its operation ROLLBACK_FAILED",
        ),
        MetricName.DLQ_MESSAGES: Metric(
            unit=Unit.COUNT,
            meaning="Messages that lie in the dead-letter queue of the workflow queues.",
            counted="by the sweeper, every minute: a depth, to be read with Maximum",
        ),
        MetricName.SWEEPER_HEARTBEAT: Metric(
            unit=Unit.COUNT,
            meaning="Sweeps that came to their end: the fleet's clock goes.",
            counted="by the sweeper, every minute",
        ),
    }
)
