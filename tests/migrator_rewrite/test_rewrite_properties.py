"""What holds for every dump: generated values, layouts and chunk sizes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from migrator.rewrite import lexer, longrow, stream, text
from tests.migrator_rewrite.dumps import LAYOUTS, SOURCE, TARGET, dump, php, rewrite

URL = "\ue000"  # stands for the origin while a structure is generated
TEXT = st.lists(
    st.one_of(
        st.text(max_size=12).map(lambda text: text.replace(URL, "")),
        st.sampled_from(
            [f"{URL} ", f"{URL}/a", f'{URL}"', f"\n{URL}\n", "info@site.dev ", "site.dev ", '";',
             "\\",
             "'", '"', "s:5:", 's:3:"x', "a:1:{", "}", "日本", "\0", "\x1a", "),(", "',('"]
        ),
    ),
    max_size=6,
).map("".join)  # fmt: skip
SCALARS = st.one_of(st.integers(-(2**40), 2**40), st.booleans(), st.none(), TEXT)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(TEXT, inner, max_size=4),
        inner.map(lambda value: Nested(serialize, value)),
        TEXT.map(lambda text: Nested(encode_json, text)),
    ),
    max_leaves=12,
)
ROWS = st.lists(st.one_of(VALUES.map(lambda value: Nested(serialize, value)), TEXT), max_size=5)


class Nested:
    """A string made of another value once the origin is known."""

    def __init__(self, write: Callable[[Any, str], bytes], value: object) -> None:
        self.write, self.value = write, value

    def __repr__(self) -> str:
        return f"{self.write.__name__}({self.value!r})"


def plain(value: object, url: str) -> bytes:
    """A row's value with the origin filled in."""
    if isinstance(value, Nested):
        return value.write(value.value, url)
    return str(value).replace(URL, url).encode("utf-8", "surrogatepass")


def serialize_bytes(text: bytes) -> bytes:
    return b's:%d:"%s";' % (len(text), text)


def encode_json(value: object, url: str) -> bytes:
    text = plain(value, url).decode("utf-8", "surrogatepass")
    return json.dumps({"x": [text]}).replace("/", "\\/").encode()


def serialize(value: object, url: str) -> bytes:
    """PHP's serialize()."""
    if value is None:
        return b"N;"
    if isinstance(value, bool):
        return b"b:%d;" % value
    if isinstance(value, int):
        return b"i:%d;" % value
    if isinstance(value, list):
        items = [b"i:%d;" % at + serialize(each, url) for at, each in enumerate(value)]
        return b"a:%d:{" % len(items) + b"".join(items) + b"}"
    if isinstance(value, dict):
        items = [serialize(key, url) + serialize(each, url) for key, each in value.items()]
        return b"a:%d:{" % len(items) + b"".join(items) + b"}"
    text = plain(value, url)
    return b's:%d:"%s";' % (len(text), text)


@settings(max_examples=300, deadline=None)
@given(rows=st.lists(VALUES, min_size=1, max_size=4), layout=st.sampled_from(LAYOUTS))
def test_serialized_structures_hold_the_new_address(rows: list[object], layout: str) -> None:
    """The rewritten bytes are the serialization of the rewritten structure."""
    before = dump([serialize(row, SOURCE) for row in rows], layout=layout)
    after = dump([serialize(row, TARGET) for row in rows], layout=layout)
    assert rewrite(before)[0] == after


@settings(max_examples=200, deadline=None)
@given(rows=ROWS, layout=st.sampled_from(LAYOUTS))
def test_second_run_changes_nothing(rows: list[object], layout: str) -> None:
    once = rewrite(dump([plain(row, SOURCE) for row in rows], layout=layout))[0]
    assert rewrite(once)[0] == once


@settings(max_examples=150, deadline=None)
@given(
    rows=ROWS,
    layout=st.sampled_from(LAYOUTS),
    sizes=st.lists(st.integers(0, 300), max_size=30),
)
def test_chunk_boundaries_do_not_matter(rows: list[object], layout: str, sizes: list[int]) -> None:
    data = dump([plain(row, SOURCE) for row in rows], layout=layout)
    whole, report = rewrite(data)
    pieces, same = rewrite(data, chunks=sizes)
    assert pieces == whole
    assert same.as_dict() == report.as_dict()


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(st.one_of(st.none(), st.binary(max_size=60)), max_size=8))
def test_dump_without_the_host_is_copied(rows: list[bytes | None]) -> None:
    for layout in LAYOUTS:
        data = dump(rows, layout=layout)
        got, report = rewrite(data)
        assert got == data
        assert report.replacements == 0


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(st.one_of(VALUES.map(lambda value: Nested(serialize, value)), TEXT), min_size=1),
    harm=st.tuples(st.integers(0, 400), st.sampled_from([b"", b"5", b'"', b";", b"}", b"i:1;"])),
)
def test_simple_and_full_parser_agree(
    rows: list[object], harm: tuple[int, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The short way for arrays of strings and numbers, also where a value is damaged."""
    at, what = harm
    values = [plain(row, SOURCE) for row in rows]
    values += [value[:at] + what + value[at + 1 :] for value in values]
    data = dump(values)
    short, short_report = rewrite(data)
    with monkeypatch.context() as patch:
        patch.setattr(text, "simple_edits", lambda *_: None)
        full, full_report = rewrite(data)
    assert short == full
    assert short_report.as_dict() == full_report.as_dict()


@settings(max_examples=200, deadline=None)
@given(rows=ROWS, column=st.sampled_from(["longtext", "blob", "guid"]))
def test_fast_and_exact_scanner_agree(rows: list[object], column: str) -> None:
    """The same rows behind a known and behind an unknown first line."""
    known = dump([plain(row, SOURCE) for row in rows], column=column)
    unknown = b"SET NAMES utf8mb4;\n" + known
    fast, fast_report = rewrite(known)
    exact, exact_report = rewrite(unknown)
    assert exact == b"SET NAMES utf8mb4;\n" + fast
    assert exact_report.leftovers == fast_report.leftovers
    assert exact_report.forms == fast_report.forms
    assert exact_report.values_changed == fast_report.values_changed


DEEP = Nested(serialize, Nested(serialize, Nested(serialize, {"": 0, f"{URL} ": 0})))


@example(
    # What looks like the beginning of an array stands first in a piece, and not in the value.
    rows=["", "", "", *(Nested(serialize, 0) for _ in range(3)),
          "000\x1a\x1a\x1a\n\U00010000\U00010000" + "0" * 5 + "\x1a" * 6 + "\x00",
          f"0\u0800\U00010000{URL} a:1:{{", DEEP,
          f'\u080000\x1a\x1a\U000100000000"\u0800{URL} '],
    times=1, layout="mysql", column="longtext",
)  # fmt: skip
@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(st.one_of(VALUES.map(lambda value: Nested(serialize, value)), TEXT), min_size=1),
    times=st.integers(1, 40),
    layout=st.sampled_from(LAYOUTS),
    column=st.sampled_from(["longtext", "blob", "guid"]),
)
def test_rows_longer_than_a_block_are_no_different(
    rows: list[object], times: int, layout: str, column: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long literals go through piece by piece, with the same bytes and the same report."""
    values = [plain(row, SOURCE) for row in rows]
    values += [b" ".join(values), b"".join(values) * times, serialize_bytes(b"".join(values))]
    data = dump(values, layout=layout, column=column)
    whole, report = rewrite(data)
    with monkeypatch.context() as patch:
        patch.setattr(stream, "BLOCK_BYTES", 50)
        patch.setattr(lexer, "LONG", 80)
        patch.setattr(longrow, "_MARGIN", 300)
        patch.setattr(longrow, "_OUT_BYTES", 64)
        pieces, same = rewrite(data, chunks=[37] * (len(data) // 37))
    assert pieces == whole
    assert same.as_dict() == report.as_dict()


@settings(max_examples=200, deadline=None)
@given(data=st.lists(st.sampled_from(
    [b"'", b'"', b"\\", b"(", b")", b",", b";", b"\n", b"https://site.dev", b"REPLACE t VALUES ",
     b"INSERT INTO t VALUES ",
     b"/*", b"*/", b"-- ", b"DELIMITER ;;\n", b"DELIMITER ;\n", b"CREATE TABLE t (", b"\0", b"\xff"]
), max_size=40).map(b"".join), head=st.sampled_from([b"", b"-- MySQL dump\n"]))  # fmt: skip
def test_nothing_is_lost_in_damaged_input(data: bytes, head: bytes) -> None:
    """Whatever comes in goes out, at most with another address."""
    got = rewrite(head + data)[0]
    assert got.replace(TARGET.encode(), SOURCE.encode()) == head + data


def test_php_reads_what_was_written() -> None:
    """unserialize() of the output equals the structure with every string replaced."""
    code = (
        "function m($v){ if (is_array($v)) { $o=[]; foreach ($v as $k=>$x) $o[m($k)]=m($x);"
        " return $o; } return is_string($v) ? str_replace('U', '%s', $v) : $v; }"
        "mt_srand(7); function g($d){ $n=mt_rand(0, $d ? 5 : 2); if ($n<3) return"
        ' [mt_rand(), "é U/x\\n\\0\'\\"", 1.5][$n]; $o=[]; for ($i=0;$i<$n;$i++)'
        ' $o["U/k$i"]=g($d-1); return $o; } $all=[]; for ($i=0;$i<300;$i++)'
        " $all[]=base64_encode(serialize(m(g(4)))); echo json_encode($all);"
    )
    before, after = (
        [base64.b64decode(each) for each in json.loads(php(code % url, ""))]
        for url in (SOURCE, TARGET)
    )
    assert rewrite(dump(before))[0] == dump(after)
