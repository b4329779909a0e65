"""The pointer and the name: what decides which release visitors reach."""

from __future__ import annotations

from core.domain.names import host
from core.engine.outcome import Done, Outcome, Wait
from core.engine.step import Step, StepContext
from core.operations.steps.move import Move
from core.ports.platform import DnsRecord


def switch(context: StepContext) -> Outcome:
    """Point the site's listener rule at the release: one ModifyRule, live for the next request."""
    move, balancer = Move(context), context.ports.load_balancer
    target_group = str(context.facts["start_release"]["target_group_arn"])
    rule = balancer.find_rule(move.host)
    if rule is None:
        rule = balancer.create_rule(move.host, target_group, move.tags)
    elif rule.target_group_arn != target_group:
        rule = balancer.point_rule(rule, target_group)
    return Done(facts={"rule_arn": rule.arn, "priority": rule.priority})


def switch_back(context: StepContext) -> Outcome:
    """Undo: point the rule at the release that was live; delete it where there was none."""
    move, ports = Move(context), context.ports
    rule = ports.load_balancer.find_rule(move.host)
    former = _former_target_group(context)
    if rule is None:
        return Done()
    if former is None:
        ports.load_balancer.delete_rule(move.host)
    elif rule.target_group_arn != former:
        ports.load_balancer.point_rule(rule, former)
    return Done()


def record_dns(context: StepContext) -> Outcome:
    """Note the record as it is, before it is changed: the way back."""
    record = context.ports.dns.find(Move(context).host)
    return Done(facts={"former_target": record.target if record else None})


def update_dns(context: StepContext) -> Outcome:
    """Point the site's name at the load balancer where it differs, and wait until it is known."""
    dns, name = context.ports.dns, Move(context).host
    change = dns.point_at_load_balancer(name)
    if change is not None and not dns.in_sync(change):
        return Wait(seconds=context.poll_seconds, why=f"the name servers to know {name}")
    return Done(facts={"name": name})


def invalidate_cache(context: StepContext) -> Outcome:
    """Invalidate the site's distribution once, right after the switch; where it has one."""
    cdn, operation = context.ports.cdn, context.operation
    site = context.ports.sites.get(operation.tenant_id, operation.site_id)
    if site is None:
        return Done(facts={"invalidated": False})
    name = host(site.subdomain, context.policy.here.domain)
    reference = f"{operation.operation_id}-{operation.phase}-{operation.attempt}"
    invalidation = cdn.invalidate(name, reference)
    if invalidation is not None and not cdn.done(invalidation):
        return Wait(seconds=context.poll_seconds, why=f"the edges to forget the pages of {name}")
    return Done(facts={"invalidated": invalidation is not None})


def restore_dns(context: StepContext) -> Outcome:
    """Undo: put the former record back, or delete where there was none."""
    name = Move(context).host
    former = context.facts["record_dns"].get("former_target")
    record = DnsRecord(name=name, target=str(former)) if former else None
    context.ports.dns.restore(name, record)
    return Done()


SWITCH = Step(name="switch", run=switch, undo=switch_back, cuts_over=True)
RECORD_DNS = Step(name="record_dns", run=record_dns)
INVALIDATE_CACHE = Step(name="invalidate_cache", run=invalidate_cache)
UPDATE_DNS = Step(name="update_dns", run=update_dns, undo=restore_dns, cuts_over=True)


def _former_target_group(context: StepContext) -> str | None:
    move = Move(context)
    live = move.live_release
    if live is None:
        return None
    release = context.ports.sites.get_release(move.tenant_id, move.site_id, live.number)
    return release.target_group_arn if release else None
