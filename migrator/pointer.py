"""The pointer of a site: the forward action of its listener rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from migrator.errors import JobFailure

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client

log = structlog.get_logger(__name__)


class Pointer(Protocol):
    """Which target group a site's rule sends visitors to."""

    def target(self, rule_arn: str) -> str | None:
        """Return the target group; None where the rule sends nobody to a single one."""
        ...

    def move(self, rule_arn: str, target_group_arn: str) -> None:
        """Send visitors to another target group; raises JobFailure when that did not happen."""
        ...


class RulePointer:
    """The pointer on AWS. The client answers or gives up within seconds: writers are waiting."""

    def __init__(self, elbv2: ElasticLoadBalancingv2Client) -> None:
        self._elbv2 = elbv2

    def target(self, rule_arn: str) -> str | None:
        """Return where the rule forwards to."""
        rules = self._elbv2.describe_rules(RuleArns=[rule_arn])["Rules"]
        targets = [
            action.get("TargetGroupArn")
            for rule in rules
            for action in rule.get("Actions", [])
            if action.get("Type") == "forward"
        ]
        return targets[0] if len(targets) == 1 else None

    def move(self, rule_arn: str, target_group_arn: str) -> None:
        """Move the pointer; when the answer is lost, look where it points."""
        try:
            self._elbv2.modify_rule(
                RuleArn=rule_arn,
                Actions=[{"Type": "forward", "TargetGroupArn": target_group_arn}],
            )
        except (ClientError, BotoCoreError) as error:
            if not self._arrived(rule_arn, target_group_arn):
                raise JobFailure(
                    f"The listener rule was not moved to the new release ({_code(error)}). Check "
                    "that it exists and that the task's role has elasticloadbalancing:ModifyRule.",
                    retryable=True,
                ) from None
            log.warning("pointer_moved_without_an_answer", error=_code(error))

    def _arrived(self, rule_arn: str, target_group_arn: str) -> bool:
        try:
            return self.target(rule_arn) == target_group_arn
        except (ClientError, BotoCoreError):
            return False  # the next attempt looks before it does anything


def _code(error: ClientError | BotoCoreError) -> str:
    return (
        error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
    )
