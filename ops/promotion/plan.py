"""The plan as a person reads it before approving: what would change, what stays, the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ops.promotion.blocks import Block, Note, TableRow, Tone
from ops.promotion.checks import checks_block
from ops.promotion.comparison import comparison_blocks
from ops.promotion.gates import gate_block
from ops.promotion.people import approval_block
from ops.promotion.records import PromotionRecords
from ops.promotion.way_back import way_back_block
from ops.wording import count, listed, moment

_ALL: Final = "all"


def plan_blocks(records: PromotionRecords) -> list[Block]:
    """Return the whole plan, as far as it is known by now."""
    parts = [
        heading_block(records),
        *_census_blocks(records),
        *plan_only_blocks(records),
        _source_test(records),
        gate_block(records),
        approval_block(records),
        way_back_block(records),
    ]
    return [block for block in parts if block is not None]


def plan_only_blocks(records: PromotionRecords) -> list[Block]:
    """Return what stays, what has changed, what was selected, and which rights were tried."""
    parts = (_kept(records), _drift(records), _selection(records), _rights(records))
    return [block for block in parts if block is not None]


def heading_block(records: PromotionRecords) -> Block:
    """Return what is promoted, from where to where, for whom, and the hash of the plan."""
    operation, payload = records.operation, records.payload
    census = records.census
    name = f": {census.site_name}" if census is not None else ""
    emergency = payload.get("emergency")
    incident = emergency.get("incidentId") if isinstance(emergency, Mapping) else None
    return Block(
        title=f"{operation.operation_type} {records.path} of {operation.site_id} "
        f"({operation.tenant_id}){name}",
        pairs=(
            ("operation", operation.operation_id),
            ("plan hash", records.plan_hash or "not known yet"),
            ("requested by", operation.requested_by or "not said"),
            ("accepted", moment(operation.created_at)),
            ("change ticket", _text(payload.get("changeTicket"))),
            ("incident", _text(incident or payload.get("incidentId"))),
            ("reason", _text(payload.get("reason"))),
            ("dry run", "yes: it ends after the gates" if payload.get("dryRun") else None),
        ),
    )


# --- inside ---------------------------------------------------------------------------------


def _census_blocks(records: PromotionRecords) -> list[Block]:
    if records.census is not None:
        return comparison_blocks(records, records.census)
    if "plan" not in records.operation.plan:
        return []
    if records.facts("plan"):
        note = "The stored census is of another version of the fleet; this one cannot read it."
        return [Block(title="Source and target", notes=(Note(text=note, tone=Tone.WARN),))]
    note = "The source has not been counted yet."
    return [Block(title="Source and target", notes=(Note(text=note, tone=Tone.DIM),))]


def _kept(records: PromotionRecords) -> Block | None:
    target = records.target_census
    if target is None:
        return None
    kept = Note(text=f"kept as the target has them: {listed(target.kept_options)}")
    census = records.census
    coming = set(census.domain_bound_options if census else ()) - set(target.kept_options)
    bound = [
        Note(text=_bound(name, comes=name in coming), tone=Tone.WARN)
        for name in sorted(coming | set(target.domain_bound_options))
    ]
    return Block(title="Options of the environment", notes=(kept, *bound))


def _bound(name: str, *, comes: bool) -> str:
    """Warn of a key that belongs to a domain: forms refuse it under another one."""
    if not comes:
        return f"{name} looks bound to a domain: check by hand that its value fits the target."
    return (
        f"{name} comes from the source and looks bound to its domain: give the target a key of "
        f"its own there, or keep the one it has (--protect-option {name})."
    )


def _drift(records: PromotionRecords) -> Block | None:
    target = records.target_census
    if target is None:
        return None
    names = sorted({*target.changed_tables, *(n for n, rows in target.new_rows.items() if rows)})
    notes = [
        Note(
            text=f"{name}: {count(target.new_rows.get(name, 0), 'new row')}"
            + (", older rows changed" if name in target.changed_tables else ""),
            tone=Tone.WARN,
        )
        for name in names
    ]
    nothing = Note(text="nothing in its protected tables", tone=Tone.GOOD)
    return Block(
        title="Changed in the target since its release went live",
        notes=tuple(notes) or (nothing,),
    )


def _selection(records: PromotionRecords) -> Block | None:
    payload = records.payload
    if "selection" not in payload:
        return None
    selection, protect = payload["selection"], payload.get("protect", {})
    return Block(
        title="Selection and protection",
        pairs=(
            ("tables that travel", _selected(selection.get("database"))),
            ("folders that travel", _selected(selection.get("content"))),
            ("tables protected", _listed(protect.get("tables"))),
            ("folders protected", _listed(protect.get("folders"))),
            ("options protected", _listed(protect.get("options"))),
        ),
        notes=(Note(text="Protected beside what the policy protects anyway.", tone=Tone.DIM),),
    )


def _rights(records: PromotionRecords) -> Block | None:
    source = records.census.rights if records.census is not None else []
    target = records.target_census.rights if records.target_census is not None else []
    tried = [*(("source", right) for right in source), *(("target", right) for right in target)]
    if not tried:
        return None
    denied = [(where, right) for where, right in tried if not right.passed]
    if not denied:
        note = Note(text="Every right that the work needs was tried and is there.", tone=Tone.GOOD)
        return Block(title=f"Rights: {len(tried)} tried", notes=(note,))
    return Block(
        title=f"Rights: {len(denied)} of {len(tried)} missing",
        titles=("WHERE", "RIGHT", "EVIDENCE"),
        rows=tuple(
            TableRow(cells=(where, right.name, right.evidence), tone=Tone.BAD)
            for where, right in denied
        ),
    )


def _source_test(records: PromotionRecords) -> Block | None:
    checks = records.checks.get("check_source")
    return None if checks is None else checks_block("check_source", checks)


def _selected(value: Any) -> str:
    return _ALL if value is None or value == _ALL else _listed(value)


def _listed(value: Any) -> str:
    names: Sequence[str] = [str(name) for name in value] if isinstance(value, list) else []
    return listed(names)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
