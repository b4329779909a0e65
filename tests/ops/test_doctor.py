"""`sitefleet doctor`: verdicts over made evidence, and what stands where nothing can be read."""

from __future__ import annotations

import pytest

from ops.doctor import (
    containers,
    database,
    health,
    metrics,
    monitoring,
    network,
    storage,
    traffic,
)
from ops.doctor.command import lines
from ops.doctor.model import Check, NotReadableError, Verdict, bad, good
from ops.doctor.running import CHECKS, examine, filled, result_of
from ops.errors import ExitCode
from ops.reading import Unknown

PASS, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN
DATABASE = {
    "kind": "cluster",
    "status": "available",
    "engine": "aurora-mysql 8.0",
    "encrypted": True,
    "retentionDays": 7,
    "window": "01:00-02:00",
}
CACHE = {
    "CacheClusterStatus": "available",
    "Engine": "redis",
    "EngineVersion": "7.1",
    "CacheNodes": [{"Endpoint": {"Address": "redis.internal"}}],
    "AtRestEncryptionEnabled": True,
    "TransitEncryptionEnabled": True,
}
VPC = {
    "vpc": "vpc-1",
    "state": ["available"],
    "subnets": [
        {"id": "subnet-1", "vpc": "vpc-1", "zone": "a"},
        {"id": "subnet-2", "vpc": "vpc-1", "zone": "b"},
    ],
}
QUEUE = {"consumer": "Enabled", "visible": 3, "redrive": True}
JOB = {
    "family": "bbws-wp-migrator-sit",
    "status": "ACTIVE",
    "networkMode": "awsvpc",
    "taskRoleArn": "arn:role",
    "executionRoleArn": "arn:role",
    "cpu": "1024",
    "memory": "4096",
    "images": ["repository@sha256:aa"],
}
POINT = {"state": "available", "root": "/tenant-1/abc/r1", "user": 33, "tenant": "tenant-1"}
POINTS = {"points": {"fsap-1": POINT}, "live": {"tenant-1/site-1": "fsap-1"}}
SERVICE = {"status": "ACTIVE", "desired": 2, "running": 2}
ALARM = {"state": "OK", "actions": True}


def instances(environment="prod", status="available", *, multi=False, **zones):
    found = {
        name: {"status": status, "zone": zone, "multiZone": multi} for name, zone in zones.items()
    }
    return {"environment": environment, "instances": found}


LATENCY, FAILED = metrics.THRESHOLDS["8.7"], metrics.THRESHOLDS["8.5"]


def latency(evidence):
    return metrics.judge_metric(LATENCY, evidence)


def failures(evidence):
    return metrics.judge_metric(FAILED, evidence)


def errors(evidence):
    return metrics.judge_metric(metrics.THRESHOLDS["8.9"], evidence)


def values(*found, incomplete=(), witnessed=True):
    return {"values": list(found), "incomplete": list(incomplete), "witnessed": witnessed}


def without(evidence, **changes):
    return {**evidence, **changes}


CASES = [
    # --- 8.1 to 8.11
    (health.judge_functions, {"a": "Active", "b": "Active"}, PASS, "2 functions"),
    (health.judge_functions, {"a": "Active", "b": "Failed"}, FAIL, "b is Failed"),
    (health.judge_functions, {"a": "Active", "b": {"why": "no permission"}}, UNKNOWN, "b: no perm"),
    (health.judge_functions, {"a": "Failed", "b": {"why": "no permission"}}, FAIL, "a is Failed"),
    (health.judge_consumers, {"q": QUEUE}, PASS, "3 messages wait"),
    (health.judge_consumers, {"q": without(QUEUE, consumer="Disabled")}, FAIL, "is Disabled"),
    (health.judge_consumers, {"q": without(QUEUE, consumer=None)}, FAIL, "is missing"),
    (health.judge_consumers, {"q": without(QUEUE, redrive=False)}, FAIL, "no dead-letter queue"),
    (health.judge_consumers, {"q": {"consumer": "Enabled", "why": "gone"}}, UNKNOWN, "q: gone"),
    (health.judge_dead_letters, {"q": {"visible": 0}}, PASS, "no dead letters"),
    (health.judge_dead_letters, {"q": {"visible": 2}, "r": {"why": "x"}}, FAIL, "q: 2"),
    (health.judge_dead_letters, {"q": {"visible": 0}, "r": {"why": "x"}}, UNKNOWN, "r: x"),
    (health.judge_ringing, {"a": ALARM}, PASS, "none of 1 alarms"),
    (health.judge_ringing, {"a": without(ALARM, state="ALARM")}, FAIL, "in ALARM: a"),
    (health.judge_ringing, {}, UNKNOWN, "no alarms that could ring"),
    (health.judge_dashboard, {"wanted": "d", "found": ["d"]}, PASS, "d"),
    (health.judge_dashboard, {"wanted": "d", "found": []}, FAIL, "d is not there"),
    (failures, values(), PASS, "no SiteCreationFailed in 15 min"),
    (failures, values(witnessed=False), UNKNOWN, "nothing was measured in 15 min"),
    (errors, values(), UNKNOWN, "nothing was measured in 5 min"),
    (errors, values(0.0, 9.0), PASS, "Errors 9 in 5 min, limit 10"),
    (errors, values(5.0, 5.0), FAIL, "Errors 10 in 5 min"),
    (failures, values(2, 2), PASS, "4 in 15 min, limit 5"),
    (failures, values(3, 2), FAIL, "5 in 15 min, limit 5"),
    (failures, values(incomplete=["PartialData"]), UNKNOWN, "PartialData"),
    (latency, values(), UNKNOWN, "nothing was measured in 60 min"),
    (latency, values(4999.0), PASS, "4999 ms"),
    (latency, values(10.0, 5000.0), FAIL, "5000 ms"),
    # --- 1 to 3, 24
    (network.judge_vpc, VPC, PASS, "subnets in a, b"),
    (network.judge_vpc, without(VPC, state=["pending"]), FAIL, "vpc-1 is not available"),
    (network.judge_vpc, without(VPC, subnets=VPC["subnets"][:1]), FAIL, "all subnets are in a"),
    (network.judge_vpc, without(VPC, vpc="vpc-2"), FAIL, "not in vpc-2: subnet-1, subnet-2"),
    (network.judge_way_out, {"gateways": {"nat-1": "available"}, "endpoints": []}, PASS, "nat-1"),
    (network.judge_way_out, {"gateways": {"nat-1": "failed"}, "endpoints": []}, FAIL, "no NAT"),
    (
        network.judge_way_out,
        {"gateways": {}, "endpoints": [f"com.amazonaws.x.{n}" for n in network.ENDPOINTS]},
        PASS,
        "endpoints for everything",
    ),
    (network.judge_groups, {"vpc": "v", "wanted": ["a"], "found": {"a": "v"}}, PASS, "a"),
    (network.judge_groups, {"vpc": "v", "wanted": ["a"], "found": {}}, FAIL, "not there: a"),
    (network.judge_groups, {"vpc": "v", "wanted": ["a"], "found": {"a": "w"}}, FAIL, "not in v: a"),
    (network.judge_tenant_groups, {"groups": {"g": "t"}, "tenants": {"t": "g"}}, PASS, "1 tenants"),
    (network.judge_tenant_groups, {"groups": {}, "tenants": {"t": "g"}}, FAIL, "t has no group g"),
    (
        network.judge_tenant_groups,
        {"groups": {"g": "u"}, "tenants": {"t": "g"}},
        FAIL,
        "g is tagged Tenant=u",
    ),
    # --- 4 to 12
    (database.judge_database, DATABASE, PASS, "aurora-mysql 8.0"),
    (database.judge_database, without(DATABASE, status="stopped"), FAIL, "cluster is stopped"),
    (database.judge_database, without(DATABASE, status=None), FAIL, "not there"),
    (database.judge_instances, instances(i="a", j="b"), PASS, "i, j available, in a, b"),
    (database.judge_instances, instances(i="a"), FAIL, "all of it is in a"),
    (database.judge_instances, instances("sit", i="a"), PASS, "i available, in a"),
    (database.judge_instances, instances(multi=True, i="a"), PASS, "i available"),
    (
        database.judge_instances,
        instances(status="rebooting", i="a", j="b"),
        FAIL,
        "i is rebooting; j is rebooting",
    ),
    (database.judge_instances, instances(), FAIL, "no instance"),
    (database.judge_encryption, DATABASE, PASS, "encrypted"),
    (database.judge_encryption, without(DATABASE, encrypted=False), FAIL, "not encrypted"),
    (database.judge_backups, DATABASE, PASS, "7 days"),
    (database.judge_backups, without(DATABASE, retentionDays=0), FAIL, "are off"),
    (database.judge_secret, {"name": "s", "deleted": False}, PASS, "value was not read"),
    (database.judge_secret, {"name": "s", "deleted": True}, FAIL, "marked for deletion"),
    (database.judge_cache, {"name": "c", "found": CACHE}, PASS, "redis 7.1"),
    (database.judge_cache, {"name": "c", "found": None}, UNKNOWN, "no cache cluster c"),
    (
        database.judge_cache,
        {"name": "c", "found": without(CACHE, CacheClusterStatus="modifying")},
        FAIL,
        "c is modifying",
    ),
    (database.judge_cache_endpoint, {"name": "c", "found": CACHE}, PASS, "redis.internal"),
    (
        database.judge_cache_endpoint,
        {"name": "c", "found": without(CACHE, CacheNodes=[{}])},
        FAIL,
        "no node",
    ),
    (database.judge_cache_encryption, {"name": "c", "found": CACHE}, PASS, "in transit"),
    (
        database.judge_cache_encryption,
        {"name": "c", "found": without(CACHE, TransitEncryptionEnabled=False)},
        FAIL,
        "not encrypted in transit",
    ),
    # --- 13 to 15, 25
    (
        storage.judge_file_system,
        {"id": "fs-1", "state": "available", "encrypted": True, "modes": "x"},
        PASS,
        "fs-1 available",
    ),
    (
        storage.judge_file_system,
        {"id": "fs-1", "state": "available", "encrypted": False, "modes": "x"},
        FAIL,
        "fs-1 is not encrypted",
    ),
    (
        storage.judge_mount_targets,
        {"m": {"state": "available", "zone": "a"}, "n": {"state": "available", "zone": "b"}},
        PASS,
        "in a, b",
    ),
    (storage.judge_mount_targets, {"m": {"state": "available", "zone": "a"}}, FAIL, "in a only"),
    (storage.judge_mount_targets, {}, FAIL, "in no zone only"),
    (storage.judge_access_points, POINTS, PASS, "1 of live releases"),
    (
        storage.judge_access_points,
        without(POINTS, live={"tenant-1/site-1": "fsap-9"}),
        FAIL,
        "needs fsap-9, which is not there",
    ),
    (
        storage.judge_access_points,
        without(POINTS, points={"fsap-1": without(POINT, state="error")}),
        FAIL,
        "fsap-1 is error",
    ),
    (storage.judge_tenants_points, POINTS, PASS, "1 access points of 1 tenants"),
    *[
        (
            storage.judge_tenants_points,
            without(POINTS, points={"fsap-1": without(POINT, **change)}),
            FAIL,
            said,
        )
        for change, said in (
            ({"tenant": None}, "no Tenant tag"),
            ({"tenant": "tenant-10"}, "of tenant-10 is rooted at /tenant-1/abc/r1"),
            ({"tenant": "tenant"}, "of tenant is rooted at /tenant-1/abc/r1"),
            ({"user": 0}, "acts as uid 0"),
        )
    ],
    # --- 16 to 19
    (containers.judge_cluster, {"name": "c", "status": "ACTIVE"}, PASS, "c is ACTIVE"),
    (containers.judge_cluster, {"name": "c", "status": None}, FAIL, "c is not there"),
    (containers.judge_services, {"s": SERVICE}, PASS, "1 services"),
    (containers.judge_services, {"s": without(SERVICE, status="DRAINING")}, FAIL, "DRAINING"),
    (containers.judge_tasks, {"s": SERVICE}, PASS, "2 tasks"),
    (containers.judge_tasks, {"s": without(SERVICE, running=1)}, FAIL, "s runs 1 of 2"),
    (containers.judge_task_definition, JOB, PASS, "4096 MiB"),
    (containers.judge_task_definition, without(JOB, status="INACTIVE"), FAIL, "not ACTIVE"),
    (containers.judge_task_definition, without(JOB, taskRoleArn=None), FAIL, "no taskRoleArn"),
    (containers.judge_task_definition, without(JOB, networkMode="bridge"), FAIL, "bridge"),
    (containers.judge_task_definition, without(JOB, images=["x:latest"]), FAIL, "x:latest"),
    # --- 20 to 22
    (
        traffic.judge_load_balancer,
        {"name": "alb", "state": "active", "scheme": "internal", "dns": "d"},
        PASS,
        "alb active",
    ),
    (
        traffic.judge_load_balancer,
        {"name": "alb", "state": "active", "scheme": "internet-facing", "dns": "d"},
        FAIL,
        "internet-facing",
    ),
    (traffic.judge_target_groups, {"t": {"path": "/", "checked": True}}, PASS, "1 target groups"),
    (traffic.judge_target_groups, {}, UNKNOWN, "there is none"),
    (traffic.judge_target_groups, {"t": {"path": None, "checked": True}}, FAIL, "no health check"),
    (traffic.judge_health, {"groups": {"t": ["healthy"]}, "live": {"s": "t"}}, PASS, "1 live"),
    (traffic.judge_health, {"groups": {"t": []}, "live": {"s": "t"}}, FAIL, "s has no healthy"),
    (traffic.judge_health, {"groups": {}, "live": {"s": "t"}}, FAIL, "s has no healthy"),
    (traffic.judge_health, {"groups": {"t": ["unhealthy"]}, "live": {}}, FAIL, "unhealthy"),
    (traffic.judge_health, {"groups": {"kept": []}, "live": {}}, PASS, "0 live"),
    # --- 26 to 29
    (monitoring.judge_tenants, {"tenant-1": "ACTIVE"}, PASS, "1 tenants"),
    (monitoring.judge_tenants, {"tenant-1": None}, FAIL, "no record of tenant-1"),
    (monitoring.judge_log_groups, {"wanted": ["a"], "found": {"a": 90}}, PASS, "1 log groups"),
    (monitoring.judge_log_groups, {"wanted": ["a"], "found": {}}, FAIL, "not there: a"),
    (monitoring.judge_log_groups, {"wanted": ["a"], "found": {"a": None}}, FAIL, "for ever: a"),
    (monitoring.judge_alarms, {"a": ALARM}, PASS, "1 alarms"),
    (monitoring.judge_alarms, {}, FAIL, "there is no alarm"),
    (monitoring.judge_alarms, {"a": without(ALARM, actions=False)}, FAIL, "tell nobody: a"),
    (monitoring.judge_topic, {"topic": "t", "confirmed": 2, "pending": 0}, PASS, "2 subscriptions"),
    (monitoring.judge_topic, {"topic": "t", "confirmed": 0, "pending": 0}, FAIL, "nobody"),
    (monitoring.judge_topic, {"topic": "t", "confirmed": 1, "pending": 1}, FAIL, "confirmed"),
]


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
