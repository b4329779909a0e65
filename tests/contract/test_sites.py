"""SiteStore: the sites table and its twin."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from core.adapters.aws.sites import DynamoSites
from core.adapters.memory.sites import MemorySites
from core.domain.errors import SitefleetError, TransientError
from core.domain.site import Release, ReleaseStatus, Site
from core.ports.sites import PlaceClaim, SiteStore
from events.formats import Environment
from events.vocabulary import SiteStatus
from tests.contract.backends import Aws, Backend, Memory

NOW = datetime(2026, 11, 21, 8, 0, 0, 123456, tzinfo=UTC)

SITE = Site(
    tenant_id="tenant-1",
    site_id="site-1",
    environment=Environment.SIT,
    site_name="Café Banane 🍌",
    subdomain="banana",
    status=SiteStatus.PROVISIONING,
    created_at=NOW,
    updated_at=NOW,
)
RELEASE = Release(
    tenant_id="tenant-1",
    site_id="site-1",
    number=1,
    status=ReleaseStatus.BUILDING,
    operation_id="operation-1",
    schema="s_abc_r1",
    content_root="/tenant-1/abc/r1",
    created_at=NOW,
    updated_at=NOW,
)


@pytest.fixture
def sites(backend: Backend) -> SiteStore:
    if isinstance(backend, Memory):
        return MemorySites(backend.world)
    return DynamoSites(backend.clients.dynamodb, backend.make_table("sites"))


class TestSites:
    def test_a_site_that_was_never_put_is_none(self, sites: SiteStore):
        assert sites.get("tenant-1", "site-1") is None

    def test_many_are_read_together_and_those_that_are_not_there_are_left_out(self, sites):
        """More than a hundred: DynamoDB takes no more in one read."""
        put = [replace(SITE, site_id=f"site-{number}") for number in range(120)]
        for site in put:
            sites.put(site, expected_version=None)
        asked = [(site.tenant_id, site.site_id) for site in put]
        found = sites.get_many([*asked, ("tenant-1", "site-none"), ("tenant-2", "site-1")])
        assert sorted(found, key=lambda s: s.site_id) == sorted(put, key=lambda s: s.site_id)
        assert list(sites.get_many([])) == []

    def test_a_site_comes_back_as_it_was_put(self, sites: SiteStore):
        whole = replace(
            SITE,
            live_release=3,
            last_release=4,
            isolation_level=2,
            read_only=True,
            wordpress_version="6.5",
            php_version="8.2",
            failure_reason="it rained",
            desired_count=3,
            cpu_units=1024,
            memory_mib=2048,
        )
        sites.put(whole, expected_version=None)
        assert sites.get("tenant-1", "site-1") == whole

    def test_a_field_that_becomes_none_is_none_when_read(self, sites: SiteStore):
        sites.put(replace(SITE, failure_reason="it rained"), expected_version=None)
        later = replace(SITE, version=2, failure_reason=None)
        sites.put(later, expected_version=1)
        assert sites.get("tenant-1", "site-1") == later

    def test_putting_the_same_site_twice_is_a_success(self, sites: SiteStore):
        sites.put(SITE, expected_version=None)
        sites.put(SITE, expected_version=None)
        later = replace(SITE, version=2, status=SiteStatus.ACTIVE)
        sites.put(later, expected_version=1)
        sites.put(later, expected_version=1)
        assert sites.get("tenant-1", "site-1") == later

    def test_a_second_first_write_is_refused(self, sites: SiteStore):
        sites.put(SITE, expected_version=None)
        with pytest.raises(TransientError, match="changed by somebody else: its version is 1"):
            sites.put(replace(SITE, site_name="Other"), expected_version=None)
        assert sites.get("tenant-1", "site-1") == SITE

    def test_a_write_against_another_version_is_refused(self, sites: SiteStore):
        sites.put(replace(SITE, version=2), expected_version=None)
        with pytest.raises(TransientError, match="its version is 2, not 1"):
            sites.put(replace(SITE, version=2, subdomain="apple"), expected_version=1)

    def test_a_write_against_a_site_that_is_gone_is_refused(self, sites: SiteStore):
        with pytest.raises(TransientError, match="its version is none, not 1"):
            sites.put(replace(SITE, version=2), expected_version=1)

    def test_deleting_twice_is_fine(self, sites: SiteStore):
        sites.put(SITE, expected_version=None)
        sites.delete("tenant-1", "site-1")
        sites.delete("tenant-1", "site-1")
        assert sites.get("tenant-1", "site-1") is None

    def test_sites_are_listed_by_tenant_or_all_without_their_releases(self, sites: SiteStore):
        other = replace(SITE, tenant_id="tenant-2", site_id="site-9")
        second = replace(SITE, site_id="site-2")
        for site in (other, second, SITE):
            sites.put(site, expected_version=None)
        sites.put_release(RELEASE)
        sites.claim_subdomain("banana", "tenant-1", "site-1")
        assert list(sites.list_sites("tenant-1")) == [SITE, second]
        assert list(sites.list_sites()) == [SITE, second, other]
        assert list(sites.list_sites("tenant-3")) == []


class TestSubdomains:
    def test_the_first_site_gets_it_and_keeps_it(self, sites: SiteStore):
        assert sites.claim_subdomain("banana", "tenant-1", "site-1")
        assert sites.claim_subdomain("banana", "tenant-1", "site-1")
        assert not sites.claim_subdomain("banana", "tenant-1", "site-2")
        assert not sites.claim_subdomain("banana", "tenant-2", "site-1")

    def test_only_the_owner_can_give_it_back(self, sites: SiteStore):
        sites.claim_subdomain("banana", "tenant-1", "site-1")
        sites.release_subdomain("banana", "tenant-2", "site-2")
        assert not sites.claim_subdomain("banana", "tenant-2", "site-2")
        sites.release_subdomain("banana", "tenant-1", "site-1")
        sites.release_subdomain("banana", "tenant-1", "site-1")
        assert sites.claim_subdomain("banana", "tenant-2", "site-2")


class TestPlaces:
    """A tenant's places: as many as its tier allows, each site in one."""

    def test_a_site_takes_one_place_however_often_it_asks(self, sites: SiteStore):
        first = sites.claim_place("tenant-1", "site-1", 2)
        again = sites.claim_place("tenant-1", "site-1", 2)
        assert first == again == PlaceClaim(granted=True, used=1)
        assert sites.places("tenant-1") == {"site-1"}

    def test_the_last_place_is_given_once(self, sites: SiteStore):
        sites.claim_place("tenant-1", "site-1", 2)
        assert sites.claim_place("tenant-1", "site-2", 2).granted
        assert sites.claim_place("tenant-1", "site-3", 2) == PlaceClaim(granted=False, used=2)
        assert sites.claim_place("tenant-2", "site-3", 2).granted
        assert sites.places("tenant-1") == {"site-1", "site-2"}

    def test_a_place_is_given_back_once(self, sites: SiteStore):
        sites.release_place("tenant-1", "site-1")
        for site_id in ("site-1", "site-2"):
            sites.claim_place("tenant-1", site_id, 2)
        sites.release_place("tenant-1", "site-1")
        sites.release_place("tenant-1", "site-1")
        assert sites.places("tenant-1") == {"site-2"}
        assert sites.claim_place("tenant-1", "site-3", 2).granted
        assert not sites.claim_place("tenant-1", "site-4", 2).granted

    def test_it_can_be_given_back_to_the_last_one(self, sites: SiteStore):
        sites.claim_place("tenant-1", "site-1", 1)
        sites.release_place("tenant-1", "site-1")
        assert sites.places("tenant-1") == frozenset()
        assert sites.claim_place("tenant-1", "site-2", 1).granted

    def test_a_site_keeps_its_place_when_fewer_are_allowed(self, sites: SiteStore):
        sites.claim_place("tenant-1", "site-1", 2)
        sites.claim_place("tenant-1", "site-2", 2)
        assert sites.claim_place("tenant-1", "site-2", 1) == PlaceClaim(granted=True, used=2)

    def test_sites_from_before_count_and_those_that_failed_or_went_do_not(self, sites: SiteStore):
        before = {
            "site-1": SiteStatus.ACTIVE,
            "site-2": SiteStatus.SUSPENDED,
            "site-3": SiteStatus.FAILED,
            "site-4": SiteStatus.DELETED,
        }
        for site_id, status in before.items():
            old = replace(SITE, site_id=site_id, status=status, last_release=1)
            sites.put(old, expected_version=None)
        sites.put(replace(SITE, site_id="site-5"), expected_version=None)  # the API's, not begun
        assert sites.places("tenant-1") == {"site-1", "site-2"}
        assert sites.claim_place("tenant-1", "site-6", 3) == PlaceClaim(granted=True, used=3)
        assert not sites.claim_place("tenant-1", "site-7", 3).granted

    def test_places_are_no_sites(self, sites: SiteStore):
        sites.claim_place("tenant-1", "site-1", 2)
        assert list(sites.list_sites("tenant-1")) == list(sites.list_sites()) == []


class TestAtOnce:
    """Real threads against the table: the condition of one write decides.

    Not on moto, which looks at a condition and writes in two steps that other threads may part.
    """

    THREADS = 16

    @pytest.fixture
    def aws(self, emulator: Aws) -> Aws:
        return emulator

    def together(self, call):
        with ThreadPoolExecutor(self.THREADS) as pool:
            barrier = Barrier(self.THREADS)

            def wait_and_call(number: int):
                barrier.wait()
                return call(number)

            return list(pool.map(wait_and_call, range(self.THREADS)))

    def test_one_of_many_gets_the_subdomain(self, aws: Aws):
        sites = DynamoSites(aws.clients.dynamodb, aws.make_table("sites"))
        won = self.together(lambda n: sites.claim_subdomain("banana", f"tenant-{n}", "site-1"))
        assert won.count(True) == 1

    def test_as_many_get_a_place_as_there_are(self, aws: Aws):
        sites = DynamoSites(aws.clients.dynamodb, aws.make_table("sites"))
        claims = self.together(lambda n: sites.claim_place("tenant-1", f"site-{n}", 5))
        assert [claim.granted for claim in claims].count(True) == 5
        assert len(sites.places("tenant-1")) == 5
        assert all(claim.used <= 5 for claim in claims)


class TestReleases:
    def test_a_release_comes_back_as_it_was_put(self, sites: SiteStore):
        whole = replace(
            RELEASE,
            access_point_id="fsap-1",
            image_digest="sha256:abc",
            task_definition_arn="arn:td",
            service_name="service",
            target_group_arn="arn:tg",
        )
        sites.put_release(whole)
        assert sites.get_release("tenant-1", "site-1", 1) == whole
        assert sites.get_release("tenant-1", "site-1", 2) is None

    def test_its_operation_may_write_it_again(self, sites: SiteStore):
        sites.put_release(RELEASE)
        live = replace(RELEASE, status=ReleaseStatus.LIVE, updated_at=NOW + timedelta(minutes=1))
        sites.put_release(live)
        sites.put_release(live)
        assert sites.get_release("tenant-1", "site-1", 1) == live

    def test_another_operation_never_replaces_it(self, sites: SiteStore):
        sites.put_release(RELEASE)
        with pytest.raises(SitefleetError, match="was built by operation operation-1"):
            sites.put_release(replace(RELEASE, operation_id="operation-2"))
        assert sites.get_release("tenant-1", "site-1", 1) == RELEASE

    def test_releases_are_listed_oldest_first(self, sites: SiteStore):
        for number in (10, 2, 1):
            sites.put_release(replace(RELEASE, number=number))
        sites.put_release(replace(RELEASE, site_id="site-10"))
        numbers = [release.number for release in sites.list_releases("tenant-1", "site-1")]
        assert numbers == [1, 2, 10]


class TestRecordsOfOthers:
    """What the platform's API writes into the same table."""

    @pytest.fixture
    def adopted(self, aws: Aws) -> DynamoSites:
        sites = DynamoSites(aws.clients.dynamodb, aws.make_table("sites"))
        aws.clients.dynamodb.put_item(
            TableName="sites",
            Item={
                "PK": {"S": "TENANT#tenant-1"},
                "SK": {"S": "SITE#site-1"},
                "tenantId": {"S": "tenant-1"},
                "siteId": {"S": "site-1"},
                "environment": {"S": "SIT"},
                "subdomain": {"S": "banana"},
                "status": {"S": "PROVISIONING"},
                "createdBy": {"S": "the API"},
            },
        )
        return sites

    def test_a_record_without_a_version_is_version_0(self, adopted: DynamoSites):
        site = adopted.get("tenant-1", "site-1")
        assert site is not None
        assert (site.version, site.status) == (0, SiteStatus.PROVISIONING)

    def test_it_can_be_adopted_and_keeps_attributes_of_others(self, aws: Aws, adopted: DynamoSites):
        site = adopted.get("tenant-1", "site-1")
        assert site is not None
        adopted.put(replace(site, version=1, site_name="Banana"), expected_version=0)
        item = aws.clients.dynamodb.get_item(
            TableName="sites", Key={"PK": {"S": "TENANT#tenant-1"}, "SK": {"S": "SITE#site-1"}}
        )["Item"]
        assert item["createdBy"] == {"S": "the API"}
        assert item["version"] == {"N": "1"}

    def test_a_site_that_is_not_there_is_not_adopted(self, adopted: DynamoSites):
        with pytest.raises(TransientError):
            adopted.put(replace(SITE, site_id="site-2", version=1), expected_version=0)


class TestBothTogether:
    """A site and one of its releases in one write."""

    SITE_2 = replace(SITE, version=2, status=SiteStatus.ACTIVE)
    RELEASE_2 = replace(RELEASE, status=ReleaseStatus.LIVE, image_digest="sha256:abc")

    @pytest.fixture
    def stored(self, sites: SiteStore) -> SiteStore:
        sites.put(SITE, expected_version=None)
        sites.put_release(RELEASE)
        return sites

    def read(self, sites: SiteStore) -> tuple[Site | None, Release | None]:
        return sites.get("tenant-1", "site-1"), sites.get_release("tenant-1", "site-1", 1)

    def test_both_are_written_and_a_repetition_is_a_success(self, stored: SiteStore):
        for _ in range(2):
            stored.put_with_releases(self.SITE_2, [self.RELEASE_2], 1)
        assert self.read(stored) == (self.SITE_2, self.RELEASE_2)

    def test_another_version_refuses_both(self, stored: SiteStore):
        with pytest.raises(TransientError, match="changed by somebody else"):
            stored.put_with_releases(replace(self.SITE_2, version=3), [self.RELEASE_2], 2)
        assert self.read(stored) == (SITE, RELEASE)

    def test_a_release_of_another_operation_refuses_both(self, stored: SiteStore):
        foreign = replace(self.RELEASE_2, operation_id="operation-2")
        with pytest.raises(SitefleetError):
            stored.put_with_releases(self.SITE_2, [foreign], 1)
        assert self.read(stored) == (SITE, RELEASE)
