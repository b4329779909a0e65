"""Levels of isolation: network, load balancer, database and jobs follow the site's level."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.adapters.aws.containers import EcsContainers
from core.adapters.aws.dns import Route53Dns
from core.adapters.aws.jobs import EcsJobs
from core.adapters.aws.load_balancer import ElbLoadBalancer
from core.adapters.aws.networks import Ec2TenantNetworks
from core.adapters.aws.secrets import SecretsManagerSecrets
from core.adapters.memory.sites import MemorySites
from core.adapters.memory.world import World
from core.adapters.site_networks import SiteNetwork, SiteNetworks, networks_of
from core.domain.errors import ConfigurationError
from core.domain.names import SiteNames
from core.domain.site import Site
from core.ports.jobs import Where
from core.ports.platform import ReleaseService
from events.formats import Environment
from events.vocabulary import SiteStatus
from tests.contract.backends import Aws
from tests.contract.test_containers import DIGEST, SETTINGS
from tests.contract.test_jobs import LOCATION, REFERENCE, place_in
from tests.contract.test_load_balancer import Network

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
HOST = "banana.wp.kimmyai.io"


class Levels:
    """An environment with three networks, and one site at each level."""

    def __init__(self, aws: Aws) -> None:
        self.aws, self.world = aws, World(environment=Environment.PROD)
        shared = Network(aws).place
        self.networks = SiteNetworks(
            MemorySites(self.world),
            [
                shared,
                replace(self._network(2), database_endpoint=shared.database_endpoint),
                replace(self._network(3), database_admin_secret="bbws/prod/level3/admin"),
            ],
        )
        for level in (1, 2, 3):
            site = Site(
                tenant_id="tenant-1",
                site_id=f"site-{level}",
                environment=Environment.PROD,
                site_name="",
                subdomain="",
                status=SiteStatus.PROVISIONING,
                isolation_level=level,
                created_at=NOW,
                updated_at=NOW,
            )
            self.world.sites["tenant-1", site.site_id] = site

    def site(self, level: int) -> SiteNames:
        return SiteNames(
            environment=Environment.PROD, tenant_id="tenant-1", site_id=f"site-{level}"
        )

    @property
    def balancer(self) -> ElbLoadBalancer:
        return ElbLoadBalancer(clients=self.aws.clients, networks=self.networks)

    def _network(self, level: int) -> SiteNetwork:
        ec2, elb = self.aws.clients.ec2, self.aws.clients.elbv2
        vpc = ec2.create_vpc(CidrBlock=f"10.{level}.0.0/16")["Vpc"]["VpcId"]
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        subnets = [
            ec2.create_subnet(
                VpcId=vpc,
                CidrBlock=f"10.{level}.{number}.0/24",
                AvailabilityZone=f"af-south-1{'ab'[number]}",
            )["Subnet"]["SubnetId"]
            for number in (0, 1)
        ]
        group = ec2.create_security_group(GroupName="base", Description="base", VpcId=vpc)
        jobs = ec2.create_security_group(GroupName="jobs", Description="jobs", VpcId=vpc)
        balancer = elb.create_load_balancer(Name=f"alb-level{level}", Subnets=subnets)
        arn = balancer["LoadBalancers"][0]["LoadBalancerArn"]
        answer = {"MessageBody": "no such site", "StatusCode": "404"}
        listener = elb.create_listener(
            LoadBalancerArn=arn,
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": answer}],
        )
        return SiteNetwork(
            level=level,
            vpc_id=vpc,
            subnet_ids=tuple(subnets),
            security_group_ids=(group["GroupId"],),
            job_security_group_ids=(jobs["GroupId"],),
            load_balancer_arn=arn,
            listener_arn=listener["Listeners"][0]["ListenerArn"],
            database_endpoint=f"level{level}.example:3306",
        )


@pytest.fixture
def levels(moto: Aws) -> Levels:
    return Levels(moto)


@pytest.mark.parametrize("level", [1, 2, 3])
class TestFollows:
    def test_the_service_runs_in_the_level_s_network_behind_its_load_balancer(self, levels, level):
        aws, place = levels.aws, levels.networks.at(level)
        release = levels.site(level).release(1)
        aws.clients.ecs.create_cluster(clusterName="cluster")
        containers = EcsContainers(
            clients=aws.clients, cluster="cluster", networks=levels.networks, task=SETTINGS
        )
        group = levels.balancer.ensure_target_group(release, {})
        networks = Ec2TenantNetworks(
            clients=aws.clients, networks=levels.networks, environment=Environment.PROD
        )
        service = ReleaseService(
            names=release,
            site_url=f"https://{HOST}",
            image_digest=DIGEST,
            database_secret_arn="arn:db",
            salts_secret_arn="arn:salts",
            access_point_id="fsap-1",
            target_group_arn=group,
            tenant_group_id=networks.ensure_group("tenant-1", level, {"Tenant": "tenant-1"}),
        )
        containers.ensure_service(service, containers.ensure_task_definition(service))
        [made] = aws.clients.ecs.describe_services(cluster="cluster", services=[release.service])[
            "services"
        ]
        network = made["networkConfiguration"]["awsvpcConfiguration"]
        assert network["subnets"] == list(place.subnet_ids)
        assert network["securityGroups"] == [*place.security_group_ids, service.tenant_group_id]
        [described] = aws.clients.elbv2.describe_target_groups(TargetGroupArns=[group])[
            "TargetGroups"
        ]
        assert described["VpcId"] == place.vpc_id

    def test_the_rule_is_on_the_level_s_listener_and_the_name_leads_there(self, levels, level):
        aws, place, balancer = levels.aws, levels.networks.at(level), levels.balancer
        group = balancer.ensure_target_group(levels.site(level).release(1), {})
        rule = balancer.create_rule(HOST, group, {})
        assert balancer.create_rule(HOST, group, {}) == balancer.find_rule(HOST) == rule
        hosts = [
            condition["HostHeaderConfig"]["Values"][0]
            for found in aws.clients.elbv2.describe_rules(ListenerArn=place.listener_arn)["Rules"]
            for condition in found["Conditions"]
        ]
        assert HOST in hosts
        zone = aws.clients.route53.create_hosted_zone(Name="wp.kimmyai.io", CallerReference="1")
        dns = Route53Dns(
            clients=aws.clients,
            hosted_zone_id=zone["HostedZone"]["Id"].rpartition("/")[2],
            load_balancer_of=balancer.load_balancer_of,
        )
        dns.point_at_load_balancer(HOST)
        [own] = aws.clients.elbv2.describe_load_balancers(
            LoadBalancerArns=[place.load_balancer_arn]
        )["LoadBalancers"]
        assert dns.find(HOST).target == own["DNSName"].lower()
        assert balancer.address(HOST) == f"{own['DNSName']}:80"
        balancer.delete_rule(HOST)
        assert balancer.find_rule(HOST) is None

    def test_the_secret_names_the_level_s_database(self, levels, level):
        secrets = SecretsManagerSecrets(clients=levels.aws.clients, networks=levels.networks)
        arn = secrets.ensure_database_secret(levels.site(level), {})
        value = levels.aws.clients.secretsmanager.get_secret_value(SecretId=arn)["SecretString"]
        endpoint = f"{json.loads(value)['host']}:{json.loads(value)['port']}"
        expected = {1: "db.example:3307", 2: "db.example:3307", 3: "level3.example:3306"}
        assert endpoint == expected[level]

    def test_jobs_run_where_the_database_is_reached(self, levels, level):
        aws, place = levels.aws, levels.networks.at(level)
        here = place_in(aws, aws.account_id)
        jobs = EcsJobs(clients=aws.clients, here=here, networks=levels.networks)
        request = {}
        aws.clients.ecs.meta.events.register(
            "provide-client-params.ecs.RunTask", lambda params, **_: request.update(params)
        )
        jobs.start(Where.HERE, REFERENCE, LOCATION, tenant_id="tenant-1", site_id=f"site-{level}")
        network = request["networkConfiguration"]["awsvpcConfiguration"]
        assert network["subnets"] == list(place.subnet_ids)
        assert network["securityGroups"] == list(place.job_security_group_ids)
        variables = request["overrides"]["containerOverrides"][0].get("environment", [])
        admin = {"name": "MIGRATOR_DATABASE_ADMIN_SECRET", "value": "bbws/prod/level3/admin"}
        assert variables == ([admin] if level == 3 else [])


def test_a_site_at_a_level_that_is_not_offered_any_more_is_a_sentence(levels: Levels):
    fewer = SiteNetworks(MemorySites(levels.world), [levels.networks.at(1), levels.networks.at(2)])
    with pytest.raises(ConfigurationError, match="Isolation level 3 is not among"):
        fewer.of("tenant-1", "site-3")


def test_the_load_balancer_of_a_level_follows_from_its_listener(settings):
    shared, second = networks_of(settings)
    assert (shared.level, second.level) == (1, 2)
    arn = "arn:aws:elasticloadbalancing:af-south-1:536580886816"
    assert second.load_balancer_arn == f"{arn}:loadbalancer/app/alb-level2/1234"
    assert shared.load_balancer_arn == f"{arn}:loadbalancer/app/alb/12"
    assert second.database_endpoint == shared.database_endpoint


def test_only_one_machine_has_room_for_more_target_groups_than_aws(settings_with):
    raised = {"SITEFLEET_LISTENER_RULE_QUOTA": "5000"}
    assert settings_with(**raised).target_group_quota == 100
    there = settings_with(**raised, AWS_ENDPOINT_URL="http://127.0.0.1:4566")
    assert there.target_group_quota == 5000


def test_level_3_without_a_database_of_its_own_is_refused(settings_with):
    with pytest.raises(ConfigurationError, match="level_3 needs a database_endpoint"):
        settings_with(SITEFLEET_LEVEL_3=LEVEL)


LEVEL = json.dumps(
    {
        "vpc_id": "vpc-2",
        "subnet_ids": "subnet-1,subnet-2",
        "security_group_ids": "sg-1",
        "job_security_group_ids": "sg-2",
        "listener_arn": "arn:aws:elasticloadbalancing:af-south-1:536580886816"
        ":listener/app/alb-level2/1234/5678",
    }
)


@pytest.fixture
def settings_with():
    from core.settings import Settings  # noqa: PLC0415 - beside what it is used for

    required = {
        f"SITEFLEET_{name.upper()}": "x:3306"
        for name, one in Settings.model_fields.items()
        if one.is_required()
    }
    balancers = "arn:aws:elasticloadbalancing:af-south-1:536580886816:listener/app"
    required |= {
        "SITEFLEET_ENVIRONMENT": "dev",
        "SITEFLEET_ACCOUNT_ID": "536580886816",
        "SITEFLEET_LISTENER_ARN": f"{balancers}/alb/12/34",
    }

    def make(**more: str) -> Settings:
        return Settings.from_environ({**required, **more})

    return make


@pytest.fixture
def settings(settings_with):
    return settings_with(SITEFLEET_LEVEL_2=LEVEL, SITEFLEET_LEVEL_3="")
