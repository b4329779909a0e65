"""`sitefleet doctor`: verdicts over made evidence, and what stands where nothing can be read."""

from __future__ import annotations

import re
import shlex

import pytest
import typer

from events.formats import Environment
from ops.cli import app
from ops.doctor import database, metrics, network
from ops.doctor.command import lines
from ops.doctor.model import Check, NotReadableError, bad, good
from ops.doctor.running import CHECKS, examine, filled, result_of
from ops.errors import ExitCode
from ops.reading import Unknown
from tests.ops.doctor_cases import CASES, DATABASE, FAIL, PASS, UNKNOWN


@pytest.mark.parametrize(("judge", "evidence", "verdict", "said"), CASES)
def test_verdicts(judge, evidence, verdict, said):
    finding = judge(evidence)
    assert finding.verdict is verdict
    assert said in finding.found


def test_every_check_that_reads_has_a_case_for_passing_and_for_failing():
    judged = {(judge, verdict) for judge, _, verdict, _ in CASES}
    named = {getattr(check.judge, "func", check.judge) for check in CHECKS if check.judge}
    of_metrics = {metrics.judge_metric}
    missing = [
        (judge.__name__, verdict)
        for judge in named - of_metrics
        for verdict in (PASS, FAIL)
        if (judge, verdict) not in judged
    ]
    assert missing == []


def test_the_checks_are_those_of_the_two_documents():
    numbers = [check.number for check in CHECKS]
    assert numbers == [f"8.{n}" for n in range(1, 12)] + [str(n) for n in range(1, 30)]
    assert [c.number for c in CHECKS if c.read is None] == ["9", "23"]
    assert all(check.instead for check in CHECKS if check.read is None)
    assert all(check.fix for check in CHECKS)


# --- running --------------------------------------------------------------------------------

CHECK = Check(number="1", title="a thing", fix="mend {thing} of {environment}", judge=good)


class NoSources:
    environment = "sit"

    def settings(self):
        return {"thing": "vpc-1"}


def run(read, judge):
    check = Check(number="1", title="a thing", fix=CHECK.fix, read=read, judge=judge)
    [result] = examine(NoSources(), [check])
    return result


def test_a_pass_needs_no_command_and_a_fail_has_one_with_names_filled_in():
    assert run(lambda _: {}, lambda _: good("fine")).fix == ""
    assert run(lambda _: {}, lambda _: bad("torn")).fix == "mend vpc-1 of sit"
    assert run(lambda _: {}, lambda _: bad("torn", "sew {what}")).fix == "sew <what>"


def test_what_cannot_be_read_or_judged_is_unknown_and_never_passes():
    def refused(_):
        raise NotReadableError("the stack was deployed without vpc_id")

    result = run(refused, lambda _: good("fine"))
    assert (result.verdict, result.found) == (UNKNOWN, "the stack was deployed without vpc_id")
    assert run(lambda _: {}, lambda evidence: good(evidence["absent"])).verdict is UNKNOWN
    assert result_of(CHECK, Unknown(why="no permission for X"), {}).found == "no permission for X"


def test_what_aws_says_is_not_there_fails_and_names_the_command():
    gone = Unknown(why="DescribeX: XNotFound X 1 does not exist", absent=True)
    result = result_of(CHECK, gone, {"thing": "x-1", "environment": "sit"})
    assert (result.verdict, result.found) == (FAIL, f"not there: {gone.why}")
    assert result.fix == "mend x-1 of sit"


def test_one_reading_serves_several_checks():
    reads = []

    def read(_):
        reads.append(1)
        return {}

    checks = [
        Check(number=n, title="t", fix="f", read=read, judge=lambda _: good("fine")) for n in "12"
    ]
    assert len(examine(NoSources(), checks)) == 2
    assert reads == [1]


def test_the_table_ends_with_the_commands_and_the_count():
    results = [
        run(lambda _: {}, lambda _: good("fine")),
        run(lambda _: {}, lambda _: bad("torn " * 60)),
    ]
    told = [line.text for line in lines(results)]
    assert told[0].split() == ["CHECK", "WHAT", "VERDICT", "FOUND"]
    assert told[2].endswith("...")
    assert told[-4:] == [
        "What helps where it failed",
        "  1     mend vpc-1 of sit",
        "",
        "1 pass, 1 fail, 0 unknown",
    ]


def test_braces_of_a_command_are_names_of_settings():
    for check in CHECKS:
        assert filled(check.fix, {})
    assert filled("mend {thing} of {other}", {"thing": "", "other": "b"}) == "mend <thing> of b"


# --- the commands that help -----------------------------------------------------------------

FOUND = [judge(evidence).fix for judge, evidence, _, _ in CASES]
FIXES = {*(check.fix for check in CHECKS), *filter(None, FOUND)}
VALUES = {"env": "sit", "number": "1"}
"""Of the placeholders that have to be something else than a text."""


def typed(fix):
    """Resolve a command as typing it would, up to where it would run; return its parameters."""
    line = filled(fix, {"environment": "sit"})
    given = re.sub(r"<(\w+)>", lambda name: VALUES.get(name[1], "text"), line)
    name, *words = shlex.split(given)
    command, ctx = typer.main.get_command(app), None
    while hasattr(command, "resolve_command"):
        ctx = typer.Context(command, info_name=name, parent=ctx)
        name, command, words = command.resolve_command(ctx, words)
    return command.make_context(name, words, parent=ctx).params


UsageError = typer.BadParameter.__base__


@pytest.mark.parametrize("fix", sorted(fix for fix in FIXES if fix.startswith("sitefleet")))
def test_our_own_commands_can_be_typed(fix):
    assert typed(fix)


@pytest.mark.parametrize(
    "fix",
    [
        "sitefleet tenants show <tenantId> --env {environment}",
        "sitefleet tenants onboard --tenant-id <tenantId>",
        "sitefleet sites fly <siteId>",
        "sitefleet dlq list --fly",
        "sitefleet sites show <siteId> --env <siteId>",
    ],
)
def test_a_command_that_cannot_be_typed_is_noticed(fix):
    with pytest.raises(UsageError):
        typed(fix)


def test_the_command_fits_what_was_found():
    helps = {check.number: check.fix for check in CHECKS}
    assert helps["8.8"] == helps["8.3"] == "sitefleet dlq list --env {environment}"
    assert helps["8.4"].startswith("aws cloudwatch describe-alarms --state-value ALARM")
    assert helps["8.9"].startswith("aws logs tail /aws/lambda/{environment}-")
    assert helps["8.10"].startswith("aws lambda get-function-concurrency ")


@pytest.mark.parametrize(
    ("judge", "wrong"),
    [
        (database.judge_database, {"status": "stopped"}),
        (database.judge_encryption, {"encrypted": False}),
        (database.judge_backups, {"retentionDays": 0}),
    ],
)
def test_a_database_is_mended_as_the_cluster_or_the_instance_that_it_is(judge, wrong):
    of_cluster = judge({**DATABASE, **wrong}).fix
    assert "db-cluster" in of_cluster
    of_instance = judge({**DATABASE, **wrong, "kind": "instance"}).fix
    assert "cluster" not in of_instance
    known = {"database_instance": "bbws-mysql-sit", "database_cluster": ""}
    assert ("bbws-mysql-sit" in filled(of_instance, known)) is ("{" in of_instance)


@pytest.mark.parametrize("environment", Environment)
def test_a_lost_group_of_a_tenant_comes_with_a_release_and_a_wrong_tag_is_set(environment):
    tenant = {"environment": environment, "tenants": {"tenant-1": "g"}}
    lost = network.judge_tenant_groups({**tenant, "groups": {}}).fix
    assert typed(lost)["tenant_id"] == "tenant-1"
    assert lost.endswith("--env dev") or f"--target {environment}" in lost
    wrong = {**tenant, "groups": {"g": {"id": "sg-1", "tenant": None}}}
    assert network.judge_tenant_groups(wrong).fix == (
        "aws ec2 create-tags --resources sg-1 --tags Key=Tenant,Value=tenant-1"
    )


# --- the command ----------------------------------------------------------------------------


def test_an_account_without_a_stack_passes_almost_nothing(cloud, sitefleet):
    """Everything that rests on the stack's settings is unknown, with the reason."""
    answer = sitefleet("doctor", "--env", "sit", "--json")
    assert answer.code == ExitCode.UNEXPECTED
    checks = {one["number"]: one for one in answer.json["checks"]}
    assert list(checks) == [check.number for check in CHECKS]
    assert {n for n, one in checks.items() if one["verdict"] == "pass"} <= {"8.3", "26"}
    assert checks["8.2"]["verdict"] == "fail"
    for number in ("8.5", "8.6", "8.9", "8.10"):
        assert checks[number]["found"].startswith("nothing was measured")
    for number in ("1", "4", "13", "16", "20", "29"):
        assert checks[number]["verdict"] == "unknown"
        assert "settings cannot be read" in checks[number]["found"]
    assert "Instead: a mysql client" not in checks["23"]["found"]
    assert "mysql client" in checks["9"]["found"]
    assert answer.json["counts"]["fail"] == sum(o["verdict"] == "fail" for o in checks.values())


def test_dead_letters_fail_and_name_the_command(cloud, sitefleet):
    cloud.sqs.send_message(QueueUrl=cloud.queue_url("site-operations-dlq"), MessageBody="{}")
    answer = sitefleet("doctor", "--env", "sit")
    assert answer.code == ExitCode.UNEXPECTED
    [line] = [line for line in answer.out.splitlines() if line.startswith("8.3 ")]
    assert line.split()[-3:] == ["fail", "bbws-wp-site-operations-dlq-sit:", "1"]
    assert "  8.3   sitefleet dlq list --env sit" in answer.out.splitlines()
