"""Three accounts with their stacks, and everybody's way in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import boto3
from local_calls import DEV, OPERATION

from core.adapters.aws.session import AwsClients, SourceAccount
from core.adapters.aws.sites import DynamoSites
from core.adapters.system import SystemClock
from core.domain.site import Site
from events.formats import Environment
from events.vocabulary import SiteStatus
from local import build, deploy, registry
from local.cloud import Cloud, clouds
from local.emulator import REGION, Emulator, find_program
from local.layout import CHECKOUT, Layout
from local.mariadb import DatabaseServer
from local.network import free_ports
from local.people import PersonKey, make_people
from local.platform import Platform, make_platform
from local.processes import Processes

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

    def variables(self, environment: str, name: str) -> dict[str, str]:
        """The environment variables of a deployed function."""
        client = self.clouds[environment]._make("lambda")
        function = f"{environment}-bbws-async-processor-{name}"
        return client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]

    def put_site(self, environment: str, tenant_id: str, site_id: str) -> None:
        """Record a site that has no release."""
        now = SystemClock().now()
        site = Site(
            tenant_id=tenant_id,
            site_id=site_id,
            site_name="Bakery",
            subdomain="bakery",
            environment=Environment(environment),
            status=SiteStatus.ACTIVE,
            created_at=now,
            updated_at=now,
        )
        sites = DynamoSites(self.clouds[environment].dynamodb, "sites")
        sites.put(site, expected_version=None)

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


@contextmanager
def deployed(home: Path) -> Iterator[Fleet]:
    """Start an emulator with the stacks of all three accounts; AWS_ENDPOINT_URL names it."""
    shared = CHECKOUT / ".sitefleet" / "cache"
    shared.mkdir(parents=True, exist_ok=True)
    (home / "cache").symlink_to(shared)
    layout = Layout.from_environ({"SITEFLEET_HOME": str(home)})
    layout.make()
    processes = Processes(layout.processes, layout.logs)
    port, https_port = free_ports(2)
    emulator = Emulator(
        program=find_program(), port=port, https_port=https_port, https_names=("none.example",)
    )
    try:
        built = build.ensure_build(layout)
        emulator.start(layout, processes)
        accounts = clouds(emulator.endpoint)
        platforms = {}
        for name, cloud in accounts.items():
            registry.make_repository(cloud)
            server = DatabaseServer(environment=name, port=3306, password="none")
            platforms[name] = make_platform(cloud, server, proxy_port=8080)
        registry.push_images(accounts["dev"])
        deploy.deploy_everywhere(accounts, platforms, built, "/ca.pem")
        people = {name: make_people(cloud) for name, cloud in accounts.items()}
        environment = {"AWS_ENDPOINT_URL": emulator.endpoint, "AWS_DEFAULT_REGION": REGION}
        with patch.dict(os.environ, environment):
            yield Fleet(clouds=accounts, platforms=platforms, people=people)
    finally:
        processes.stop(processes.all())
        layout.remove_data()
