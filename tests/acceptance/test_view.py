"""How the fleet is, asked of the real machine by the commands that an operator types."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.machine
CHECKOUT = Path(__file__).resolve().parents[2]
BROKEN_ON_PURPOSE = {"8.3", "8.4", "8.5", "8.8", "8.9", "8.10"}
"""By other scenarios of this run: dead letters, failed creations."""
READ = {
    *("8.1", "8.2", "8.3", "1", "2", "3", "4", "5", "6", "7", "8", "13", "14", "15", "16", "17"),
    *("18", "19", "20", "21", "22", "24", "25", "26", "27", "29"),
}
"""The checks that the machine has something to read for."""


@pytest.fixture(scope="module")
def sitefleet(home, story):
    """Run the command line as a person types it; return its exit code and its JSON."""

    def run(*arguments):
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SITEFLEET_"))}
        finished = subprocess.run(
            [sys.executable, "-c", "from ops.cli import main; main()", *arguments, "--json"],
            cwd=CHECKOUT,
            env={**environ, "SITEFLEET_HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.stdout, finished.stderr
        return finished.returncode, json.loads(finished.stdout)

    return run


def test_status_reads_everything_in_every_environment(sitefleet, story):
    code, document = sitefleet("status")
    assert code == 0
    environments = {one["environment"]: one for one in document["environments"]}
    assert list(environments) == ["dev", "sit", "prod"]
    for one in environments.values():
        assert [name for name, depth in one["queues"].items() if "unknown" in depth] == []
        assert "unknown" not in one["operations"]
        assert isinstance(one["deadLetters"], list)
        assert isinstance(one["notifications"], list)
    assert environments["dev"]["operations"]["byStatus"]["COMPLETED"] >= 1
    assert environments["sit"]["notifications"]


def test_trace_follows_a_request_from_its_sending_to_its_mail(sitefleet, story):
    code, document = sitefleet("trace", story.created.request["correlationId"])
    assert code == 0
    [trace] = document["traces"]
    assert (trace["environment"], trace["notRead"]) == ("dev", [])
    kinds = {entry["kind"] for entry in trace["entries"]}
    assert kinds >= {"sent", "accepted", "step", "job", "ended", "announced", "mail"}
    jobs = [entry for entry in trace["entries"] if entry["kind"] == "job"]
    assert all(job["seconds"] > 0 for job in jobs)
    steps = [entry for entry in trace["entries"] if entry["kind"] == "step"]
    assert {step["mark"] for step in steps} == {"done"}


def test_doctor_finds_the_machine_well(sitefleet, story):
    _, document = sitefleet("doctor", "--env", "dev")
    checks = {one["number"]: one for one in document["checks"]}
    unread = {n: checks[n]["found"] for n in READ if checks[n]["verdict"] == "unknown"}
    assert unread == {}
    failed = {n: one["found"] for n, one in checks.items() if one["verdict"] == "fail"}
    assert {n: found for n, found in failed.items() if n not in BROKEN_ON_PURPOSE} == {}
