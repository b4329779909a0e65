"""Mail through SES."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.adapters.aws.errors import calling
from core.adapters.aws.session import AwsClients
from core.domain.errors import SitefleetError, TransientError
from core.ports.mail import Letter

if TYPE_CHECKING:
    from mypy_boto3_sesv2.type_defs import SendEmailRequestTypeDef


class SesMail:
    """Sends with one identity and, where there is one, one configuration set.

    Bounces and complaints are the affair of SES: its suppression list, and the event destinations
    of the configuration set.
    """

    def __init__(self, *, clients: AwsClients, sender: str, configuration_set: str = "") -> None:
        self._clients = clients
        self._sender = sender
        self._configuration_set = configuration_set

    def send(self, letter: Letter) -> None:
        request: SendEmailRequestTypeDef = {
            "FromEmailAddress": self._sender,
            "Destination": {"ToAddresses": list(letter.to)},
            "Content": {
                "Simple": {
                    "Subject": {"Data": letter.subject, "Charset": "UTF-8"},
                    "Body": {
                        "Html": {"Data": letter.html, "Charset": "UTF-8"},
                        "Text": {"Data": letter.text, "Charset": "UTF-8"},
                    },
                }
            },
        }
        if self._configuration_set:
            request["ConfigurationSetName"] = self._configuration_set
        with _naming_no_address():
            self._clients.sesv2.send_email(**request)


@contextmanager
def _naming_no_address() -> Iterator[None]:
    """SES writes addresses into its error messages, and errors are logged: keep the code only."""
    try:
        with calling("SES", "a mail"):
            yield
    except TransientError as error:
        raise TransientError(f"SES did not take a mail this time ({_code(error)}).") from None
    except SitefleetError as error:
        raise SitefleetError(
            f"SES refused a mail ({_code(error)}). Check the sender's identity, the configuration "
            "set, and whether the account has left the sandbox."
        ) from None


def _code(error: SitefleetError) -> str:
    answer = getattr(error.__cause__, "response", {})
    return str(answer.get("Error", {}).get("Code") or type(error.__cause__).__name__)
