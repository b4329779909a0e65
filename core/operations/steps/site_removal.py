"""A site is removed, part by part. Once its name is down there is only the way forward."""

from __future__ import annotations

from dataclasses import replace

from core.domain.backup_jobs import RemoveSiteJob
from core.domain.job_models import Database
from core.domain.names import ReleaseNames, manifest_key, marks_key
from core.domain.operation import Json
from core.domain.site import ReleaseStatus
from core.domain.suspended_page import PAGE
from core.engine.outcome import Done, Failed, Outcome
from core.engine.step import Step, StepContext
from core.operations.steps.jobs import job_fields, run_job
from core.operations.steps.own_site import OwnSite
from core.ports.platform import DnsRecord
from events.vocabulary import ErrorCode, SiteStatus


def take_name_down(context: StepContext) -> Outcome:
    """Remove the site's name and its listener rule; the last thing that can be put back."""
    own, ports = OwnSite(context), context.ports
    rule = ports.load_balancer.find_rule(own.host)
    mine = {release.target_group_arn for release in own.releases}
    if rule is not None and rule.target_group_arn and rule.target_group_arn not in mine:
        return Failed(
            code=ErrorCode.SITE_005,
            why=f"The rule of {own.host} leads to {rule.target_group_arn}, which is no target "
            "group of this site. Nothing was removed; find out whose it is.",
        )
    certificate = own.certificate
    if certificate is not None:
        ports.load_balancer.detach_certificate(own.host, certificate.arn)
    ports.dns.restore(own.host, None)
    ports.load_balancer.delete_rule(own.host)
    return Done(facts={"name": own.host})


def put_name_back(context: StepContext) -> Outcome:
    """Undo: rule and name are as they were, with the domain's names and the suspended page."""
    own, ports = OwnSite(context), context.ports
    if own.live_record.target_group_arn:
        _put_rule_back(own, own.live_record.target_group_arn)
    former = own.noted("dns_target")
    record = DnsRecord(name=own.host, target=str(former)) if former else None
    ports.dns.restore(own.host, record)
    return Done()


def remove_services(context: StepContext) -> Outcome:
    """Remove services, target groups, task definitions and access points.

    A certificate goes as well, if the fleet has asked for it.
    """
    own = OwnSite(context)
    for release in own.releases:
        _remove_parts(context, own.names.release(release.number))
    certificate = own.certificate
    if certificate is not None and certificate.operation_id is not None:
        context.ports.certificates.delete(certificate.arn)
    return Done(facts={"releases": [release.number for release in own.releases]})


def remove_data(context: StepContext) -> Outcome:
    """Remove schemas, database user and folders of every release."""
    own = OwnSite(context)
    secret, names = own.names.database_secret, [own.names.release(r.number) for r in own.releases]
    answer = run_job(
        context,
        RemoveSiteJob(
            **job_fields(context),
            databases=[Database(secret_id=secret, schema_name=r.schema) for r in names],
            content_roots=[r.content_root for r in names],
            scratch_schema=own.names.scratch_schema,
            scratch_root=own.names.scratch_root,
        ),
    )
    return Done(facts=answer) if isinstance(answer, dict) else answer


def remove_secrets(context: StepContext) -> Outcome:
    """Delete the secrets; for as long as the backup is kept they can be had back."""
    names, days = OwnSite(context).names, context.policy.deletion.backup_retention_days
    for name in (names.database_secret, names.admin_secret, names.salts_secret):
        context.ports.secrets.delete(name, recovery_days=days)
    return Done(facts={"recovery_days": days})


def mark_deleted(context: StepContext) -> Outcome:
    """Write the records: no release is left, the name is free, the site is DELETED."""
    own, sites = OwnSite(context), context.ports.sites
    for release in own.releases:
        if release.status is not ReleaseStatus.DISCARDED:
            gone = replace(release, status=ReleaseStatus.DISCARDED, updated_at=context.now)
            sites.put_release(gone)
    site = own.site
    for name in (site.subdomain, *own.domain_names):
        sites.release_subdomain(name, site.tenant_id, site.site_id)
    sites.release_place(site.tenant_id, site.site_id)
    if site.status is not SiteStatus.DELETED:
        deleted = replace(
            site,
            status=SiteStatus.DELETED,
            live_release=None,
            domain=None,
            read_only=False,
            version=site.version + 1,
            updated_at=context.now,
        )
        sites.put(deleted, expected_version=site.version)
    return Done()


TAKE_NAME_DOWN = Step(name="take_name_down", run=take_name_down, undo=put_name_back, cuts_over=True)
REMOVE_SERVICES = Step(name="remove_services", run=remove_services)
REMOVE_DATA = Step(name="remove_data", run=remove_data)
REMOVE_SECRETS = Step(name="remove_secrets", run=remove_secrets)
MARK_DELETED = Step(name="mark_deleted", run=mark_deleted)


def _put_rule_back(own: OwnSite, target_group_arn: str) -> None:
    balancer, certificate = own.context.ports.load_balancer, own.certificate
    rule = balancer.find_rule(own.host)
    if rule is None:
        rule = balancer.create_rule(own.host, target_group_arn, own.tags)
    aliases = tuple(str(name) for name in _listed(own.noted("aliases")))
    if aliases and not rule.aliases:
        rule = balancer.lead_rule(rule, aliases, target_group_arn)
    if certificate is not None:
        balancer.attach_certificate(own.host, certificate.arn)
    if own.noted("status") == SiteStatus.SUSPENDED:
        balancer.answer_rule(rule, PAGE)


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _remove_parts(context: StepContext, names: ReleaseNames) -> None:
    ports = context.ports
    ports.containers.delete_service(names)
    ports.load_balancer.delete_target_group(names)
    ports.containers.delete_task_definitions(names)
    ports.file_systems.delete_access_point(names)
    ports.transfer.delete_prefix(manifest_key(names.site, names.number))
    ports.transfer.delete_prefix(marks_key(names))
