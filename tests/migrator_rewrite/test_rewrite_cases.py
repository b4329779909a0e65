"""Every case, in every layout of a dump."""

from __future__ import annotations

from typing import Any

import pytest

from tests.migrator_rewrite.dumps import LAYOUTS, dump, load_cases, rewrite

SEED = load_cases("seed_cases.json")
CASES = load_cases("cases.json")


def by_id(cases: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(case, id=case["id"]) for case in cases]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", by_id(SEED + CASES))
def test_value_becomes_what_is_expected(case: dict[str, Any], layout: str) -> None:
    """The value between two untouched rows; everything around it stays byte for byte."""
    column = case.get("column", "longtext")
    given = dump([b"first'\n", case["before"], None], column=column, layout=layout)
    expected = dump([b"first'\n", case["after"], None], column=column, layout=layout)

    got, report = rewrite(given, source=case["source"], target=case["target"])

    assert got == expected
    assert bool(report.broken_count) == (case.get("broken") or case["id"] == "broken-length")
    assert report.bytes_in == len(given)
    assert report.bytes_out == len(expected)
    assert report.dump_completed


@pytest.mark.parametrize("case", by_id(SEED + CASES))
def test_second_run_changes_nothing(case: dict[str, Any]) -> None:
    column = case.get("column", "longtext")
    moved = dump([case["after"]], column=column)

    again, report = rewrite(moved, source=case["source"], target=case["target"])

    assert again == moved
    assert report.replacements == 0


def test_all_cases_in_one_insert() -> None:
    """Neighbours do not disturb one another."""
    plain = [c for c in SEED + CASES if "column" not in c and "from" not in c]
    for layout in LAYOUTS:
        given = dump([case["before"] for case in plain], layout=layout)
        assert rewrite(given)[0] == dump([case["after"] for case in plain], layout=layout)


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 120
    assert len({case["id"] for case in SEED + CASES}) == len(SEED) + len(CASES)
