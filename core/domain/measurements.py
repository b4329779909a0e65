"""Which facts count for the platform's metrics, and how much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from core.domain.metrics import DIMENSION, METRICS, NAMESPACE, Metric, MetricName, Unit
from core.domain.operation import Facts, Json, StepRecord
from events.progress import FleetEvent
from events.vocabulary import DetailType, ErrorCode, OperationType, Phase, StepStatus

__all__ = [
    "DIMENSION",
    "ENDED",
    "METRICS",
    "NAMESPACE",
    "Measurement",
    "Metric",
    "MetricName",
    "Unit",
    "measurements_of",
]


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
_PROMOTIONS: Final = {
    DetailType.OPERATION_ACCEPTED: MetricName.PROMOTION_STARTED,
    DetailType.OPERATION_FAILED: MetricName.PROMOTION_FAILED,
    DetailType.OPERATION_ROLLED_BACK: MetricName.PROMOTION_ROLLED_BACK,
}
_CUT_OVERS: Final = ("cut_over", "switch")
"""The steps that put a release live; the second is of plans of earlier versions."""
_TROUBLE: Final = {
    DetailType.OPERATION_STALLED: MetricName.OPERATIONS_STALLED,
    DetailType.OPERATION_ROLLBACK_FAILED: MetricName.ROLLBACK_FAILED,
}
_ANSWERS: Final = {
    "wordpress_api_ms": MetricName.WORDPRESS_API_LATENCY,
    "wordpress_requests": MetricName.WORDPRESS_REQUESTS,
    "wordpress_timeouts": MetricName.WORDPRESS_TIMEOUTS,
}
"""What checks and monitor windows tell, whatever came of them."""
_SPEEDS: Final = {
    "export_source": MetricName.EXPORT_RATE,
    "import_database": MetricName.IMPORT_RATE,
    "place_content": MetricName.COPY_RATE,
}


def measurements_of(event: FleetEvent, steps: Sequence[StepRecord]) -> list[Measurement]:
    """Return what one fact adds to the metrics; `steps`: the operation's, where it has ended."""
    found = [*_of_outcome(event), *_of_promotion(event, steps), *_of_trouble(event)]
    found += [*_of_answers(steps), *_of_speed(steps)]
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


def _of_promotion(event: FleetEvent, steps: Sequence[StepRecord]) -> Iterator[Measurement]:
    kind, detail = event.metadata.operation_type, event.detail_type
    if kind is OperationType.SITE_ROLLBACK and detail is DetailType.OPERATION_COMPLETED:
        yield _one(MetricName.PROMOTION_ROLLED_BACK)
    if kind is not OperationType.SITE_PROMOTION:
        return
    if detail in _PROMOTIONS:
        yield _one(_PROMOTIONS[detail])
    went_live = any(_facts_of(steps, step) is not None for step in _CUT_OVERS)
    if detail is DetailType.OPERATION_COMPLETED and went_live:
        yield _one(MetricName.PROMOTION_COMPLETED)
        if event.data.duration_seconds is not None:
            yield Measurement(name=MetricName.PROMOTION_DURATION, value=event.data.duration_seconds)


def _of_trouble(event: FleetEvent) -> Iterator[Measurement]:
    if event.detail_type in _TROUBLE:
        yield _one(_TROUBLE[event.detail_type])


def _of_answers(steps: Sequence[StepRecord]) -> Iterator[Measurement]:
    for record in steps:
        for fact, name in _ANSWERS.items():
            value = record.facts.get(fact)
            if isinstance(value, int | float) and record.phase is Phase.FORWARD:
                yield Measurement(name=name, value=value)


def _of_speed(steps: Sequence[StepRecord]) -> Iterator[Measurement]:
    for record in _completed(steps):
        amount, seconds = _amount(record), record.duration_seconds
        if amount is not None and seconds > 0:
            yield Measurement(name=_SPEEDS[record.step], value=round(amount / seconds, 1))


def _amount(record: StepRecord) -> float | None:
    """What one of the moving steps has moved: bytes, or rows of an import."""
    facts = record.facts
    match record.step:
        case "export_source":
            return _sum(facts.get("dump_size_bytes"), facts.get("content_size_bytes"))
        case "import_database":
            rows = facts.get("rows")
            return _sum(*rows.values()) if isinstance(rows, dict) else None
        case "place_content":
            return _sum(facts.get("size_bytes"))
    return None


def _sum(*values: Json) -> float | None:
    numbers = [value for value in values if isinstance(value, int | float)]
    return sum(numbers) if len(numbers) == len(values) else None


def _fact(steps: Sequence[StepRecord], step: str, name: str) -> Json:
    facts = _facts_of(steps, step)
    return None if facts is None else facts.get(name)


def _facts_of(steps: Sequence[StepRecord], step: str) -> Facts | None:
    return next((record.facts for record in _completed(steps) if record.step == step), None)


def _completed(steps: Sequence[StepRecord]) -> Iterator[StepRecord]:
    for record in steps:
        if record.phase is Phase.FORWARD and record.status is StepStatus.COMPLETED:
            yield record


def _one(name: MetricName) -> Measurement:
    return Measurement(name=name, value=1)
