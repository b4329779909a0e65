"""Update: a live site is changed. One step per kind of change, the record last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.domain import changes as asked
from core.domain.approvals import check_request
from core.domain.errors import RefusedError
from core.domain.policy import Policy
from core.domain.site import Site
from core.domain.sizes import check_size, sized
from core.domain.vetting import Surroundings
from core.engine.step import Step
from core.engine.workflow import Admission, Workflow
from core.operations.steps.admission import check_tenant
from core.operations.steps.approval import AWAIT_APPROVAL, CONFIRM_PLAN, REQUEST_APPROVAL
from core.operations.steps.checks import CHECK_AFTER, CHECK_BEFORE
from core.operations.steps.container_change import (
    CHECK_TRIAL,
    CHOOSE_CONTAINERS,
    REMOVE_TRIAL,
    ROLL_OUT,
    START_TRIAL,
)
from core.operations.steps.content import CREATE_ACCESS_POINT, PLACE_CONTENT
from core.operations.steps.database import IMPORT_DATABASE, PREPARE_SECRETS
from core.operations.steps.domain_certificate import (
    ATTACH_CERTIFICATE,
    CLAIM_DOMAIN,
    ENSURE_CERTIFICATE,
)
from core.operations.steps.domain_change import (
    CLOSE_FOR_MOVE,
    KEEP_IMAGE,
    RESERVE_BESIDE,
    REST_FORMER_RELEASE,
    SWITCH_DOMAIN,
)
from core.operations.steps.export import EXPORT_SOURCE, PLAN
from core.operations.steps.parts import state_of_parts
from core.operations.steps.reservation import LOCK_SITE
from core.operations.steps.retirement import RETIRE_RELEASES
from core.operations.steps.service import START_RELEASE
from core.operations.steps.site_survey import SURVEY_SITE
from core.operations.steps.suspension import CLOSE_SITE, OPEN_SITE, REST_SERVICE, START_SERVICE
from core.operations.steps.update_check import CHECK_CHANGED
from core.operations.steps.update_record import RECORD_UPDATE
from core.operations.steps.wanted import vet, wanted_of
from core.operations.steps.wordpress_changes import (
    APPLY_TEMPLATE,
    CHANGE_THEME,
    CONFIGURE_PLUGINS,
    DISABLE_PLUGINS,
    ENABLE_PLUGINS,
    INSTALL_PLUGINS,
    UNINSTALL_PLUGINS,
    UPDATE_PLUGINS,
    on_a_live_site,
)
from core.ports.messaging import QueueName
from events.formats import Environment
from events.payloads import SiteChanges
from events.requests import Request, SiteUpdatePayload
from events.vocabulary import ErrorCode, OperationType


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of change: whether a request asks for it, and the steps that make it."""

    name: str
    asked: Callable[[SiteChanges], bool]
    steps: tuple[Step, ...]


MOVE = (
    PLAN,
    RESERVE_BESIDE,
    PREPARE_SECRETS,
    KEEP_IMAGE,
    CLOSE_FOR_MOVE,
    EXPORT_SOURCE,
    IMPORT_DATABASE,
    CREATE_ACCESS_POINT,
    PLACE_CONTENT,
    START_RELEASE,
    CHECK_BEFORE,
    ATTACH_CERTIFICATE,
    SWITCH_DOMAIN,
    CHECK_AFTER,
)
"""A copy of the site with other addresses, as a clone is made, in place of the live release."""
KINDS = (
    Kind(name="status ACTIVE", asked=asked.activates, steps=(START_SERVICE,)),
    Kind(
        name="templateId",
        asked=lambda c: c.template_id is not None,
        steps=(on_a_live_site(APPLY_TEMPLATE),),
    ),
    Kind(
        name="theme",
        asked=lambda c: asked.theme_of(c) is not None,
        steps=(on_a_live_site(CHANGE_THEME),),
    ),
    Kind(
        name="plugins.uninstall",
        asked=lambda c: bool(c.plugins and c.plugins.uninstall),
        steps=(on_a_live_site(UNINSTALL_PLUGINS),),
    ),
    Kind(
        name="plugins.install",
        asked=lambda c: bool(asked.plugins_to_install(c)),
        steps=(on_a_live_site(INSTALL_PLUGINS),),
    ),
    Kind(
        name="plugins.update",
        asked=lambda c: bool(c.plugins and c.plugins.update),
        steps=(on_a_live_site(UPDATE_PLUGINS),),
    ),
    Kind(
        name="plugins.configure",
        asked=lambda c: bool(c.plugins and c.plugins.configure),
        steps=(on_a_live_site(CONFIGURE_PLUGINS),),
    ),
    Kind(
        name="plugins.enable",
        asked=lambda c: bool(c.plugins and c.plugins.enable),
        steps=(on_a_live_site(ENABLE_PLUGINS),),
    ),
    Kind(
        name="plugins.disable",
        asked=lambda c: bool(c.plugins and c.plugins.disable),
        steps=(on_a_live_site(DISABLE_PLUGINS),),
    ),
    Kind(
        name="image or size",
        asked=asked.renews_containers,
        steps=(CHOOSE_CONTAINERS, START_TRIAL, CHECK_TRIAL, ROLL_OUT, REMOVE_TRIAL),
    ),
    Kind(name="scale", asked=asked.scales, steps=(ROLL_OUT,)),
    Kind(name="domain", asked=asked.moves, steps=MOVE),
    Kind(name="anything to check", asked=asked.to_check, steps=(CHECK_CHANGED,)),
    Kind(name="status ACTIVE", asked=asked.activates, steps=(OPEN_SITE,)),
    Kind(name="status SUSPENDED", asked=asked.suspends, steps=(CLOSE_SITE, REST_SERVICE)),
)
"""In the order in which they are made, whatever the order in the message."""

AGREE = (REQUEST_APPROVAL, AWAIT_APPROVAL, LOCK_SITE, CONFIRM_PLAN)
"""For a read-only site: people agree to this request, and it is the same once the lock is held."""
OWN_DOMAIN = (CLAIM_DOMAIN, ENSURE_CERTIFICATE)
"""Before the lock: a domain's owner may need days to prove it."""
BEGIN = (LOCK_SITE, SURVEY_SITE)
FINISH = (RECORD_UPDATE,)
AFTERWARDS = (REST_FORMER_RELEASE, RETIRE_RELEASES)
"""Once another release is live and recorded."""
STEPS = tuple(
    dict.fromkeys(
        (
            *OWN_DOMAIN,
            *AGREE,
            *BEGIN,
            *(step for kind in KINDS for step in kind.steps),
            *FINISH,
            *AFTERWARDS,
        )
    )
)


def environment_of(_request: Request) -> Environment | None:
    """Return None: an update is meant for whichever environment receives it."""
    return None


def plan_of(request: Request, policy: Policy) -> tuple[str, ...]:
    """Return the steps of the changes that are asked for, in their fixed order."""
    payload = _payload(request)
    asks = payload.override is not None and policy.approval_of(OperationType.SITE_UPDATE).roles
    wanted = [step for kind in KINDS if kind.asked(payload.changes) for step in kind.steps]
    agree = AGREE if asks else ()
    steps = (*agree, *BEGIN, *wanted, *FINISH)
    if asked.moves(payload.changes):
        steps = (*OWN_DOMAIN, *steps, *AFTERWARDS)
    return tuple(dict.fromkeys(step.name for step in steps))


def admit(admission: Admission) -> None:
    """Refuse what cannot be changed: no such site, its status, its version, its being read-only."""
    payload = _payload(admission.request)
    check_tenant(admission, payload.tenant_id)
    asked.check_consistent(payload.changes)
    site = admission.ports.sites.get(payload.tenant_id, payload.site_id)
    if site is None:
        raise RefusedError(
            ErrorCode.SITE_002,
            f"Tenant {payload.tenant_id} has no site {payload.site_id} in "
            f"{admission.policy.environment}.",
        )
    asked.check_transition(site, payload.changes)
    asked.check_version(site, payload.expected_version)
    around = Surroundings(wordpress=site.wordpress_version, php=site.php_version)
    vet(wanted_of(payload), admission.ports.catalogue, around)
    if site.read_only and payload.override is None:
        raise RefusedError(
            ErrorCode.SITE_005,
            f"Site {site.site_id} is read-only in {site.environment} since it was promoted. Change "
            "it where it is developed and promote it, or send the request with an override "
            "{reason}, which people must approve.",
        )
    zones = [known.domain for known in admission.policy.environments.values()]
    asked.check_domain(payload.changes, site, zones)
    if payload.override is not None:
        check_request(
            admission.policy.approval_of(OperationType.SITE_UPDATE),
            admission.request.requested_by,
            operation_type=OperationType.SITE_UPDATE,
        )
    _check_containers(admission.policy, site, payload.changes)


UPDATE = Workflow(
    operation_type=OperationType.SITE_UPDATE,
    queue=QueueName.UPDATE,
    steps=STEPS,
    environment_of=environment_of,
    admit=admit,
    plan=plan_of,
    parts=state_of_parts,
)


def _payload(request: Request) -> SiteUpdatePayload:
    if not isinstance(request.payload, SiteUpdatePayload):
        raise RefusedError(ErrorCode.SITE_001, f"{request.message_type} updates no site.")
    return request.payload


def _check_containers(policy: Policy, site: Site, changes: SiteChanges) -> None:
    """Refuse versions that the platform does not offer, and sizes that no container has."""
    scale, wanted = changes.scale, changes.configuration
    if wanted is not None and asked.wants_versions(changes):
        policy.offered(
            wanted.wordpress_version or site.wordpress_version,
            wanted.php_version or site.php_version,
        )
    if scale is not None:
        check_size(sized(scale.cpu_units, scale.memory_mib, sized(site.cpu_units, site.memory_mib)))
