"""The engine that the functions have, in an operator's hands: so that a forecast is exact.

Its settings are those of the deployed replayer; its calls are made with the operator's own rights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import structlog
from botocore.exceptions import ClientError

from core.adapters.aws.errors import DENIED_CODES, calling, code_of
from core.adapters.aws.session import AwsClients
from core.bootstrap import Fleet, fleet
from core.domain.errors import ConfigurationError
from core.letter_room import LetterRoom
from ops.connection import Connection

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

NEEDED: Final = "lambda:GetFunctionConfiguration"


def letters_of(connection: Connection) -> LetterRoom:
    """Return what works on the dead letters of an environment."""
    found = fleet_of(connection).letters
    if found is None:
        raise ConfigurationError(
            f"The replayer of {connection.environment} has no settings for dead letters "
            "(SITEFLEET_LETTERS_...). Deploy the stack again."
        )
    return found


def fleet_of(connection: Connection) -> Fleet:
    """Return the fleet as the deployed replayer has it; raises ConfigurationError."""
    structlog.configure(processors=[_silence])
    variables = replayer_variables(connection)
    endpoint_url = connection.place.endpoint_url
    clients = AwsClients(
        region=connection.region, session=connection.session, endpoint_url=endpoint_url
    )
    return fleet({**variables, "AWS_ENDPOINT_URL": endpoint_url or ""}, clients)


def replayer_variables(connection: Connection) -> Mapping[str, str]:
    """Return the environment variables of the deployed replayer."""
    name = f"{connection.environment}-bbws-async-processor-dlq-replayer"
    client: LambdaClient = connection.client("lambda")
    with calling("Lambda", f"function {name}"):
        try:
            found = client.get_function_configuration(FunctionName=name)
        except ClientError as error:
            if code_of(error) in DENIED_CODES:
                raise ConfigurationError(
                    f"You may not read the settings of {name}, which the letters are read with: "
                    f"these credentials need {NEEDED} on it."
                ) from error
            raise
    return found.get("Environment", {}).get("Variables", {})


def _silence(*_: object) -> str:
    """The engine's own log lines are the functions'; a command says what it does itself."""
    raise structlog.DropEvent
