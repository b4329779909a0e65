"""Who may get mail, and in whose name."""

from __future__ import annotations

from core.domain.policy_model import PolicyModel


class MailPolicy(PolicyModel):
    """Mail from one environment."""

    to_customers: bool = False
    """Whether a customer's mail goes to the customer. Else the platform's own people get it, with
    a note: a test must not write to customers."""
    brand: str = "KimmyAI"
    """The name that stands where a logo would: mail programs do not load pictures unasked."""
    team: str = "The BBWS team"
    """Who signs."""
