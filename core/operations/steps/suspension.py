"""Suspending a site and bringing it back: its rule and its containers; data and name stay.

A suspended site costs no container. Its rule answers 503 with a page by itself.
"""

from __future__ import annotations

from core.domain.suspended_page import PAGE
from core.engine.outcome import Done, Failed, Outcome, Wait
from core.engine.step import Step, StepContext
from core.operations.steps.changing import Changing
from core.ports.platform import ListenerRule
from events.vocabulary import ErrorCode, SiteStatus


def start_service(context: StepContext) -> Outcome:
    """Start the suspended site's containers, and wait until they are steady; nobody sees them."""
    change, containers = Changing(context), context.ports.containers
    containers.ensure_running(change.release, change.count_before)
    state = containers.state(change.release, change.target_group_arn)
    if state.failed:
        return Failed(
            code=ErrorCode.SYS_001, why=f"The site's containers do not start: {state.reason}"
        )
    if not state.steady:
        if context.operation.wait_number == 0 and state.arn:
            context.ports.wake_ups.note_resource(state.arn, context.operation.operation_id)
        return Wait(seconds=context.poll_seconds, why=state.reason)
    return Done(facts={"containers": {"from": 0, "to": change.count_before}})


def stop_again(context: StepContext) -> Outcome:
    """Undo: no containers, as before."""
    context.ports.containers.scale_down(Changing(context).release)
    return Done()


def open_site(context: StepContext) -> Outcome:
    """Lead visitors to the site again: one ModifyRule."""
    change = Changing(context)
    rule = _rule(change)
    if rule is None:
        return _no_rule(change)
    if rule.target_group_arn != change.target_group_arn:
        context.ports.load_balancer.point_rule(rule, change.target_group_arn)
    return Done(facts={"now": {"status": SiteStatus.ACTIVE.value}})


def close_site(context: StepContext) -> Outcome:
    """Let the rule answer visitors with the page of a suspended site: one ModifyRule."""
    change = Changing(context)
    rule = _rule(change)
    if rule is None:
        return _no_rule(change)
    context.ports.load_balancer.answer_rule(rule, PAGE)
    return Done(facts={"now": {"status": SiteStatus.SUSPENDED.value}})


def lead_back(context: StepContext) -> Outcome:
    """Undo: the rule leads to the site, or answers by itself, as the survey had found it."""
    change, balancer = Changing(context), context.ports.load_balancer
    rule = _rule(change)
    if rule is None:
        return Done()
    if change.before("status") == SiteStatus.SUSPENDED:
        balancer.answer_rule(rule, PAGE)
    elif rule.target_group_arn != change.target_group_arn:
        balancer.point_rule(rule, change.target_group_arn)
    return Done()


def rest_service(context: StepContext) -> Outcome:
    """Stop the containers of a site that nobody reaches any more; the service stays."""
    change = Changing(context)
    context.ports.containers.scale_down(change.release)
    return Done(facts={"containers": {"from": change.count_wanted, "to": 0}})


def start_again(context: StepContext) -> Outcome:
    """Undo: start the containers, and wait for them before the rule leads there again."""
    change, containers = Changing(context), context.ports.containers
    containers.ensure_running(change.release, change.count_wanted)
    state = containers.state(change.release, change.target_group_arn)
    return Done() if state.steady else Wait(seconds=context.poll_seconds, why=state.reason)


START_SERVICE = Step(name="start_service", run=start_service, undo=stop_again)
OPEN_SITE = Step(name="open_site", run=open_site, undo=lead_back, cuts_over=True)
CLOSE_SITE = Step(name="close_site", run=close_site, undo=lead_back, cuts_over=True)
REST_SERVICE = Step(name="rest_service", run=rest_service, undo=start_again)


def _rule(change: Changing) -> ListenerRule | None:
    return change.context.ports.load_balancer.find_rule(change.host)


def _no_rule(change: Changing) -> Failed:
    return Failed(
        code=ErrorCode.SYS_001,
        why=f"The load balancer has no rule for {change.host}. Look at the site with "
        f"sitefleet sites show {change.site_id}, and promote or restore it.",
    )
