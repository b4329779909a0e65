"""A session that may write for one operation only.

The role's trust policy wants the session named after, and tagged with, the operation, and its
rights are spelt with that tag. AWS ends a session that was assumed from another one after an hour
at the latest; it is made anew when it is about to end, however long an upload takes.
"""

from __future__ import annotations

from typing import Final

from boto3.session import Session
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    Credentials,
    DeferredRefreshableCredentials,
)
from botocore.session import get_session

OPERATION_TAG: Final = "operation"
SESSION_SECONDS: Final = 3600
"""The longest that AWS gives a session assumed from a session."""


def writing_session(role_arn: str, operation_id: str) -> Session:
    """Return a session under the role for this operation; nothing is asked before its first use."""
    session = get_session()
    provider = _Writer(role_arn, operation_id)
    session.register_component("credential_provider", CredentialResolver([provider]))
    return Session(botocore_session=session)


class _Writer(CredentialProvider):
    """Credentials of the role, from the task's own."""

    METHOD = "assume-role"

    def __init__(self, role_arn: str, operation_id: str) -> None:
        super().__init__()
        self._role_arn = role_arn
        self._operation_id = operation_id

    def load(self) -> Credentials:
        own = get_session()
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=own.create_client,
            source_credentials=own.get_credentials(),
            role_arn=self._role_arn,
            extra_args={
                "RoleSessionName": self._operation_id,
                "DurationSeconds": SESSION_SECONDS,
                "Tags": [{"Key": OPERATION_TAG, "Value": self._operation_id}],
            },
        )
        return DeferredRefreshableCredentials(
            refresh_using=fetcher.fetch_credentials, method=self.METHOD
        )
