"""The places a port's one test body runs over: memory, moto, and the emulator when there is one.

`memory`    the twins of core/adapters/memory
`moto`      the AWS adapters over moto, in this process
`emulator`  the AWS adapters over the one-machine runtime's emulator, started by conftest.py (or at
            SITEFLEET_TEST_ENDPOINT); every test works in an account of its own
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest.mock import patch

from moto import mock_aws

from core.adapters.aws.session import AwsClients, SourceAccount
from core.adapters.memory.clock import ManualClock
from core.adapters.memory.world import World
from events.formats import Environment

REGION = "af-south-1"
ENDPOINT_VARIABLE = "SITEFLEET_TEST_ENDPOINT"
ROLE = "sitefleet-source"
EXTERNAL_ID_SECRET = "sitefleet/external-id"


@dataclass
class Memory:
    """Two worlds: the promotion's target and its source."""

    name = "memory"
    clock: ManualClock = field(default_factory=ManualClock)
    source: World = field(init=False)
    world: World = field(init=False)

    def __post_init__(self) -> None:
        self.source = World(environment=Environment.SIT, clock=self.clock)
        self.world = World(environment=Environment.PROD, clock=self.clock, source=self.source)


@dataclass
class Aws:
    """Clients of two accounts, real in everything but what answers them."""

    name: str
    account_id: str
    source_account_id: str
    clients: AwsClients
    clock: ManualClock = field(default_factory=ManualClock)

    def clients_of(self, account_id: str) -> AwsClients:
        """Clients with an administrator's credentials in an account.

        The emulator takes a 12-digit key for the account; moto goes by the assumed role.
        """
        if self.name == "emulator":
            key = {"AccessKeyId": account_id, "SecretAccessKey": "test", "SessionToken": "test"}
            return AwsClients(region=REGION, credentials=key)  # type: ignore[arg-type]
        assumed = self.clients.sts.assume_role(
            RoleArn=f"arn:aws:iam::{account_id}:role/admin", RoleSessionName="tests"
        )
        return AwsClients(region=REGION, credentials=assumed["Credentials"])

    def source_account(self) -> SourceAccount:
        """The way into the source's account: a role there, and its external id here."""
        self.clients.secretsmanager.create_secret(Name=EXTERNAL_ID_SECRET, SecretString="ext-1")
        return SourceAccount(
            home=self.clients,
            role_arn=f"arn:aws:iam::{self.source_account_id}:role/{ROLE}",
            external_id_secret=EXTERNAL_ID_SECRET,
            clock=self.clock,
        )

    def make_table(self, name: str) -> str:
        self.clients.dynamodb.create_table(
            TableName=name,
            KeySchema=[
                {"AttributeName": "PK", "KeyType": "HASH"},
                {"AttributeName": "SK", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "PK", "AttributeType": "S"},
                {"AttributeName": "SK", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        return name

    def make_bucket(self, name: str) -> str:
        bucket = f"{name}-{self.account_id}"
        self.clients.s3.create_bucket(
            Bucket=bucket,
            CreateBucketConfiguration={"LocationConstraint": REGION},  # type: ignore[typeddict-item]
        )
        return bucket


type Backend = Memory | Aws
type Opener = Callable[[], Iterator[Backend]]


@contextmanager
def opened(name: str) -> Iterator[Backend]:
    """Open one backend for one test."""
    if name == "memory":
        yield Memory()
    elif name == "moto":
        yield from _moto()
    else:
        yield from _emulator()


def _moto() -> Iterator[Backend]:
    account, source = "123456789012", "111122223333"
    with patch.dict(os.environ, _environment(account)), mock_aws():
        os.environ.pop("AWS_ENDPOINT_URL", None)
        yield Aws("moto", account, source, AwsClients(region=REGION))


def _emulator() -> Iterator[Backend]:
    endpoint = os.environ[ENDPOINT_VARIABLE]
    account, source = _new_account(), _new_account()
    environment = {**_environment(account), "AWS_ENDPOINT_URL": endpoint}
    with patch.dict(os.environ, environment):
        yield Aws("emulator", account, source, AwsClients(region=REGION))


def _new_account() -> str:
    return str(secrets.randbelow(9 * 10**11) + 10**11)


def _environment(account: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
