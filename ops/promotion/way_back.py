"""The way back: what was live, and the command that brings it back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from core.domain.site import Release, ReleaseStatus
from events.vocabulary import OperationStatus, OperationType
from ops.promotion.blocks import Block, Note, TableRow, Tone
from ops.promotion.records import PromotionRecords
from ops.wording import moment

_NOTHING: Final = "none"
_WITHIN_REACH: Final = (ReleaseStatus.LIVE, ReleaseStatus.SUPERSEDED, ReleaseStatus.BUILDING)


def way_back_block(records: PromotionRecords) -> Block:
    """Return releases, rule and DNS record as they were, and how to get back there."""
    recorded = tuple(flattened(records.way_back))
    rows = tuple(_row(records, r) for r in records.releases if r.status in _WITHIN_REACH)
    return Block(
        title="Way back",
        pairs=recorded,
        titles=("RELEASE", "STATUS", "BUILT", "OPERATION", ""),
        rows=rows,
        notes=(Note(text=_sentence(records)),),
    )


def flattened(value: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Return nested facts as pairs: `dns` with `target_group` becomes `dns target group`."""
    for name, part in value.items():
        said = f"{prefix}{name.replace('_', ' ')}"
        if isinstance(part, Mapping):
            yield from flattened(part, f"{said} ")
        else:
            yield said, _plain(part)


# --- inside ---------------------------------------------------------------------------------


def _row(records: PromotionRecords, release: Release) -> TableRow:
    mine = release.operation_id == records.operation.operation_id
    remark = "this promotion's" if mine else ""
    if release.number == records.base_release:
        remark = "where the way back leads"
    cells = (
        f"r{release.number}",
        str(release.status),
        moment(release.created_at),
        release.operation_id,
        remark,
    )
    return TableRow(
        cells=cells, tone=Tone.GOOD if release.status is ReleaseStatus.LIVE else Tone.PLAIN
    )


def _sentence(records: PromotionRecords) -> str:
    operation = records.operation
    env = f"--env {operation.environment}"
    if operation.status is OperationStatus.COMPLETED:
        if operation.operation_type is not OperationType.SITE_PROMOTION:
            return "A rollback is not rolled back: promote again instead."
        if not operation.cut_over:
            return "Nothing was changed; there is nothing to take back."
        return f'sitefleet promotions rollback {operation.operation_id} {env} --reason "..."'
    if operation.is_terminal:
        former = "the release that was live before is live"
        none = "no release was live before, and none is"
        now = none if records.base_release is None else former
        return f"What it had made was taken back; {now}."
    cancel = f'sitefleet operations cancel {operation.operation_id} {env} --reason "..."'
    if operation.cut_over:
        return f"Until it has ended, a cancel takes it back by itself: {cancel}"
    return f"Nothing is live yet; a cancel takes back what was made: {cancel}"


def _plain(value: object) -> str:
    if value is None or value in ([], ""):
        return _NOTHING
    if isinstance(value, Mapping):
        return " ".join(f"{name.replace('_', ' ')} {_plain(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(_plain(part) for part in value)
    return str(value)
