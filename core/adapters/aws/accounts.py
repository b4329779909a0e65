"""The account guard: whose credentials these are."""

from __future__ import annotations

from core.adapters.aws.errors import calling
from core.adapters.aws.session import AwsClients


class StsAccounts:
    """Asks STS, which nobody can answer for but AWS."""

    def __init__(self, *, clients: AwsClients) -> None:
        self._clients = clients

    def current(self) -> str:
        with calling("STS", "the caller's identity"):
            return self._clients.sts.get_caller_identity()["Account"]
