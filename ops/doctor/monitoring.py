"""Validations 26 to 29: tenants' records, logs, alarms, and who hears of them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from core.adapters.aws.errors import calling
from ops.deployed import FUNCTION_ROLES, function_name
from ops.doctor.health import read_alarms
from ops.doctor.model import Check, Evidence, Finding, judged, judged_each, read_of, unread
from ops.doctor.sources import Sources, named
from ops.reading import Unknown, read_parts
from ops.status.evidence import PREFIX, QUEUES

SUBSCRIBE: Final = (
    "aws sns subscribe --topic-arn {} --protocol email --notification-endpoint <address>"
)
"""For whoever never confirmed, too: it sends the mail with the link again."""


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
    """All that the stack makes are there, and each tells somebody."""
    wanted, found = evidence["wanted"], evidence["found"]
    missing = [name for name in wanted if name not in found]
    silent = [name for name, alarm in found.items() if not alarm["actions"]]
    problems = [f"{len(missing)} of {len(wanted)} not there: {named(missing)}"] if missing else []
    problems += [f"tell nobody: {named(silent)}"] if silent else []
    return judged(problems, f"{len(found)} alarms, each with an action")


def read_topics(sources: Sources) -> Evidence:
    """Count who hears the notifications and the alarms.

    Their addresses are personal: they are not kept as evidence, so nothing can print them.
    """
    notifications = sources.setting("topic_arn")
    alarming = _alarm_topics(sources, notifications)
    arns = {arn.rpartition(":")[2]: arn for arn in (*alarming, notifications)}
    parts = read_parts({name: partial(_subscriptions, sources, arn) for name, arn in arns.items()})
    return {
        "arns": arns,
        # On one machine nobody is there to be told.
        "mustBeHeard": [] if sources.one_machine else [arn.rpartition(":")[2] for arn in alarming],
        "topics": {
            name: unread(part) if isinstance(part, Unknown) else part
            for name, part in parts.items()
        },
    }


def judge_topics(evidence: Evidence) -> Finding:
    """Somebody hears the alarms, and nobody has forgotten to confirm."""
    topics = read_of(evidence["topics"])
    counts = {
        name: f"{name}: {one['confirmed']} confirmed, {one['pending']} pending"
        for name, one in topics.items()
    }
    unheard = [
        name
        for name, one in topics.items()
        if one["pending"] or (name in evidence["mustBeHeard"] and not one["confirmed"])
    ]
    found = judged_each(
        evidence["topics"], [counts[name] for name in unheard], "; ".join(counts.values())
    )
    return replace(found, fix=SUBSCRIBE.format(evidence["arns"][unheard[0]])) if unheard else found


# --- inside ---------------------------------------------------------------------------------


def _alarm_topics(sources: Sources, notifications: str) -> list[str]:
    """Return the topics that alarms tell; the contract's, where no alarm tells one."""
    actions = {arn for alarm in sources.alarms for arn in alarm.get("AlarmActions", [])}
    topics = sorted(arn for arn in actions if ":sns:" in arn)
    place = notifications.rpartition(":")[0]
    return topics or [f"{place}:bbws-wp-alarms-{sources.environment}"]


def _subscriptions(sources: Sources, arn: str) -> dict[str, int]:
    """Count them, without those of the fleet's own queues."""
    own = {f"{PREFIX}{name}-{sources.environment}" for name in QUEUES}
    with calling("SNS", f"topic {arn}"):
        found = sources.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn)
    states = [
        one["SubscriptionArn"] for one in found if one["Endpoint"].rpartition(":")[2] not in own
    ]
    return {
        # One that was taken away may be listed for a while, as "Deleted".
        "confirmed": sum(state.startswith("arn:") for state in states),
        "pending": states.count("PendingConfirmation"),
    }


CHECKS: Final = (
    Check(
        number="26",
        title="tenants' records",
        read=read_tenants,
        judge=judge_tenants,
        fix="sitefleet tenants show --tenant-id <tenantId> --env {environment}",
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
        title="who hears the alarms",
        read=read_topics,
        judge=judge_topics,
        fix="sam deploy --config-env {environment}",
    ),
)
