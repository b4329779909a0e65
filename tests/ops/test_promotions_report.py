"""`promotions report`: one page that tells all, escapes all, and says whether it is sealed."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from core.domain.operation import Failure
from ops.errors import ExitCode
from ops.promotion.chart import bars, longest_drawn
from ops.timeline import timeline
from tests.ops.finished_promotion import (
    CHECKS,
    DECISIONS,
    FINISHED,
    OPEN,
    RELEASES,
    STEPS,
    STEPS_TAKEN_BACK,
    TAKEN_BACK,
    evidence_of,
)
from tests.ops.promotion_records import AWAITING, gate_round, job_result, store_promotion
from tests.ops.records import ID, at

SEALED = evidence_of(FINISHED, STEPS)
SHA = SEALED.sha256
KEY = f"evidence/{ID}.json"
HOLDS = (
    f"Sealed: the document {KEY} has the sha256 that is in the record, and the records say the "
    "same."
)


@pytest.fixture(autouse=True)
def _sit(monkeypatch):
    monkeypatch.setenv("SITEFLEET_ENV", "sit")


@pytest.fixture
def finished(cloud):
    """Store a promotion that has ended, with its checks and, if it has one, its seal."""

    def store(operation=FINISHED, steps=STEPS, *, sha256=SHA, document=SEALED.text):
        sealed = [replace(r, facts={"sha256": sha256}) for r in steps if r.step == "seal_record"]
        others = [record for record in steps if record.step != "seal_record"]
        store_promotion(cloud, operation, *others, *sealed, decisions=DECISIONS)
        for step in ("check_before", "check_after"):
            cloud.keep(f"jobs/{ID}/{step}/0/result.json", job_result(step, CHECKS))
        for one in RELEASES:
            cloud.sites.put_release(one)
        if document is not None:
            cloud.keep(KEY, document)

    return store


class Seen(HTMLParser):
    """What a browser would load, run and show."""

    def __init__(self, html):
        super().__init__()
        self.loads, self.tags, self.text, self.bars = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self.loads += [given[name] for name in ("src", "href") if name in given]
        if (given.get("class") or "").startswith("bar "):
            self.bars.append(given)

    def handle_data(self, data):
        self.text.append(data.strip())

    @property
    def shown(self):
        return " ".join(part for part in self.text if part)


# --- the page -------------------------------------------------------------------------------


@pytest.fixture
def page_of(sitefleet, tmp_path):
    def write():
        path = tmp_path / "report.html"
        answer = sitefleet("promotions", "report", ID, "--output", str(path))
        return answer, path.read_text(encoding="utf-8")

    return write


def test_the_page_tells_everything(finished, page_of, tmp_path):
    finished()
    answer, html = page_of()
    assert (answer.code, answer.out) == (0, f"{tmp_path / 'report.html'}\n")
    assert answer.err == f"{HOLDS}\n"
    shown = Seen(html).shown
    for said in (
        "Promotion of Banana Shop",
        "COMPLETED",
        "It is done and checked.",
        "5 h 25 min took",
        "r2 → r3 release",
        "11 of 11 gates passed",
        "2 of 2 approvals",
        "12 of 12 checks passed",
        "0.84 s writes held",
        "0 of 180 failed requests after the switch",
        f"sha256 in the record {SHA}",
        f"sha256 of the document {SHA}",
        "thabo approved as TECH_LEAD, 2026-11-21T08:05:00Z",
        "rows 1,619 rows in 3 tables files 31 of 2,104 files travelled, 52 MiB in all",
        "rows that came late 1 row in 1 table",
        "WordPress 6.8.1 6.7.2 differs",
        "Gates in decide_again, 2026-11-21T13:00:03Z",
        "Monitor window in monitor, 2026-11-21T13:25:12Z",
        "Thresholds of monitor",
        "Tested after the switch: all 5 passed",
        "no source host pass banana.wpdev.kimmyai.io is nowhere",
        f"database dump sha256:{'5c' * 32}",
        "recovery point arn:aws:backup:point",
        f'sitefleet promotions rollback {ID} --env sit --reason "..."',
        "Looked at again",
    ):
        assert said in shown, said


def test_the_page_is_self_contained(finished, page_of):
    finished()
    seen = Seen(page_of()[1])
    assert seen.loads == []
    assert not {"script", "link", "img", "iframe"} & set(seen.tags)


def test_the_page_prints_and_knows_dark_rooms(finished, page_of):
    finished()
    html = page_of()[1]
    assert "@media print" in html
    assert "@media (prefers-color-scheme: dark)" in html
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in html


def test_every_step_has_a_bar_within_the_chart(finished, page_of):
    finished()
    found = Seen(page_of()[1]).bars
    assert len(found) == len(FINISHED.plan)
    for bar in found:
        left, width = map(float, re.findall(r"[\d.]+", bar["style"]))
        assert 0 <= left <= left + width <= 100.01


def test_nothing_from_outside_becomes_markup(cloud, finished, page_of):
    evil = '<script>alert(1)</script><img src="https://evil.example/x">'
    finished(replace(FINISHED, failure=Failure(code="SYS_001", message=evil)))
    stored = cloud.sites.get("tenant-1", "site-1")
    renamed = replace(stored, site_name=evil, version=5)
    cloud.sites.put(renamed, expected_version=stored.version)
    html = page_of()[1]
    seen = Seen(html)
    assert seen.loads == []
    assert "script" not in seen.tags
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_a_promotion_that_was_taken_back_shows_why_and_how(finished, page_of):
    finished(TAKEN_BACK, STEPS_TAKEN_BACK)
    answer, html = page_of()
    shown = Seen(html).shown
    assert answer.err == "Not sealed: this is what the records say so far.\n"
    for said in (
        "ROLLED_BACK It had gone live and was taken back.",
        "9 of 180 failed requests after the switch",
        "PROM_002 in monitor: 9 of 180 requests were not answered with 200.",
        "Taken back, newest first",
        "breached breached same",
    ):
        assert said in shown, said
    assert sum("undo" in bar["class"] for bar in Seen(html).bars) == 6


def test_what_still_waits_is_marked_as_not_sealed(cloud, page_of):
    store_promotion(cloud)
    answer, html = page_of()
    assert answer.code == 0
    shown = Seen(html).shown
    assert "Not sealed: this is what the records say so far." in shown
    assert "At await_approval: OPERATIONS_LEAD to approve the plan" in shown
    assert "1 of 2 approvals" in shown


def test_a_page_that_cannot_be_written_is_bad_input(cloud, sitefleet, tmp_path):
    store_promotion(cloud)
    path = tmp_path / "no" / "such" / "folder.html"
    answer = sitefleet("promotions", "report", ID, "--output", str(path))
    assert answer.code == ExitCode.BAD_INPUT
    assert answer.err == f"{path} cannot be written: No such file or directory.\n"


# --- the seal -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "code", "said"),
    [
        (SEALED.text, 0, HOLDS),
        (
            SEALED.text + " ",
            ExitCode.UNEXPECTED,
            f"SEAL BROKEN: the document {KEY} is not the one that was sealed.",
        ),
        (
            None,
            ExitCode.UNEXPECTED,
            f"SEAL NOT VERIFIED: the document {KEY} cannot be read: it is not there.",
        ),
    ],
)
def test_the_seal_is_verified(finished, sitefleet, document, code, said):
    finished(document=document)
    answer = sitefleet("promotions", "report", ID)
    assert (answer.code, answer.err) == (code, f"{said}\n")


@pytest.mark.parametrize(
    ("step", "found", "part"),
    [
        ("decide_again", gate_round(seconds=OPEN + 4), "gates"),
        ("export_source", {"dump_sha256": "00" * 32}, "artefacts"),
        ("await_approval", {"by_role": {"TECH_LEAD": "mallory"}}, "approvals"),
    ],
)
def test_records_that_were_changed_after_the_seal_are_found(finished, sitefleet, step, found, part):
    finished(steps=[replace(r, facts=found) if r.step == step else r for r in STEPS])
    answer = sitefleet("promotions", "report", ID)
    assert answer.code == ExitCode.UNEXPECTED
    assert answer.err == (
        f"RECORDS CHANGED: the document {KEY} is the one that was sealed, and the records now tell "
        f"another story of: {part}.\n"
    )


def test_a_seal_of_another_shape_is_no_seal(finished, sitefleet):
    finished(document="{}", sha256=hashlib.sha256(b"{}").hexdigest())
    answer = sitefleet("promotions", "report", ID)
    assert answer.code == ExitCode.UNEXPECTED
    assert answer.err.endswith("tell another story of: operation.\n")


def test_the_checklists_are_those_of_the_runbook(finished, sitefleet):
    finished()
    lines = sitefleet("promotions", "report", ID).out.splitlines()
    begin = lines.index("DEV to SIT Promotion Checklist: Pre-Promotion Checks")
    assert lines[begin + 6].startswith(
        "  [x]  Integration tests pass in DEV        check_source: all 2 checks passed"
    )
    assert lines[begin + 2].startswith("  n/a  All unit tests pass (80%+ coverage)")
    assert not any(line.startswith("Rollback Checklist") for line in lines)


def test_what_was_taken_back_has_the_rollbacks_checklist_too(finished, sitefleet):
    finished(TAKEN_BACK, STEPS_TAKEN_BACK)
    out = sitefleet("promotions", "report", ID).out
    assert "Rollback Checklist: Rollback Execution" in out


def test_json_tells_both_digests(finished, sitefleet):
    finished(document="{}")
    answer = sitefleet("promotions", "report", ID, "--json")
    assert answer.json["seal"] == {
        "key": KEY,
        "sealed": False,
        "broken": True,
        "recordedSha256": SHA,
        "foundSha256": hashlib.sha256(b"{}").hexdigest(),
        "sentence": f"SEAL BROKEN: the document {KEY} is not the one that was sealed.",
    }
    assert answer.json["status"] == "COMPLETED"
    assert "What was moved" in {block["title"] for block in answer.json["report"]}


# --- on the terminal ------------------------------------------------------------------------


def test_without_a_file_the_report_is_text(finished, sitefleet):
    finished()
    lines = sitefleet("promotions", "report", ID).out.splitlines()
    assert lines[0] == "SITE_PROMOTION of site-1 (tenant-1) in sit: COMPLETED, 5 h 25 min"
    begin = lines.index("What was moved")
    assert lines[begin + 1 : begin + 13] == [
        "  rows                 1,619 rows in 3 tables",
        "  files                31 of 2,104 files travelled, 52 MiB in all",
        "  URLs replaced        402",
        "  left over            none",
        "  options kept         admin_email, blog_public",
        "  rows carried over    41 rows in 1 table",
        "  writes held for      0.84 s",
        "  rows copied again    2 rows in 1 table",
        "  rows that came late  1 row in 1 table",
        "  conflicts            none",
        "  releases retired     1",
        "",
    ]


# --- the chart ------------------------------------------------------------------------------


def test_long_waits_are_cut_so_that_the_work_stays_visible():
    rows = timeline(FINISHED, STEPS, at(OPEN + 2000))
    drawn = {bar.step: bar for bar in bars(rows, DECISIONS)}
    cut = {step for step, bar in drawn.items() if bar.cut}
    assert cut == {"await_approval", "decide_again"}
    assert drawn["await_approval"].took == "2 h 9 min"
    assert drawn["export_source"].width_percent > 2
    first, second = drawn["await_approval"].signs
    assert first.left_percent < second.left_percent < drawn["lock_site"].left_percent


def test_what_works_is_not_painted_as_waiting():
    rows = timeline(FINISHED, STEPS, at(OPEN + 2000))
    drawn = {bar.step: bar.kind for bar in bars(rows, DECISIONS)}
    assert drawn["decide_again"] == "work"
    assert (drawn["await_approval"], drawn["cut_over"]) == ("wait", "switch")


@pytest.mark.parametrize(
    ("seconds", "longest"),
    [
        ([10, 10, 10, 10], 10),
        ([1], 1),
        ([5, 5], 5),
        ([1000, 10, 10, 10, 10], 0.3 * 40 / 0.7),
        ([5000, 1000, 10, 10, 10, 10], 0.3 * 40 / 0.4),
    ],
)
def test_only_what_stands_out_is_cut(seconds, longest):
    assert longest_drawn(seconds) == pytest.approx(longest)


def test_a_promotion_that_has_not_begun_has_no_bars():
    assert bars(timeline(replace(AWAITING, step_since=None), (), at(1)), ()) == ()
