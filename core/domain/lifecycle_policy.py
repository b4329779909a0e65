"""Policy of a site's life besides promotions: who agrees to what, how long backups are kept.

Source of the values: the table "Policy: settled values" of the workflows, line "prod".
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from core.domain.approval_policy import AgreementPolicy
from core.domain.policy_model import PolicyModel


class DeletionPolicy(PolicyModel):
    """Everything about deletions in one environment."""

    approval: AgreementPolicy = AgreementPolicy()
    """Who must agree before a site is taken down (prod: both leads)."""
    backup_retention_days: Annotated[int, Field(ge=7, le=30)] = 30
    """How long a deleted site can be restored. Its secrets wait as long, so that a restore locks
    nobody out: Secrets Manager keeps a deleted secret 7 to 30 days."""


class UpdatePolicy(PolicyModel):
    """Everything about updates in one environment."""

    override_approval: AgreementPolicy = AgreementPolicy()
    """Who must agree before a read-only site is changed all the same."""
