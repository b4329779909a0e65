"""Three accounts with their stacks, and everybody's way in."""

from __future__ import annotations

from dataclasses import dataclass

import boto3
from local_calls import DEV, OPERATION

from core.adapters.aws.session import AwsClients, SourceAccount
from core.adapters.system import SystemClock
from local.cloud import Cloud
from local.emulator import REGION
from local.people import PersonKey
from local.platform import Platform

SOURCE_ROLE = f"arn:aws:iam::{DEV}:role/bbws-wp-promotion-source-dev"


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Three accounts with their stacks, and everybody's way in."""

    clouds: dict[str, Cloud]
    platforms: dict[str, Platform]
    people: dict[str, dict[str, PersonKey]]

    @property
    def endpoint(self) -> str:
        return self.clouds["dev"].endpoint

    def role(self, environment: str, name: str) -> AwsClients:
        """The clients of a role's session, as Lambda or ECS hands them out."""
        cloud = self.clouds[environment]
        arn = f"arn:aws:iam::{cloud.account.account_id}:role/{name}"
        given = cloud.sts.assume_role(RoleArn=arn, RoleSessionName="session")
        return AwsClients(region=REGION, credentials=given["Credentials"])

    def function(self, environment: str, name: str) -> AwsClients:
        return self.role(environment, f"{environment}-bbws-async-processor-{name}")

    def way_in(self) -> SourceAccount:
        """The target's way into the source, with the fleet's own code."""
        return SourceAccount(
            home=self.function("sit", "promotion"),
            role_arn=SOURCE_ROLE,
            external_id_secret="bbws/sit/promotion/external-id",
            clock=SystemClock(),
        )

    def source(self) -> AwsClients:
        return self.way_in().clients(OPERATION)

    def external_id(self) -> str:
        secrets = self.clouds["sit"].secretsmanager
        return secrets.get_secret_value(SecretId="bbws/sit/promotion/external-id")["SecretString"]


def session_client(clients: AwsClients, service: str):
    """A client of any service with the credentials of these clients."""
    return clients._session.client(service)


def of_person(fleet: Fleet, key: PersonKey):
    session = boto3.Session(
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret_access_key,
        region_name=REGION,
    )
    return lambda name: session.client(name, endpoint_url=fleet.endpoint)
