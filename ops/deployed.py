"""What the stack was deployed with: the settings of one of its functions, read where it runs.

They name the platform's resources (network, cluster, database), which have other names in each
account; none of them is a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from core.adapters.aws.errors import calling
from core.settings import PREFIX
from events.formats import Environment

FUNCTION_ROLES: Final = (
    *("creation", "update", "deletion", "promotion"),
    *("wakeup", "sweeper", "notifier", "mailer"),
)
"""Functions of one environment, by what stands behind `async-processor-`."""


def function_name(environment: Environment, role: str) -> str:
    """Return the contract's name of a function."""
    return f"{environment}-bbws-async-processor-{role}"


def deployed_settings(functions: Any, environment: Environment) -> Mapping[str, str]:
    """Return the settings (in lower case, without prefix) of the promotion's function.

    `functions` is a Lambda client. Raises what the call raises.
    """
    name = function_name(environment, "promotion")
    with calling("Lambda", f"function {name}"):
        answer = functions.get_function_configuration(FunctionName=name)
    variables = answer.get("Environment", {}).get("Variables", {})
    return {
        key.removeprefix(PREFIX).lower(): str(value)
        for key, value in variables.items()
        if key.startswith(PREFIX)
    }
