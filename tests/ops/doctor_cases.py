"""What `sitefleet doctor` judges: made evidence, the verdict on it, and what that says."""

from __future__ import annotations

from events.formats import Environment
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
from ops.doctor.model import Verdict

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
    "found": True,
    "status": "ACTIVE",
    "networkMode": "awsvpc",
    "taskRoleArn": "arn:role",
    "executionRoleArn": "arn:role",
    "cpu": "1024",
    "memory": "4096",
    "images": ["repository@sha256:aa"],
}
FILES = {"id": "fs-1", "state": "available", "encrypted": True, "modes": "x"}
POINT = {"state": "available", "root": "/tenant-1/abc/r1", "user": 33, "tenant": "tenant-1"}
POINTS = {"points": {"fsap-1": POINT}, "live": {"tenant-1/site-1": "fsap-1"}}
SERVICE = {"status": "ACTIVE", "desired": 2, "running": 2}
ALARM = {"state": "OK", "actions": True}
GONE = {"why": "no such thing", "absent": True}
OF_TENANT = {"environment": Environment.SIT, "tenants": {"t": "g"}}
HEARD = {"confirmed": 2, "pending": 0}


def instances(environment="prod", status="available", *, multi=False, **zones):
    found = {
        name: {"status": status, "zone": zone, "multiZone": multi} for name, zone in zones.items()
    }
    return {"environment": environment, "instances": found}


LATENCY, FAILED = metrics.THRESHOLDS["8.7"], metrics.THRESHOLDS["8.5"]


def alarms(wanted=("a",), **found):
    return {"wanted": wanted, "found": found}


def topics(must_be_heard=("a",), **read):
    arns = {name: f"arn:aws:sns:x:1:{name}" for name in read}
    return {"arns": arns, "mustBeHeard": must_be_heard, "topics": read}


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
    (health.judge_functions, {"a": "Active", "b": GONE}, FAIL, "b is not there"),
    (health.judge_consumers, {"q": QUEUE}, PASS, "3 messages wait"),
    (health.judge_consumers, {"q": without(QUEUE, consumer="Disabled")}, FAIL, "is Disabled"),
    (health.judge_consumers, {"q": without(QUEUE, consumer=None)}, FAIL, "is missing"),
    (health.judge_consumers, {"q": without(QUEUE, redrive=False)}, FAIL, "no dead-letter queue"),
    (health.judge_consumers, {"q": {"consumer": "Enabled", "why": "gone"}}, UNKNOWN, "q: gone"),
    (health.judge_consumers, {"q": {"consumer": None, **GONE}}, FAIL, "q is not there"),
    (health.judge_dead_letters, {"q": GONE, "r": {"visible": 0}}, FAIL, "q is not there"),
    (health.judge_dead_letters, {"q": {"visible": 0}}, PASS, "no dead letters"),
    (health.judge_dead_letters, {"q": {"visible": 2}, "r": {"why": "x"}}, FAIL, "q: 2"),
    (health.judge_dead_letters, {"q": {"visible": 0}, "r": {"why": "x"}}, UNKNOWN, "r: x"),
    (health.judge_ringing, alarms(a=ALARM), PASS, "none of 1 alarms"),
    (health.judge_ringing, alarms(a=without(ALARM, state="ALARM")), FAIL, "in ALARM: a"),
    (health.judge_ringing, alarms(), UNKNOWN, "no alarms that could ring"),
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
    *[
        (network.judge_tenant_groups, without(OF_TENANT, groups=groups), verdict, said)
        for groups, verdict, said in (
            ({"g": {"id": "sg-1", "tenant": "t"}}, PASS, "1 tenants"),
            ({}, FAIL, "t has no group g"),
            ({"g": {"id": "sg-1", "tenant": "u"}}, FAIL, "g is tagged Tenant=u"),
        )
    ],
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
    (storage.judge_file_system, FILES, PASS, "fs-1 available"),
    (storage.judge_file_system, without(FILES, encrypted=False), FAIL, "fs-1 is not encrypted"),
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
    (containers.judge_task_definition, {"family": "f", "found": False}, FAIL, "f is not there"),
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
    (monitoring.judge_alarms, alarms(a=ALARM), PASS, "1 alarms"),
    (monitoring.judge_alarms, alarms("ab", b=ALARM), FAIL, "1 of 2 not there: a"),
    (monitoring.judge_alarms, alarms(a=without(ALARM, actions=False)), FAIL, "tell nobody: a"),
    (monitoring.judge_topics, topics(a=HEARD), PASS, "a: 2 confirmed, 0 pending"),
    (monitoring.judge_topics, topics(a=without(HEARD, confirmed=0)), FAIL, "a: 0 confirmed"),
    (monitoring.judge_topics, topics((), a=without(HEARD, confirmed=0)), PASS, "a: 0 confirmed"),
    (monitoring.judge_topics, topics((), a=without(HEARD, pending=1)), FAIL, "1 pending"),
    (monitoring.judge_topics, topics(a=HEARD, b={"why": "denied"}), UNKNOWN, "b: denied"),
    (monitoring.judge_topics, topics(a=GONE, b=HEARD), FAIL, "a is not there"),
]
