"""TenantNetworks: a security group per tenant, which lets in the load balancer and the jobs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import ClassVar

import pytest
from botocore.stub import Stubber

from core.adapters.aws.networks import Ec2TenantNetworks
from core.adapters.memory.networks import MemoryTenantNetworks
from core.adapters.memory.sites import MemorySites
from core.adapters.memory.world import World
from core.adapters.site_networks import SiteNetworks
from core.domain.errors import ConfigurationError, TransientError
from core.ports.networks import TenantGroup, TenantNetworks
from events.formats import Environment
from tests.contract.backends import Aws, Backend, Memory
from tests.contract.test_load_balancer import Network

TAGS = {"Tenant": "tenant-1", "CostCenter": "AWS"}


def made(aws: Aws) -> Ec2TenantNetworks:
    """An environment with level 1 and, in a VPC of its own, level 2."""
    network = Network(aws)
    own = aws.clients.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    second = replace(network.place, level=2, vpc_id=own)
    networks = SiteNetworks(MemorySites(World()), [network.place, second])
    return Ec2TenantNetworks(clients=aws.clients, networks=networks, environment=Environment.PROD)


@pytest.fixture
def networks(backend: Backend) -> TenantNetworks:
    if isinstance(backend, Memory):
        backend.world.isolation_levels = frozenset({1, 2})
        return MemoryTenantNetworks(backend.world)
    return made(backend)


def test_the_levels_are_told(networks: TenantNetworks):
    assert networks.offered_levels() == {1, 2}


def test_ensuring_twice_finds_the_same_group(networks: TenantNetworks):
    first = networks.ensure_group("tenant-1", 1, TAGS)
    assert networks.ensure_group("tenant-1", 1, TAGS) == first
    assert networks.groups("tenant-1") == [TenantGroup(group_id=first, level=1)]


def test_each_tenant_and_each_level_has_its_own(networks: TenantNetworks):
    found = {
        networks.ensure_group(tenant, level, TAGS)
        for tenant in ("tenant-1", "tenant-10")
        for level in (1, 2)
    }
    assert len(found) == 4
    assert [group.level for group in networks.groups("tenant-1")] == [1, 2]


def test_deleting_twice_is_fine_and_takes_no_other(networks: TenantNetworks):
    networks.ensure_group("tenant-1", 1, TAGS)
    other = networks.ensure_group("tenant-10", 1, TAGS)
    assert networks.delete_group("tenant-1", 1)
    assert networks.delete_group("tenant-1", 1)
    assert networks.groups("tenant-1") == []
    assert networks.groups("tenant-10") == [TenantGroup(group_id=other, level=1)]


def rules(aws: Aws, group_id: str) -> list[tuple[int, int, set[str]]]:
    [group] = aws.clients.ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    return [
        (rule["FromPort"], rule["ToPort"], {pair["GroupId"] for pair in rule["UserIdGroupPairs"]})
        for rule in group["IpPermissions"]
    ]


def test_it_lets_in_the_load_balancer_and_the_jobs_and_nobody_else(aws: Aws):
    networks = made(aws)
    group = networks.ensure_group("tenant-1", 1, TAGS)
    other = networks.ensure_group("tenant-2", 1, TAGS)
    balancer = aws.clients.elbv2.describe_load_balancers()["LoadBalancers"][0]
    jobs = networks._networks.at(1).job_security_group_ids
    found = rules(aws, group)
    assert {(low, high) for low, high, _ in found} == {(80, 80)}
    let_in = set().union(*(sources for _, _, sources in found))
    assert let_in == {*balancer.get("SecurityGroups", []), *jobs}
    assert not let_in & {group, other, *networks._networks.at(1).security_group_ids}
    [described] = aws.clients.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert all(not rule.get("IpRanges") for rule in described["IpPermissions"])


def test_a_rule_that_is_missing_is_added(moto: Aws):
    """The emulator takes no rule away."""
    aws, networks = moto, made(moto)
    group = networks.ensure_group("tenant-1", 1, TAGS)
    [described] = aws.clients.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    for rule in described["IpPermissions"]:
        aws.clients.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule])
    assert rules(aws, group) == []
    networks.ensure_group("tenant-1", 1, TAGS)
    assert rules(aws, group) != []


def test_it_carries_the_tenant_s_tags(aws: Aws):
    group = made(aws).ensure_group("tenant-1", 2, TAGS)
    [described] = aws.clients.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    tags = {tag["Key"]: tag["Value"] for tag in described["Tags"]}
    assert tags == {"Name": "bbws-wp-prod-tenant-tenant-1", **TAGS}


def test_many_at_once_make_one_group(aws: Aws):
    networks = made(aws)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: networks.ensure_group("tenant-1", 1, TAGS), range(8)))
    assert len(set(found)) == 1


def test_a_level_that_is_not_offered_any_more_is_a_sentence(aws: Aws):
    with pytest.raises(ConfigurationError, match="IsolationLevels"):
        made(aws).ensure_group("tenant-1", 3, TAGS)


def test_a_group_that_containers_still_carry_stays(moto: Aws):
    """Neither moto nor the emulator refuses it, EC2 does."""
    networks = made(moto)
    group = networks.ensure_group("tenant-1", 1, TAGS)
    with Stubber(moto.clients.ec2) as ec2:
        found = {"SecurityGroups": [{"GroupId": group}]}
        ec2.add_response("describe_security_groups", found)
        ec2.add_client_error("delete_security_group", "DependencyViolation")
        assert not networks.delete_group("tenant-1", 1)
    assert networks.groups("tenant-1") == [TenantGroup(group_id=group, level=1)]


class TestWhatEc2ShowsLater:
    """A group that was made a moment ago may be found, or known, only moments later."""

    NONE: ClassVar = {"SecurityGroups": []}

    def test_a_new_group_is_used_by_its_id_without_being_found(self, moto: Aws):
        networks = made(moto)
        with Stubber(moto.clients.ec2) as ec2:
            ec2.add_response("describe_security_groups", self.NONE)
            ec2.add_response("create_security_group", {"GroupId": "sg-new"})
            for group_id in networks._let_in(networks._networks.at(1)):
                pairs = [{"GroupId": group_id}]
                rule = {
                    "IpProtocol": "tcp",
                    "FromPort": 80,
                    "ToPort": 80,
                    "UserIdGroupPairs": pairs,
                }
                expected = {"GroupId": "sg-new", "IpPermissions": [rule]}
                ec2.add_response("authorize_security_group_ingress", {}, expected)
            assert networks.ensure_group("tenant-1", 1, TAGS) == "sg-new"
            ec2.assert_no_pending_responses()

    def test_a_rule_for_a_group_that_is_not_known_yet_is_tried_again(self, moto: Aws):
        networks = made(moto)
        with Stubber(moto.clients.ec2) as ec2:
            ec2.add_response("describe_security_groups", self.NONE)
            ec2.add_response("create_security_group", {"GroupId": "sg-new"})
            ec2.add_client_error("authorize_security_group_ingress", "InvalidGroup.NotFound")
            with pytest.raises(TransientError, match="sg-new") as caught:
                networks.ensure_group("tenant-1", 1, TAGS)
        assert caught.value.retry_after_seconds == 5

    def test_another_worker_s_group_is_waited_for(self, moto: Aws):
        networks = made(moto)
        with Stubber(moto.clients.ec2) as ec2:
            ec2.add_response("describe_security_groups", self.NONE)
            ec2.add_client_error("create_security_group", "InvalidGroup.Duplicate")
            ec2.add_response("describe_security_groups", self.NONE)
            with pytest.raises(TransientError, match="tenant-1") as caught:
                networks.ensure_group("tenant-1", 1, TAGS)
        assert caught.value.retry_after_seconds == 5
