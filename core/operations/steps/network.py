"""The tenant's own security group: there before its first container, gone with its last site."""

from __future__ import annotations

from core.domain.site import Site
from core.domain.tenancy import HOLDS_A_PLACE
from core.engine.outcome import Done, Outcome, Wait
from core.engine.step import Step, StepContext


def prepare_network(context: StepContext) -> Outcome:
    """Make (or find) the group that the site's containers will carry."""
    return Done(facts={"tenant_group_id": tenant_group_of(context), "level": _level(context)})


def leave_network(context: StepContext) -> Outcome:
    """Undo: remove the group, unless another site needs it or this one was live before."""
    site = _site(context)
    stays = site is not None and site.live_release is not None
    return Done(facts={"kept": True}) if stays else remove_network(context)


def remove_network(context: StepContext) -> Outcome:
    """Remove the group if no other site of the tenant is at this level.

    Waits while containers that are being stopped still carry it.
    """
    operation, level = context.operation, _level(context)
    if _needed_by_others(context, level):
        return Done(facts={"kept": True})
    if not context.ports.networks.delete_group(operation.tenant_id, level):
        return Wait(seconds=context.poll_seconds, why="the tenant's last containers to stop")
    return Done(facts={"kept": False})


def tenant_group_of(context: StepContext) -> str:
    """Return the group's id; make it again where a site that failed beside this one took it away.

    That happens when the two were the tenant's first ones.
    """
    tenant_id = context.operation.tenant_id
    tags = context.policy.tenant_tags(tenant_id)
    return context.ports.networks.ensure_group(tenant_id, _level(context), tags)


PREPARE_NETWORK = Step(name="prepare_network", run=prepare_network, undo=leave_network)
REMOVE_NETWORK = Step(name="remove_network", run=remove_network)
"""For a deletion, once the site's containers are gone."""


def _site(context: StepContext) -> Site | None:
    return context.ports.sites.get(context.operation.tenant_id, context.operation.site_id)


def _level(context: StepContext) -> int:
    site = _site(context)
    return site.isolation_level if site else 1


def _needed_by_others(context: StepContext, level: int) -> bool:
    mine = context.operation.site_id
    sites = context.ports.sites.list_sites(context.operation.tenant_id)
    others = (site for site in sites if site.site_id != mine and site.isolation_level == level)
    return any(site.status in HOLDS_A_PLACE for site in others)
