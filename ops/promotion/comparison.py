"""Source and target side by side: versions, theme, plugins, tables, folders."""

from __future__ import annotations

from core.domain.amounts import size
from core.domain.census import Census
from ops.promotion.blocks import Block, Note, TableRow, Tone
from ops.promotion.records import PromotionRecords
from ops.wording import count, listed

DIFFERS = "differs"
_NOT_KNOWN = "-"


def comparison_blocks(records: PromotionRecords, census: Census) -> list[Block]:
    """Return what the source consists of, beside what is known of the target."""
    return [
        _overview(records, census),
        _plugins(records, census),
        _tables(records, census),
        _content(census),
    ]


# --- inside ---------------------------------------------------------------------------------


def _overview(records: PromotionRecords, census: Census) -> Block:
    base = records.base_census
    wordpress, php = _target_versions(records)
    rows = [
        _compared("WordPress", census.wordpress_version, wordpress),
        _compared("PHP", census.php_version, php),
        _compared("theme", census.theme, base.theme if base else None),
        _compared("permalinks", census.permalinks, base.permalinks if base else None),
        _compared("image", census.image_digest, base.image_digest if base else None),
        _plain("address", census.site_url, _text(records.way_back.get("host"))),
        _plain("database", _database(census), _target_database(records)),
        _plain("content", _content_size(census), _target_content(records)),
        _plain("posts", _posts(census), _posts(base) if base else None),
    ]
    target = f"TARGET {records.operation.environment} {_release_name(records.base_release)}"
    return Block(
        title="Source and target",
        titles=("", f"SOURCE {census.environment} r{census.release}", target, ""),
        rows=tuple(rows),
        notes=_target_notes(records),
    )


def _plugins(records: PromotionRecords, census: Census) -> Block:
    base = records.base_census
    theirs = base.plugins if base is not None else {}
    names = sorted({*census.plugins, *theirs})
    rows = [
        TableRow(
            cells=(name, census.plugins.get(name, _NOT_KNOWN), theirs.get(name, _NOT_KNOWN), said),
            tone=Tone.WARN if said else Tone.PLAIN,
        )
        for name in names
        for said in [_plugin_remark(name, census, base)]
    ]
    return Block(
        title=f"Active plugins ({len(census.plugins)})",
        titles=("PLUGIN", "SOURCE", "TARGET", ""),
        rows=tuple(rows),
        notes=() if rows else (Note(text="none"),),
    )


def _plugin_remark(name: str, census: Census, base: Census | None) -> str:
    if base is None:
        return ""
    if name not in base.plugins:
        return "new in the target"
    if name not in census.plugins:
        return "no longer active"
    return "" if base.plugins[name] == census.plugins[name] else DIFFERS


def _tables(records: PromotionRecords, census: Census) -> Block:
    target = records.target_census
    there = target.tables if target is not None else {}
    rows = []
    for name in sorted({*census.tables, *there}):
        remark, tone = _table_remark(records, census, name)
        urls = census.replacements.get(name, 0)
        cells = (name, _rows(census.tables, name), _rows(there, name), f"{urls:,}", remark)
        rows.append(TableRow(cells=cells, tone=tone))
    total = sum(census.replacements.values())
    return Block(
        title=f"Tables ({len(census.tables)}), {count(total, 'URL')} to replace",
        titles=("TABLE", "SOURCE ROWS", "TARGET ROWS", "URLS", ""),
        rows=tuple(rows),
    )


def _table_remark(records: PromotionRecords, census: Census, name: str) -> tuple[str, Tone]:
    target = records.target_census
    if target is None:
        return "", Tone.PLAIN
    if name in target.new_rows or name in target.changed_tables:
        new = target.new_rows.get(name, 0)
        changed = ", older rows changed" if name in target.changed_tables else ""
        text = f"protected: carried over from the target, {count(new, 'new row')}{changed}"
        return text, Tone.WARN if new or changed else Tone.PLAIN
    if name not in census.tables:
        return "only in the target: not in the new release", Tone.WARN
    return ("new in the target", Tone.PLAIN) if name not in target.tables else ("", Tone.PLAIN)


def _content(census: Census) -> Block:
    folders = sorted(census.content.folders.items(), key=lambda folder: (-folder[1], folder[0]))
    return Block(
        title=f"Content: {_content_size(census)}",
        titles=("FOLDER", "SIZE"),
        rows=tuple(TableRow(cells=(name, size(in_bytes))) for name, in_bytes in folders),
    )


# --- one cell -------------------------------------------------------------------------------


def _compared(name: str, source: str, target: str | None) -> TableRow:
    differs = target is not None and target != source
    return TableRow(
        cells=(name, source, target or _NOT_KNOWN, DIFFERS if differs else ""),
        tone=Tone.WARN if differs else Tone.PLAIN,
    )


def _plain(name: str, source: str, target: str | None) -> TableRow:
    return TableRow(cells=(name, source, target or _NOT_KNOWN, ""))


def _target_versions(records: PromotionRecords) -> tuple[str | None, str | None]:
    """Return WordPress and PHP of the release that was live; the site's record only while it is."""
    base, site = records.base_census, records.site
    if base is not None:
        return base.wordpress_version, base.php_version
    if site is not None and site.live_release == records.base_release:
        return site.wordpress_version, site.php_version
    return None, None


def _target_notes(records: PromotionRecords) -> tuple[Note, ...]:
    if records.base_release is None:
        return (
            Note(text="Nothing is live in the target: this is the site's first release there."),
        )
    if records.base_census is None:
        text = "Theme and plugins of the target are not known: no promotion built its live release."
        return (Note(text=text, tone=Tone.DIM),)
    return ()


def _release_name(number: int | None) -> str:
    return "(nothing live)" if number is None else f"r{number}"


def _database(census: Census) -> str:
    rows = sum(census.tables.values())
    text = f"{count(len(census.tables), 'table')}, {count(rows, 'row')}"
    return f"{text}, {size(census.database_size_bytes)}" if census.database_size_bytes else text


def _target_database(records: PromotionRecords) -> str | None:
    target = records.target_census
    if target is None:
        return None
    rows = sum(target.tables.values())
    text = f"{count(len(target.tables), 'table')}, {count(rows, 'row')}"
    return f"{text}, {size(target.size_bytes)}"


def _content_size(census: Census) -> str:
    return f"{count(census.content.files, 'file')}, {size(census.content.size_bytes)}"


def _target_content(records: PromotionRecords) -> str | None:
    target = records.target_census
    return None if target is None else size(target.content_size_bytes)


def _posts(census: Census) -> str:
    return listed([f"{number} {kind}" for kind, number in sorted(census.posts.items())])


def _rows(tables: dict[str, int], name: str) -> str:
    return f"{tables[name]:,}" if name in tables else _NOT_KNOWN


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
