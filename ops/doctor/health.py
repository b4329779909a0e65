"""Section 8 of the site management runbook: functions, queues, dead letters, alarms."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from ops.deployed import alarm_names
from ops.doctor.metrics import function_names, metric_check
from ops.doctor.model import (
    Check,
    Evidence,
    Finding,
    bad,
    doubtful,
    good,
    judged,
    judged_each,
    read_of,
    unread,
)
from ops.doctor.sources import Sources, named
from ops.reading import Unknown, attempt, read_parts
from ops.status.evidence import PREFIX, QUEUES

DEAD_LETTER_QUEUES: Final = ("operations-dlq", "undeliverable")


# --- functions ------------------------------------------------------------------------------


def read_functions(sources: Sources) -> Evidence:
    """Read the state of each function, and its consumer of a queue."""
    client, names = sources.client("lambda"), function_names(sources)
    parts = read_parts(
        {name: partial(client.get_function_configuration, FunctionName=name) for name in names}
    )
    return {name: _state(part) for name, part in parts.items()}


def judge_functions(evidence: Evidence) -> Finding:
    """Every function is Active."""
    states = read_of(evidence)
    others = [f"{name} is {state}" for name, state in states.items() if state != "Active"]
    return judged_each(evidence, others, f"{len(evidence)} functions are Active")


def read_consumers(sources: Sources) -> Evidence:
    """Read which queue each function consumes, and whether it does."""
    mappings = sources.pages("lambda", "list_event_source_mappings", "EventSourceMappings")
    states = {m["EventSourceArn"].rpartition(":")[2]: m.get("State") for m in mappings}
    ours = {f"{PREFIX}{name}-{sources.environment}" for name in QUEUES} - {
        f"{PREFIX}{name}-{sources.environment}" for name in DEAD_LETTER_QUEUES
    }
    depths = {name: _depth(sources, name) for name in sorted(ours)}
    return {name: {"consumer": states.get(name), **depth} for name, depth in depths.items()}


def judge_consumers(evidence: Evidence) -> Finding:
    """Each queue is there, moves what keeps failing away, and is consumed."""
    problems = []
    for name, one in read_of(evidence).items():
        if one["consumer"] != "Enabled":
            problems.append(f"{name}: its consumer is {one['consumer'] or 'missing'}")
        if not one["redrive"]:
            problems.append(f"{name}: it has no dead-letter queue")
    waiting = sum(one["visible"] for one in read_of(evidence).values())
    told = f"{len(evidence)} queues are consumed; {waiting} messages wait"
    return judged_each(evidence, problems, told)


def read_dead_letters(sources: Sources) -> Evidence:
    """Read how many dead letters there are."""
    names = [f"{PREFIX}{name}-{sources.environment}" for name in DEAD_LETTER_QUEUES]
    return {name: _depth(sources, name) for name in names}


def judge_dead_letters(evidence: Evidence) -> Finding:
    """There are none."""
    counts = {name: one["visible"] for name, one in read_of(evidence).items()}
    full = [f"{name}: {visible}" for name, visible in counts.items() if visible]
    return judged_each(evidence, full, "no dead letters")


# --- alarms and dashboard -------------------------------------------------------------------


def read_alarms(sources: Sources) -> Evidence:
    """Read the fleet's alarms, and which the stack makes."""
    return {
        "wanted": alarm_names(sources.environment, one_machine=sources.one_machine),
        "found": {
            alarm["AlarmName"]: {
                "state": alarm.get("StateValue"),
                "actions": bool(alarm.get("AlarmActions")) and alarm.get("ActionsEnabled", True),
            }
            for alarm in sources.alarms
        },
    }


def judge_ringing(evidence: Evidence) -> Finding:
    """No alarm rings."""
    alarms = evidence["found"]
    ringing = [name for name, alarm in alarms.items() if alarm["state"] == "ALARM"]
    if ringing:
        return bad(f"in ALARM: {named(ringing)}")
    if not alarms:
        return doubtful("there are no alarms that could ring; see check 28")
    return good(f"none of {len(alarms)} alarms is in ALARM")


def read_dashboard(sources: Sources) -> Evidence:
    """Read whether the dashboard is there."""
    name = f"bbws-wp-site-management-{sources.environment}"
    found = sources.pages(
        "cloudwatch", "list_dashboards", "DashboardEntries", DashboardNamePrefix=name
    )
    return {"wanted": name, "found": [entry["DashboardName"] for entry in found]}


def judge_dashboard(evidence: Evidence) -> Finding:
    """It is there."""
    wanted = evidence["wanted"]
    return judged([] if wanted in evidence["found"] else [f"{wanted} is not there"], f"{wanted}")


# --- inside ---------------------------------------------------------------------------------


def _depth(sources: Sources, name: str) -> dict[str, Any]:
    sqs = sources.client("sqs")
    found = attempt(
        lambda: sqs.get_queue_attributes(
            QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], AttributeNames=["All"]
        )["Attributes"]
    )
    if isinstance(found, Unknown):
        return unread(found)
    return {
        "visible": int(found["ApproximateNumberOfMessages"]),
        "redrive": bool(found.get("RedrivePolicy")),
    }


def _state(part: Any) -> Any:
    if isinstance(part, Unknown):
        return unread(part)
    return part.get("State") or {"why": "its State is not told"}


CHECKS: Final = (
    Check(
        number="8.1",
        title="functions are Active",
        read=read_functions,
        judge=judge_functions,
        fix="sam deploy --config-env {environment}",
    ),
    Check(
        number="8.2",
        title="queues are consumed",
        read=read_consumers,
        judge=judge_consumers,
        fix="sam deploy --config-env {environment}",
    ),
    Check(
        number="8.3",
        title="no dead letters",
        read=read_dead_letters,
        judge=judge_dead_letters,
        fix="sitefleet dlq list --env {environment}",
    ),
    Check(
        number="8.4",
        title="no alarm rings",
        read=read_alarms,
        judge=judge_ringing,
        fix="aws cloudwatch describe-alarms --state-value ALARM --alarm-name-prefix bbws-wp-",
    ),
    metric_check("8.5", "creations fail rarely"),
    metric_check("8.6", "creations are quick (p95)"),
    metric_check("8.7", "WordPress answers quickly (p95)"),
    metric_check("8.8", "the sweeper counts no dead letters"),
    metric_check("8.9", "functions fail rarely"),
    metric_check("8.10", "functions are not throttled"),
    Check(
        number="8.11",
        title="the dashboard is there",
        read=read_dashboard,
        judge=judge_dashboard,
        fix="sam deploy --config-env {environment}",
    ),
)
"""Section 8 of the runbook, in its order."""
