"""The report and the command line."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from migrator.rewrite import cli
from tests.migrator_rewrite.dumps import SOURCE, TARGET, rewrite

DUMP = (
    b"-- MySQL dump 10.13\n"
    b"CREATE TABLE `wp_posts` (`ID` int, `guid` text, `body` text, `bin` blob);\n"
    b"INSERT INTO `wp_posts` VALUES "
    b"(1,'https://site.dev/?p=1','http://site.dev //site.dev/x',NULL),"
    b"(2,'','a@site.dev site.dev https://site.dev:8443 sub.site.dev','https://site.dev'),"
    b"(3,'','a:1:{i:0;s:9:\\\"https://site.dev\\\";}',NULL);\n"
    b"CREATE TABLE `o` (`v` text);\n"
    b"INSERT INTO `o` VALUES ('https:\\\\/\\\\/site.dev\\\\/ https%3A%2F%2Fsite.dev'),"
    b"('https:&#47;&#47;site.dev');\n"
    b"/*!50001 CREATE VIEW `v` AS select 'https://site.dev' AS `x` */;\n"
    b"DELIMITER ;;\nCREATE TRIGGER t BEGIN SET @x='https://site.dev'; END ;;\nDELIMITER ;\n"
)
EXPECTED = {
    "dumpCompleted": False,
    "replacements": {
        "total": 6,
        "byForm": {
            "entity": 1, "http": 1, "https": 1, "json": 1, "percent": 1, "protocol-relative": 1,
        },
        "byTable": {"o": 3, "wp_posts": 3},
    },
    "valuesChanged": {"total": 4, "byTable": {"o": 2, "wp_posts": 2}},
    "tables": ["wp_posts", "o"],
    "leftovers": {
        "total": 7,
        "byKind": {
            "blob": 1, "ddl": 1, "email": 1, "guid": 1, "host": 1, "routine": 1, "url": 1,
        },
        "places": [
            {"table": "", "column": "", "kind": "ddl", "count": 1},
            {"table": "", "column": "", "kind": "routine", "count": 1},
            {"table": "wp_posts", "column": "bin", "kind": "blob", "count": 1},
            {"table": "wp_posts", "column": "body", "kind": "email", "count": 1},
            {"table": "wp_posts", "column": "body", "kind": "host", "count": 1},
            {"table": "wp_posts", "column": "body", "kind": "url", "count": 1},
            {"table": "wp_posts", "column": "guid", "kind": "guid", "count": 1},
        ],
    },
}  # fmt: skip


@pytest.mark.parametrize("header", [b"", b"SET NAMES utf8;\n"], ids=["fast", "exact"])
def test_report_says_what_changed_and_what_stayed(header: bytes) -> None:
    data = header + DUMP
    got, report = rewrite(data)
    place = data.index(b"'a:1:{")
    broken = {"total": 1, "values": [{"table": "wp_posts", "column": "body", "offset": place}]}
    expected = EXPECTED | {"bytes": {"in": len(data), "out": len(got)}, "broken": broken}
    assert report.as_dict() == expected
    assert json.loads(report.to_json()) == expected


def command(*arguments: str) -> list[str]:
    code = (
        "import argparse, sys; from migrator.rewrite import cli; p = argparse.ArgumentParser();"
        "cli.add_arguments(p); sys.exit(cli.run(p.parse_args()))"
    )
    return [sys.executable, "-c", code, *arguments]


def test_filter_as_a_process(tmp_path: Path) -> None:
    """Dump on stdout, one line about it on stderr, the report in its file."""
    path = tmp_path / "report.json"
    done = subprocess.run(
        command("--from", SOURCE, "--to", TARGET, "--report", str(path)),
        input=DUMP,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout == rewrite(DUMP)[0]
    assert done.stderr.startswith(b"rewrite: 6 replaced in 4 values, 1 broken, 7 left, ")
    assert json.loads(path.read_text())["replacements"]["total"] == 6


def test_reader_that_goes_away_ends_the_filter() -> None:
    """`... | head -1` is no crash."""
    with subprocess.Popen(
        command("--from", SOURCE, "--to", TARGET),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stdin
        process.stdout.close()
        process.stdin.write(DUMP)
        process.stdin.close()
        assert process.wait(30) == cli.EXIT_BROKEN_PIPE


@pytest.mark.parametrize(
    "arguments",
    [["--from", SOURCE, "--from", "https://x.example", "--to", TARGET],
     ["--from", "site.dev", "--to", TARGET]],
)  # fmt: skip
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    assert cli.run(parser.parse_args(arguments)) == cli.EXIT_USAGE
    assert capsys.readouterr().err.startswith("rewrite: ")


def test_change_of_scheme_in_serialized_data_leaves_nothing_over() -> None:
    """One address replaced with its scheme is no leftover of the value's other, foreign one."""
    row = b"('a:1:{i:0;s:42:\\\"https://site.dev/x https://site.dev:8443/y/ab\\\";}')"
    row = row.replace(b"s:42", b"s:%d" % len(b"https://site.dev/x https://site.dev:8443/y/ab"))
    got, report = rewrite(b"-- MySQL dump\nINSERT INTO t VALUES " + row + b";\n",
                          target="http://new.example")  # fmt: skip
    assert b'"http://new.example/x https://site.dev:8443/y/ab' in got.replace(b"\\", b"")
    assert report.broken_count == 0
    assert report.replacements == report.leftovers.total() == 1
