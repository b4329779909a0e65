"""Validations 26 to 29: tenants' records, logs, alarms, and who hears of them."""

from __future__ import annotations

from typing import Final

from ops.deployed import FUNCTION_ROLES, function_name
from ops.doctor.health import read_alarms
from ops.doctor.model import Check, Evidence, Finding, bad, good, judged
from ops.doctor.sources import Sources, named


def read_tenants(sources: Sources) -> Evidence:
    """Read the record of every tenant that has a live site."""
    wanted = sorted({site.tenant_id for site in sources.live_sites})
    tenants = {name: sources.tenants.get(name) for name in wanted}
    return {name: tenant.status if tenant else None for name, tenant in tenants.items()}


def judge_tenants(evidence: Evidence) -> Finding:
    """Each has a record."""
    missing = [name for name, status in evidence.items() if status is None]
    problems = [f"no record of {named(missing)}"] if missing else []
    return judged(problems, f"{len(evidence)} tenants with live sites, each with its record")


def read_log_groups(sources: Sources) -> Evidence:
    """Read which log groups there are, and how long they keep lines."""
    environment = sources.environment
    wanted = [f"/aws/lambda/{function_name(environment, role)}" for role in FUNCTION_ROLES]
    wanted += [f"/aws/ecs/bbws-{environment}/{name}" for name in ("sites", "migrator")]
    prefixes = (f"/aws/lambda/{environment}-bbws-", f"/aws/ecs/bbws-{environment}/")
    found = {
        one["logGroupName"]: one.get("retentionInDays")
        for prefix in prefixes
        for one in sources.pages(
            "logs", "describe_log_groups", "logGroups", logGroupNamePrefix=prefix
        )
    }
    return {"wanted": wanted, "found": found}


def judge_log_groups(evidence: Evidence) -> Finding:
    """Those of functions, sites and jobs are there, and none keeps lines for ever."""
    missing = [name for name in evidence["wanted"] if name not in evidence["found"]]
    endless = [name for name, days in evidence["found"].items() if not days]
    problems = [f"not there: {named(missing)}"] if missing else []
    problems += [f"lines are kept for ever: {named(endless)}"] if endless else []
    return judged(problems, f"{len(evidence['found'])} log groups")


def judge_alarms(evidence: Evidence) -> Finding:
    """There are alarms, and each tells somebody."""
    if not evidence:
        return bad("there is no alarm bbws-wp-*")
    silent = [name for name, alarm in evidence.items() if not alarm["actions"]]
    problems = [f"tell nobody: {named(silent)}"] if silent else []
    return judged(problems, f"{len(evidence)} alarms, each with an action")


def read_topic(sources: Sources) -> Evidence:
    """Read who subscribes to the notifications."""
    arn = sources.setting("topic_arn")
    found = sources.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    return {
        "topic": arn.rpartition(":")[2],
        "confirmed": int(found.get("SubscriptionsConfirmed", 0)),
        "pending": int(found.get("SubscriptionsPending", 0)),
    }


def judge_topic(evidence: Evidence) -> Finding:
    """Somebody subscribes, and nobody has forgotten to confirm."""
    problems = [] if evidence["confirmed"] else [f"nobody subscribes to {evidence['topic']}"]
    if evidence["pending"]:
        problems.append(f"{evidence['pending']} subscriptions were never confirmed")
    if problems:
        return bad("; ".join(problems))
    return good(f"{evidence['topic']} has {evidence['confirmed']} subscriptions")


CHECKS: Final = (
    Check(
        number="26",
        title="tenants' records",
        read=read_tenants,
        judge=judge_tenants,
        fix="sitefleet tenants show <tenantId> --env {environment}",
    ),
    Check(
        number="27",
        title="log groups",
        read=read_log_groups,
        judge=judge_log_groups,
        fix="aws logs put-retention-policy --retention-in-days 90 --log-group-name <group>",
    ),
    Check(
        number="28",
        title="alarms",
        read=read_alarms,
        judge=judge_alarms,
        fix="sam deploy --config-env {environment}",
    ),
    Check(
        number="29",
        title="notifications topic",
        read=read_topic,
        judge=judge_topic,
        fix="aws sns subscribe --topic-arn {topic_arn} --protocol email "
        "--notification-endpoint <address>",
    ),
)
