"""The last lines of `sitefleet trace`: commands that ask every log for the request's lines."""

from __future__ import annotations

import re
import subprocess

import jmespath
import pytest

from events.vocabulary import OperationType
from tests.ops.records import COMPLETED, DONE_ALL, ID, operation

CORRELATION = operation().correlation_id
AWS = """
aws() { printf 'aws'; printf ' <%s>' "$@"; printf '\\n'; } >&2
sitefleet() { :; }; sleep() { :; }
"""
"""Stands before printed commands: what is asked of AWS, word by word."""


@pytest.fixture(autouse=True)
def _sit(monkeypatch):
    monkeypatch.setenv("SITEFLEET_ENV", "sit")


@pytest.fixture
def promoted(cloud):
    cloud.store(COMPLETED, *DONE_ALL)


def more(answer):
    return [line.strip() for line in answer.out.split("more:\n")[1].splitlines()]


def bash(text, *options):
    return subprocess.run(
        ["bash", *options, "-c", text], check=False, capture_output=True, text=True
    )


def test_every_command_that_shows_more_is_one(promoted, sitefleet):
    lines = more(sitefleet("trace", CORRELATION))
    assert f"sitefleet operations show {ID} --env sit" in lines
    assert [bash(line, "-n").stderr for line in lines] == [""] * len(lines)


def test_the_commands_ask_every_log_for_the_lines_of_the_request(promoted, sitefleet):
    asked = bash(AWS + "\n".join(more(sitefleet("trace", CORRELATION)))).stderr.splitlines()
    own, printed, source, printed_too = asked
    assert f'correlationId = "{CORRELATION}" | sort @timestamp>' in own
    groups = own.partition("<--log-group-names> ")[2].partition(" <--query>")[0].split()
    functions = ("creation", "update", "deletion", "promotion", "wakeup", "sweeper", "notifier")
    assert groups == [
        *(
            f"</aws/lambda/sit-bbws-async-processor-{name}>"
            for name in (*functions, "mailer", "dlq-replayer")
        ),
        "</aws/ecs/bbws-sit/migrator>",
    ]
    assert "<--log-group-names> </aws/ecs/bbws-dev/export> <--query>" in source
    assert "<get-query-results>" in printed
    assert printed == printed_too


def test_the_answer_of_a_query_is_printed_line_by_line(promoted, sitefleet):
    line = more(sitefleet("trace", CORRELATION))[-1]
    [expression] = re.findall(r"--query \"(.+?)\"", line)
    rows = [[("@timestamp", "08:00"), ("event", "begun"), ("@ptr", "x")], [("event", "done")]]
    results = [[{"field": name, "value": value} for name, value in row] for row in rows]
    assert jmespath.search(expression, {"results": results}) == [["08:00", "begun"], ["done"]]


def test_a_request_that_ran_in_no_other_account_names_none(cloud, sitefleet):
    cloud.store(operation(operation_type=OperationType.SITE_UPDATE))
    lines = more(sitefleet("trace", CORRELATION))
    assert sum("start-query" in line for line in lines) == 1
    assert not [line for line in lines if "account" in line]
