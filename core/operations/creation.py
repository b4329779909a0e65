"""Creation: a fresh WordPress, or a clone of another site of the same tenant, made up as asked."""

from __future__ import annotations

from core.domain.errors import RefusedError
from core.domain.policy import Policy
from core.domain.vetting import Surroundings
from core.engine.step import Step
from core.engine.workflow import Admission, Workflow
from core.operations.steps.admission import check_place, check_tenant
from core.operations.steps.checks import CHECK_AFTER, CHECK_BEFORE
from core.operations.steps.completion import COMPLETE
from core.operations.steps.content import CREATE_ACCESS_POINT, INSTALL_WORDPRESS, PLACE_CONTENT
from core.operations.steps.database import IMPORT_DATABASE, PREPARE_SECRETS
from core.operations.steps.export import EXPORT_SOURCE, PLAN
from core.operations.steps.image import CHOOSE_IMAGE
from core.operations.steps.network import PREPARE_NETWORK
from core.operations.steps.reservation import LOCK_SITE, RESERVE_RELEASE
from core.operations.steps.service import START_RELEASE
from core.operations.steps.traffic import RECORD_DNS, SWITCH, UPDATE_DNS
from core.operations.steps.wanted import vet, wanted_of
from core.operations.steps.wordpress_changes import (
    APPLY_TEMPLATE,
    CHANGE_THEME,
    INSTALL_PLUGINS,
    wordpress_steps,
)
from core.ports.messaging import QueueName
from events.formats import Environment
from events.requests import Request, SiteCreationPayload
from events.vocabulary import ErrorCode, OperationType, SiteStatus

RESERVE = (LOCK_SITE, RESERVE_RELEASE, PREPARE_NETWORK, PREPARE_SECRETS, CREATE_ACCESS_POINT)
GO_LIVE = (
    CHOOSE_IMAGE,
    START_RELEASE,
    CHECK_BEFORE,
    RECORD_DNS,
    SWITCH,
    UPDATE_DNS,
    CHECK_AFTER,
    COMPLETE,
)
FRESH = (*RESERVE, INSTALL_WORDPRESS, *GO_LIVE)
CLONE = (PLAN, *RESERVE, EXPORT_SOURCE, IMPORT_DATABASE, PLACE_CONTENT, *GO_LIVE)
MAKE_UP = (APPLY_TEMPLATE, CHANGE_THEME, INSTALL_PLUGINS)
"""What a request may ask for beside: made between the build and GO_LIVE."""


def environment_of(request: Request) -> Environment | None:
    """Return the environment in which the site is to be."""
    return _payload(request).environment


def plan_of(request: Request, _policy: Policy) -> tuple[str, ...]:
    """Return the steps: a clone is built like a promotion from the same environment."""
    payload = _payload(request)
    steps = CLONE if payload.clone_from else FRESH
    build = steps[: -len(GO_LIVE)]
    return tuple(step.name for step in (*build, *_make_up(payload), *GO_LIVE))


def admit(admission: Admission) -> None:
    """Refuse what cannot become a site: unknown tenant, existing site, unknown parts."""
    payload, sites = _payload(admission.request), admission.ports.sites
    check_tenant(admission, payload.tenant_id)
    site = sites.get(payload.tenant_id, payload.site_id)
    if site is not None and site.status not in {SiteStatus.PROVISIONING, SiteStatus.FAILED}:
        raise RefusedError(
            ErrorCode.SITE_005,
            f"Site {payload.site_id} is {site.status} already; a creation needs a siteId of "
            "its own.",
        )
    check_place(admission, payload)
    asked = payload.configuration
    admission.policy.image_tag(asked.wordpress_version, asked.php_version)
    if payload.clone_from is not None:
        _check_clone_source(admission, payload)
    configuration = payload.configuration
    vet(
        wanted_of(payload),
        admission.ports.catalogue,
        Surroundings(wordpress=configuration.wordpress_version, php=configuration.php_version),
    )


CREATION = Workflow(
    operation_type=OperationType.SITE_CREATION,
    queue=QueueName.CREATION,
    steps=tuple(dict.fromkeys((*CLONE, *FRESH, *MAKE_UP))),
    environment_of=environment_of,
    admit=admit,
    plan=plan_of,
)


def _payload(request: Request) -> SiteCreationPayload:
    if not isinstance(request.payload, SiteCreationPayload):
        raise RefusedError(ErrorCode.SITE_001, f"{request.message_type} creates no site.")
    return request.payload


def _make_up(payload: SiteCreationPayload) -> tuple[Step, ...]:
    """Return the steps for template, theme and plugins.

    A fresh WordPress is installed with its theme at once, unless the template may bring it.
    """
    steps = wordpress_steps(payload)
    installed_with = payload.clone_from is None and payload.template_id is None
    return tuple(step for step in steps if not (installed_with and step is CHANGE_THEME))


def _check_clone_source(admission: Admission, payload: SiteCreationPayload) -> None:
    source = admission.ports.sites.get(payload.tenant_id, payload.clone_from or "")
    if source is None or source.status is not SiteStatus.ACTIVE:
        raise RefusedError(
            ErrorCode.SITE_002,
            f"Tenant {payload.tenant_id} has no active site {payload.clone_from} to clone.",
        )
