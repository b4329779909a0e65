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

from core.domain.errors import ConfigurationError, RefusedError
from core.domain.mail_policy import MailPolicy
from core.domain.policy_model import PolicyModel
from core.domain.promotion_policy import PromotionPolicy
from core.domain.tenancy import BASIC, Tier
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


class WordPressImage(PolicyModel):
    """One combination of versions that the platform offers, and the tag of its image."""

    wordpress: str
    php: str
    tag: str

    def fits(self, wordpress: str | None, php: str | None) -> bool:
        """Tell whether it is what was asked for: 6.5 is met by 6.5.2, and None by anything."""
        return _is_version(self.wordpress, wordpress) and _is_version(self.php, php)


class Policy(PolicyModel):
    """Everything that people may want to change without changing code."""

    version: str
    environment: Environment
    environments: Mapping[Environment, EnvironmentPolicy]
    promotion_sources: Mapping[Environment, Environment]
    """Target -> source: the only promotion paths (dev -> sit -> prod)."""
    promotion: PromotionPolicy | None = None
    """None where nothing is promoted to (dev)."""
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
    wordpress_images: tuple[WordPressImage, ...] = ()
    """What a request may choose from, by versions."""
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
    def _steps_outlast_what_they_wait_for(self) -> Policy:
        for step, seconds in self._longest_waits().items():
            deadline = self.step(step).deadline_seconds
            if deadline <= seconds:
                raise ValueError(
                    f"steps.{step} is reported as stalled after {deadline} s, and may wait for "
                    f"{seconds} s by [promotion]. Give it a longer deadline_seconds."
                )
        return self

    def _longest_waits(self) -> dict[str, int]:
        """Return how long a step may wait without anything being wrong."""
        if self.promotion is None:
            return {}
        approval, monitor = self.promotion.approval, self.promotion.monitor
        waits = {"monitor": monitor.window_seconds + monitor.metrics_delay_seconds}
        if approval.roles:
            longest = max(approval.wait_seconds, approval.emergency_wait_seconds)
            waits["await_approval"] = approval.expires_seconds + longest
        if self.promotion.window.openings:
            week = int(timedelta(days=7).total_seconds())
            waits |= {"await_window": week, "decide_again": week, "confirm_window": week}
        return waits

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

    def step(self, name: str) -> StepPolicy:
        return self.steps.get(name, self.default_step)

    def deadline(self, step: str) -> timedelta:
        return timedelta(seconds=self.step(step).deadline_seconds)

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

    def image_tag(self, wordpress: str | None, php: str | None) -> str:
        """Return the tag of the image with these versions; nothing asked: the platform's default.

        Raises RefusedError (SITE_001), naming what is offered.
        """
        if wordpress is None and php is None:
            return self.wordpress_tag
        for image in self.wordpress_images:
            if image.fits(wordpress, php):
                return image.tag
        asked = " with ".join(
            f"{what} {version}"
            for what, version in (("WordPress", wordpress), ("PHP", php))
            if version is not None
        )
        offered = "; ".join(
            f"WordPress {one.wordpress} with PHP {one.php}" for one in self.wordpress_images
        )
        raise RefusedError(
            ErrorCode.SITE_001,
            f"The platform does not offer {asked} here. It offers: {offered or 'no choice'}.",
            details={"configuration": asked},
        )

    def site_tags(self, tenant_id: str, site_id: str) -> dict[str, str]:
        """Return the tags of a site's resources: the platform's, and the tenant for billing."""
        return {**self.tags, "Tenant": tenant_id, "Site": site_id, "Component": "wordpress-site"}

    def tenant_tags(self, tenant_id: str) -> dict[str, str]:
        """Return the tags of what all sites of a tenant share."""
        return {**self.tags, "Tenant": tenant_id, "Component": "tenant-network"}


def _is_version(offered: str, asked: str | None) -> bool:
    return asked is None or offered == asked or offered.startswith(f"{asked}.")
