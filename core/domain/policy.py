"""Policy: durations, thresholds, names and people, as data of each environment.

Source of the values: the table "Policy: settled values" of the workflows, which settles what the
platform's documents say differently. The files are policy/*.toml; nothing here is a constant of
the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, model_validator

from core.domain.approval_policy import AgreementPolicy, ApprovalPolicy
from core.domain.errors import ConfigurationError, RefusedError
from core.domain.lifecycle_policy import DeletionPolicy, UpdatePolicy
from core.domain.mail_policy import MailPolicy
from core.domain.policy_model import PolicyModel
from core.domain.promotion_policy import PromotionPolicy
from core.domain.tenancy import BASIC, Tier
from core.domain.versions import fits
from events.formats import Environment
from events.vocabulary import ErrorCode, OperationType


class EnvironmentPolicy(PolicyModel):
    """One of the platform's environments."""

    account_id: Annotated[str, Field(pattern=r"^\d{12}$")]
    domain: str


class StepPolicy(PolicyModel):
    """How patient the fleet is with one step."""

    deadline_seconds: int = Field(gt=0)
    poll_seconds: int = Field(gt=0, le=900)
    job_deadline_seconds: int | None = Field(default=None, gt=0)
    """How long its container job may run, where the step itself waits for longer things, too."""


class WhenBusy(StrEnum):
    """What becomes of an operation whose site is busy."""

    WAIT = "wait"
    """It waits for its site, in order of arrival."""
    REJECT = "reject"


WHEN_BUSY: Final[Mapping[OperationType, WhenBusy]] = {
    OperationType.SITE_CREATION: WhenBusy.REJECT,
    OperationType.SITE_PROMOTION: WhenBusy.REJECT,
}
"""The settled rule: updates, deletions and restores wait; who promotes or creates decides again."""


class OfferedImage(PolicyModel):
    """One image of the platform, and what is in it."""

    tag: str
    wordpress_version: str
    php_version: str


class Policy(PolicyModel):
    """Everything that people may want to change without changing code."""

    version: str
    environment: Environment
    environments: Mapping[Environment, EnvironmentPolicy]
    promotion_sources: Mapping[Environment, Environment]
    """Target -> source: the only promotion paths (dev -> sit -> prod)."""
    promotion: PromotionPolicy | None = None
    """None where nothing is promoted to (dev)."""
    deletion: DeletionPolicy = DeletionPolicy()
    update: UpdatePolicy = UpdatePolicy()
    default_step: StepPolicy
    steps: Mapping[str, StepPolicy] = Field(default_factory=dict)
    max_job_attempts: int = Field(default=3, gt=0)
    """How often a container job is started again before its step fails."""
    max_step_attempts: int = Field(default=5, gt=0)
    """Recorded failures of a step after which the operation is reported stalled."""
    sweep_grace_seconds: int = Field(default=300, gt=0)
    """How long after the last sign of life the sweeper looks at an operation."""
    when_busy: Mapping[OperationType, WhenBusy] = WHEN_BUSY
    """What an operation does that finds another one at work on its site."""
    max_running_operations_per_tenant: int | None = Field(default=None, gt=0)
    """Above it, operations wait in their tenant's line, in order of arrival; None: no cap."""
    kept_options: tuple[str, ...] = ()
    """Environment-local WordPress options that a promotion leaves as the target has them."""
    kept_releases: int = Field(default=1, gt=0)
    """Releases kept behind the live one."""
    admit_unknown_tenants: bool = False
    """Whether a tenant that the tenants table does not know may have sites."""
    isolation_level_by_tier: Mapping[str, int]
    """The level that a tier has by default, and the highest that it may ask for."""
    sites_by_tier: Mapping[str, Annotated[int, Field(gt=0)]]
    """How many sites a tenant may have in this environment."""
    wordpress_tag: str
    """Tag of the platform's WordPress image that a new site starts with."""
    offered_images: tuple[OfferedImage, ...] = ()
    """The WordPress and PHP versions that the platform offers, the preferred ones first."""
    default_theme: str | None = None
    mail: MailPolicy = Field(default_factory=MailPolicy)
    tags: Mapping[str, str]
    """The platform's tags for every resource."""

    @model_validator(mode="after")
    def _accounts_are_distinct(self) -> Policy:
        accounts = [e.account_id for e in self.environments.values()]
        if len(set(accounts)) != len(accounts):
            raise ValueError("Two environments share one AWS account; give each its own.")
        if self.environment not in self.environments:
            raise ValueError(f"environments has no entry for {self.environment}.")
        return self

    @model_validator(mode="after")
    def _tiers_are_whole(self) -> Policy:
        if set(self.sites_by_tier) != set(self.isolation_level_by_tier) or BASIC not in (
            self.sites_by_tier
        ):
            raise ValueError(
                "sites_by_tier and isolation_level_by_tier have to name the same tiers, and "
                f"{BASIC} among them."
            )
        return self

    @model_validator(mode="after")
    def _somebody_can_agree_to_everything(self) -> Policy:
        for operation_type in self._agreements():
            self.approval_of(operation_type)
        return self

    @model_validator(mode="after")
    def _steps_outlast_what_they_wait_for(self) -> Policy:
        for step, seconds in self._longest_waits().items():
            deadline = self.step(step).deadline_seconds
            if deadline <= seconds:
                raise ValueError(
                    f"steps.{step} is reported as stalled after {deadline} s, and may wait for "
                    f"{seconds} s by this policy. Give it a longer deadline_seconds."
                )
        return self

    def _longest_waits(self) -> dict[str, int]:
        """Return how long a step may wait without anything being wrong."""
        approvals = [self.approval_of(operation_type) for operation_type in self._agreements()]
        approvals += [self.promotion.approval] if self.promotion else []
        longest = [approval.longest_seconds for approval in approvals if approval.roles]
        waits = {"await_approval": max(longest)} if longest else {}
        if self.promotion is None:
            return waits
        monitor = self.promotion.monitor
        waits["monitor"] = monitor.window_seconds + monitor.metrics_delay_seconds
        if self.promotion.window.openings:
            week = int(timedelta(days=7).total_seconds())
            waits |= {"await_window": week, "decide_again": week, "confirm_window": week}
        return waits

    def _agreements(self) -> dict[OperationType, AgreementPolicy]:
        """Return who must agree to operations that are no promotions."""
        return {
            OperationType.SITE_DELETION: self.deletion.approval,
            OperationType.SITE_UPDATE: self.update.override_approval,
        }

    def approval_of(self, operation_type: OperationType) -> ApprovalPolicy:
        """Return the rules of approvals of one type of operation (rollbacks: of promotions)."""
        if operation_type in {OperationType.SITE_PROMOTION, OperationType.SITE_ROLLBACK}:
            return self.promotion_rules.approval
        agreement = self._agreements().get(operation_type, AgreementPolicy())
        return agreement.among(self.promotion.approval.people if self.promotion else {})

    @property
    def sweep_grace(self) -> timedelta:
        return timedelta(seconds=self.sweep_grace_seconds)

    def waits_when_busy(self, operation_type: OperationType) -> bool:
        """Tell whether an operation of this type waits for a busy site, or fails at once."""
        return self.when_busy.get(operation_type, WhenBusy.WAIT) is WhenBusy.WAIT

    @property
    def here(self) -> EnvironmentPolicy:
        return self.environments[self.environment]

    @property
    def promotion_rules(self) -> PromotionPolicy:
        """The rules of promotions into this environment; only asked where there are any."""
        if self.promotion is None:
            raise ConfigurationError(
                f"The policy of {self.environment} has no [promotion]: nothing is promoted to it."
            )
        return self.promotion

    def offered(self, wordpress_version: str | None, php_version: str | None) -> OfferedImage:
        """Return the preferred image with these versions; None: any.

        "8.2" is any release of PHP 8.2. Raises RefusedError (SITE_001) with what there is.
        """
        for image in self.offered_images:
            if fits(image.wordpress_version, wordpress_version) and fits(
                image.php_version, php_version
            ):
                return image
        there = dict.fromkeys(
            f"{i.wordpress_version} on PHP {i.php_version}" for i in self.offered_images
        )
        raise RefusedError(
            ErrorCode.SITE_001,
            f"The platform offers no WordPress {wordpress_version or '(any)'} on PHP "
            f"{php_version or '(any)'} in {self.environment}. There is: "
            f"{', '.join(there) or 'none'}.",
        )

    def step(self, name: str) -> StepPolicy:
        return self.steps.get(name, self.default_step)

    def deadline(self, step: str) -> timedelta:
        return timedelta(seconds=self.step(step).deadline_seconds)

    def job_deadline(self, step: str) -> timedelta | None:
        """Return how long a step's job may run; None: as long as the step."""
        seconds = self.step(step).job_deadline_seconds
        return None if seconds is None else timedelta(seconds=seconds)

    def tier(self, name: str) -> Tier:
        """Return what a tier may have; raises RefusedError (PROM_005) for an unknown one."""
        if name not in self.sites_by_tier:
            raise RefusedError(
                ErrorCode.PROM_005,
                f"The tenant's tier is {name!r}, which {self.environment} does not know "
                f"({', '.join(self.sites_by_tier)}). Correct the tenant's record.",
            )
        return Tier(
            name=name,
            isolation_level=self.isolation_level_by_tier[name],
            most_sites=self.sites_by_tier[name],
        )

    def image_of(
        self, wordpress_version: str | None, php_version: str | None
    ) -> OfferedImage | None:
        """Return what is known of the image that `image_tag` names; None: it is not listed."""
        tag = self.image_tag(wordpress_version, php_version)
        return next((image for image in self.offered_images if image.tag == tag), None)

    def image_tag(self, wordpress_version: str | None, php_version: str | None) -> str:
        """Return the tag of the image with these versions; nothing asked: the platform's default.

        Raises RefusedError (SITE_001), naming what is offered.
        """
        if wordpress_version is None and php_version is None:
            return self.wordpress_tag
        return self.offered(wordpress_version, php_version).tag

    def site_tags(self, tenant_id: str, site_id: str) -> dict[str, str]:
        """Return the tags of a site's resources: the platform's, and the tenant for billing."""
        return {**self.tags, "Tenant": tenant_id, "Site": site_id, "Component": "wordpress-site"}

    def tenant_tags(self, tenant_id: str) -> dict[str, str]:
        """Return the tags of what all sites of a tenant share."""
        return {**self.tags, "Tenant": tenant_id, "Component": "tenant-network"}
