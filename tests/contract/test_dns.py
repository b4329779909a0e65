"""Dns: the record of a site's name."""

from __future__ import annotations

import pytest

from core.adapters.aws.dns import Route53Dns
from core.adapters.memory.dns import MemoryDns
from core.domain.errors import SitefleetError
from core.ports.platform import Dns, DnsRecord
from tests.contract.backends import Aws, Backend, Memory
from tests.contract.test_load_balancer import Network

NAME = "banana.wp.kimmyai.io"


class Zone:
    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.network = Network(aws)
        self.zone_id = aws.clients.route53.create_hosted_zone(
            Name="wp.kimmyai.io", CallerReference="tests"
        )["HostedZone"]["Id"].rpartition("/")[2]
        self.dns = Route53Dns(
            clients=aws.clients,
            hosted_zone_id=self.zone_id,
            load_balancer_of=lambda _: self.network.arn,
        )

    def put(self, record_type: str, value: str) -> None:
        record = {
            "Name": NAME,
            "Type": record_type,
            "TTL": 300,
            "ResourceRecords": [{"Value": value}],
        }
        self.aws.clients.route53.change_resource_record_sets(
            HostedZoneId=self.zone_id,
            ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]},
        )


@pytest.fixture
def zone(aws: Aws) -> Zone:
    return Zone(aws)


@pytest.fixture
def dns(backend: Backend) -> Dns:
    return MemoryDns(backend.world) if isinstance(backend, Memory) else Zone(backend).dns


def test_a_name_without_a_record_has_none(dns: Dns):
    assert dns.find(NAME) is None


def test_pointing_twice_changes_something_once(dns: Dns):
    assert dns.point_at_load_balancer(NAME) is not None
    record = dns.find(NAME)
    assert record is not None
    assert (record.name, record.kind) == (NAME, "ALIAS")
    assert dns.point_at_load_balancer(NAME) is None
    assert dns.find(NAME) == record


def test_a_change_is_in_sync_after_some_time(backend: Backend, dns: Dns):
    change = dns.point_at_load_balancer(NAME)
    assert change is not None
    if isinstance(backend, Memory):
        assert not dns.in_sync(change)
        backend.clock.advance(30)
    assert any(dns.in_sync(change) for _ in range(5))


def test_restoring_nothing_removes_the_record(dns: Dns):
    dns.point_at_load_balancer(NAME)
    dns.restore(NAME, None)
    dns.restore(NAME, None)
    assert dns.find(NAME) is None


@pytest.mark.parametrize("kind", ["ALIAS", "CNAME"])
def test_restoring_puts_the_former_record_back(dns: Dns, kind: str):
    zone_id = "Z0000000OTHER" if kind == "ALIAS" else None
    former = DnsRecord(name=NAME, target="old.example.org", kind=kind, zone_id=zone_id)
    dns.restore(NAME, former)
    assert dns.find(NAME) == former
    assert dns.point_at_load_balancer(NAME) is not None
    assert dns.find(NAME) != former
    dns.restore(NAME, former)
    dns.restore(NAME, former)
    assert dns.find(NAME) == former


def test_a_neighbours_record_is_not_taken_for_the_names(dns: Dns):
    dns.point_at_load_balancer("cherry.wp.kimmyai.io")
    assert dns.find(NAME) is None


def test_a_record_with_plain_addresses_is_refused_with_a_sentence(zone: Zone):
    zone.put("A", "192.0.2.1")
    with pytest.raises(SitefleetError, match="plain addresses"):
        zone.dns.find(NAME)


def test_the_alias_points_at_the_load_balancers_own_zone(aws: Aws, zone: Zone):
    zone.dns.point_at_load_balancer(NAME)
    balancer = aws.clients.elbv2.describe_load_balancers(LoadBalancerArns=[zone.network.arn])
    found = zone.dns.find(NAME)
    assert found is not None
    assert found.target == zone.network.dns_name.lower()
    assert found.zone_id == balancer["LoadBalancers"][0]["CanonicalHostedZoneId"]
