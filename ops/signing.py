"""Whose word it is: the credentials of the person who runs the command, and the proof they make.

Neither credentials nor proofs are ever printed, logged or kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from boto3.session import Session
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError

from core.adapters.aws.errors import calling
from core.adapters.aws.session import client_config
from core.domain.proof import ProofBinding, proof_digest
from ops.connection import Connection
from ops.desk import Desk
from ops.errors import BadInputError
from ops.one_machine import AccountKey
from ops.proof import signed_proof
from ops.wording import listed

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient


@dataclass(frozen=True, kw_only=True)
class Signer:
    """Somebody who can sign, and what AWS calls them."""

    principal: str
    """The ARN that AWS names for these credentials."""
    credentials: ReadOnlyCredentials = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Proven:
    """A proof, and by what it is found again once the fleet has stored its verdict."""

    headers: dict[str, str] = field(repr=False)
    digest: str


def signer_of(connection: Connection, person: str | None) -> Signer:
    """Return the caller, or on one machine the person who is named; asks AWS who that is."""
    session = _session(connection, person)
    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    client: STSClient = session.client(
        "sts", endpoint_url=connection.place.endpoint_url, config=client_config()
    )
    with calling("STS", "the identity of whoever signs"):
        principal = client.get_caller_identity()["Arn"]
    return Signer(principal=principal, credentials=credentials.get_frozen_credentials())


def prove(desk: Desk, connection: Connection, signer: Signer, binding: ProofBinding) -> Proven:
    """Make the proof that this signer decides exactly this, now."""
    headers = signed_proof(
        signer.credentials,
        connection.region,
        connection.place.endpoint_url,
        binding,
        desk.clock.now(),
    )
    return Proven(headers=headers, digest=proof_digest(headers))


# --- inside ---------------------------------------------------------------------------------


def _session(connection: Connection, person: str | None) -> Session:
    machine = connection.place.machine
    if machine is None:
        if person is not None:
            raise BadInputError(
                "--as names a person of the one-machine runtime. On AWS you sign with your own "
                "credentials: choose them with --profile. Nothing was sent."
            )
        return connection.session
    people = machine.people.get(connection.environment, {})
    if person is None or person not in people:
        who = "Say who you are" if person is None else f"There is no {person} here"
        raise BadInputError(
            f"{who}: --as one of {listed(sorted(people))}. These are the people of the "
            f"one-machine runtime in {connection.environment}. Nothing was sent."
        )
    return session_of(people[person], connection.region)


def session_of(key: AccountKey, region: str) -> Session:
    """Return a session with a person's key."""
    return Session(
        region_name=region,
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret_access_key,
        aws_session_token=key.session_token,
    )
