"""What the stack was deployed with: the settings of one of its functions, read where it runs.

They name the platform's resources (network, cluster, database), which have other names in each
account; none of them is a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from core.adapters.aws.errors import calling
from core.settings import PREFIX, load_balancer_of
from events.formats import Environment

FUNCTION_ROLES: Final = (
    *("creation", "update", "deletion", "promotion"),
    *("wakeup", "sweeper", "notifier", "mailer", "dlq-replayer"),
)
"""Functions of one environment, by what stands behind `async-processor-`."""
_ALARMS: Final = (
    *("site-creation-failed", "site-creation-slow", "promotion-failed", "wordpress-slow"),
    *("operations-stalled", "rollback-failed", "sweeper-heartbeat"),
    *("dead-letters", "dead-letters-many", "undeliverable", "undeliverable-many"),
    *("queue-age-creation", "queue-age-update", "queue-age-deletion", "queue-age-promotion"),
    *("queue-age-wakeup", "queue-age-notifier", "queue-age-mailer"),
)
_ALARMS_ON_EXPRESSIONS: Final = (
    *("site-creation-success", "wordpress-timeouts"),
    *("function-errors", "function-errors-many", "function-throttles"),
)
"""The stack makes them on AWS only: the one machine's CloudWatch has none of the kind."""


def function_name(environment: Environment, role: str) -> str:
    """Return the contract's name of a function."""
    return f"{environment}-bbws-async-processor-{role}"


def alarm_names(environment: Environment, *, one_machine: bool) -> list[str]:
    """Return the contract's names of the alarms that the stack makes there."""
    made = _ALARMS if one_machine else (*_ALARMS, *_ALARMS_ON_EXPRESSIONS)
    return [f"bbws-wp-{name}-{environment}" for name in made]


def deployed_settings(functions: Any, environment: Environment) -> Mapping[str, str]:
    """Return the settings (in lower case, without prefix) of the promotion's function.

    `functions` is a Lambda client. Raises what the call raises.
    """
    name = function_name(environment, "promotion")
    with calling("Lambda", f"function {name}"):
        answer = functions.get_function_configuration(FunctionName=name)
    variables = answer.get("Environment", {}).get("Variables", {})
    told = {
        key.removeprefix(PREFIX).lower(): str(value)
        for key, value in variables.items()
        if key.startswith(PREFIX)
    }
    listener = told.get("listener_arn")
    return {"load_balancer_arn": load_balancer_of(listener), **told} if listener else told
