"""A customer's own domain: taken for the site, and a certificate for it with and without www.

Both before the site is locked: the owner of the domain may need days to prove it.
"""

from __future__ import annotations

from core.domain.names import names_of_domain
from core.domain.operation import Json
from core.engine.outcome import Done, Failed, Outcome, Wait
from core.engine.step import Step, StepContext
from core.operations.steps.site_at_work import SiteAtWork
from core.ports.certificates import Certificate
from events.requests import SiteUpdatePayload
from events.vocabulary import ErrorCode


def claim_domain(context: StepContext) -> Outcome:
    """Take the domain and its twin, atomically each: no other site can have them."""
    operation, sites = context.operation, context.ports.sites
    for name in _names(context):
        if not sites.claim_subdomain(name, operation.tenant_id, operation.site_id):
            release_domain(context)
            return Failed(
                code=ErrorCode.SITE_003,
                why=f"The domain {name} belongs to another site of this environment.",
            )
    return Done()


def release_domain(context: StepContext) -> Outcome:
    """Undo: give them back, unless the site has had them before."""
    operation, sites = context.operation, context.ports.sites
    site = sites.get(operation.tenant_id, operation.site_id)
    kept = names_of_domain(site.domain) if site and site.domain else ()
    for name in _names(context):
        if name not in kept:
            sites.release_subdomain(name, operation.tenant_id, operation.site_id)
    return Done()


def ensure_certificate(context: StepContext) -> Outcome:
    """Find a certificate for both names, or ask for one and wait until the owner has proved it."""
    certificate = _found(context) or _requested(context)
    if certificate.failure is not None:
        return Failed(
            code=ErrorCode.SITE_001,
            why=f"There is no certificate for {' and '.join(_names(context))}: "
            f"{certificate.failure}. Send the request again once its cause is repaired.",
        )
    if not certificate.issued:
        records = "; ".join(certificate.proofs)
        why = f"the owner of the domain to put into its DNS: {records or 'the proofs, being made'}"
        return Wait(seconds=context.poll_seconds, why=why[:1000])
    attached = context.ports.load_balancer.has_certificate(
        SiteAtWork(context).host, certificate.arn
    )
    facts: dict[str, Json] = {"certificate_arn": certificate.arn, "attached": attached}
    return Done(facts=facts)


def forget_certificate(context: StepContext) -> Outcome:
    """Undo: delete the certificate that this operation has asked for, and no other."""
    certificate = _found(context)
    if certificate is not None and certificate.operation_id == context.operation.operation_id:
        context.ports.certificates.delete(certificate.arn)
    return Done()


def attach_certificate(context: StepContext) -> Outcome:
    """Let the listener answer with the certificate for the domain's names."""
    context.ports.load_balancer.attach_certificate(SiteAtWork(context).host, _arn(context))
    return Done()


def detach_certificate(context: StepContext) -> Outcome:
    """Undo: take it off the listener, unless it was there before."""
    if not context.facts["ensure_certificate"]["attached"]:
        context.ports.load_balancer.detach_certificate(SiteAtWork(context).host, _arn(context))
    return Done()


CLAIM_DOMAIN = Step(name="claim_domain", run=claim_domain, undo=release_domain)
ENSURE_CERTIFICATE = Step(
    name="ensure_certificate", run=ensure_certificate, undo=forget_certificate
)
ATTACH_CERTIFICATE = Step(
    name="attach_certificate", run=attach_certificate, undo=detach_certificate
)


def _names(context: StepContext) -> tuple[str, ...]:
    payload = context.request.payload
    domain = payload.changes.domain if isinstance(payload, SiteUpdatePayload) else None
    return names_of_domain(domain) if domain else ()


def _found(context: StepContext) -> Certificate | None:
    return context.ports.certificates.find(_names(context))


def _requested(context: StepContext) -> Certificate:
    operation = context.operation
    tags = context.policy.site_tags(operation.tenant_id, operation.site_id)
    return context.ports.certificates.request(_names(context), operation.operation_id, tags)


def _arn(context: StepContext) -> str:
    return str(context.facts["ensure_certificate"]["certificate_arn"])
