"""What a tenant may create: its places, its names, its status, its level, the versions offered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.site import Site
from core.ports.messaging import QueueName
from core.ports.sites import Tenant
from events.formats import Environment
from events.vocabulary import ErrorCode, OperationStatus, SiteStatus
from simulation.requests import SITE, TENANT, creation
from tests.engine.creating import ask, ended, fleet_with, refusal, rejections

BASIC = Tenant(tenant_id=TENANT, status="REGISTERED")
PREMIUM = replace(BASIC, tier="premium")
DONE, FAILED = OperationStatus.COMPLETED, OperationStatus.FAILED


class TestQuota:
    def test_the_last_place_is_given_once_to_two_that_come_together(self):
        fleet = fleet_with(BASIC)
        fleet.world.places[TENANT] = frozenset(f"old-{number}" for number in range(9))
        ask(fleet, "site-a")
        ask(fleet, "site-b")
        done = ended(fleet)
        assert sorted(o.status for o in done.values()) == [DONE, FAILED]
        [failed] = [o for o in done.values() if o.status is FAILED]
        assert failed.failure.code is ErrorCode.SITE_004
        assert "has 10 of the 10 sites that the tier basic allows" in failed.failure.message
        assert len(fleet.world.places[TENANT]) == 10

    def test_one_too_many_is_refused_before_anything_is_made(self):
        fleet = fleet_with(BASIC)
        fleet.world.places[TENANT] = frozenset(f"old-{number}" for number in range(10))
        ask(fleet, "site-a")
        code, sentence = refusal(fleet)
        assert code == "SITE_004"
        assert "10 of the 10 sites" in sentence
        assert "Delete a site" in sentence
        assert fleet.store.operations == {}

    def test_a_creation_that_fails_gives_its_place_back(self):
        fleet = fleet_with(BASIC)
        fleet.world.broken_images[next(iter(fleet.world.images))] = "CannotPullContainerError"
        ask(fleet, "site-a")
        assert ended(fleet)["site-a"].status is FAILED
        assert not fleet.world.places[TENANT]
        assert fleet.world.sites[TENANT, "site-a"].status is SiteStatus.FAILED

    def test_a_higher_tier_has_more_places(self):
        fleet = fleet_with(PREMIUM)
        fleet.world.places[TENANT] = frozenset(f"old-{number}" for number in range(10))
        ask(fleet, "site-a")
        assert ended(fleet)["site-a"].status is DONE


class TestNames:
    def test_of_two_that_want_one_name_at_once_one_is_told_so(self):
        fleet = fleet_with(BASIC)
        ask(fleet, "site-a", subdomain="banana")
        ask(fleet, "site-b", subdomain="banana")
        done = ended(fleet)
        assert sorted(o.status for o in done.values()) == [DONE, FAILED]
        [lost] = [o for o in done.values() if o.status is FAILED]
        [won] = [o for o in done.values() if o.status is DONE]
        assert lost.failure.code is ErrorCode.SITE_003
        assert fleet.world.subdomains == {"banana": (TENANT, won.site_id)}
        assert fleet.world.places[TENANT] == {won.site_id}

    def test_a_name_of_a_creation_that_failed_is_free(self):
        fleet = fleet_with(BASIC)
        digest = next(iter(fleet.world.images))
        fleet.world.broken_images[digest] = "CannotPullContainerError"
        ask(fleet, "site-a", subdomain="banana")
        ended(fleet)
        fleet.world.broken_images.clear()
        ask(fleet, "site-b", subdomain="banana")
        assert ended(fleet)["site-b"].status is DONE

    def test_its_own_record_from_the_api_is_adopted(self):
        fleet = fleet_with(BASIC)
        now = fleet.clock.now()
        fleet.world.sites[TENANT, SITE] = Site(
            tenant_id=TENANT,
            site_id=SITE,
            environment=Environment.DEV,
            site_name="",
            subdomain="banana",
            status=SiteStatus.PROVISIONING,
            version=0,
            created_at=now,
            updated_at=now,
        )
        fleet.send(QueueName.CREATION, creation())
        assert ended(fleet)[SITE].status is DONE
        site = fleet.world.sites[TENANT, SITE]
        assert (site.status, site.site_name, site.created_at) == (SiteStatus.ACTIVE, "Banana", now)
        assert fleet.world.places[TENANT] == {SITE}


class TestStatus:
    @pytest.mark.parametrize("status", ["UNVALIDATED", "SUSPENDED", "SOMETHING"])
    def test_a_tenant_that_may_not_build_is_told_what_it_may(self, status: str):
        fleet = fleet_with(replace(BASIC, status=status))
        ask(fleet, "site-a")
        code, sentence = refusal(fleet)
        assert code == "PROM_005"
        assert f"Tenant {TENANT} is {status}" in sentence
        assert "VALIDATED or REGISTERED" in sentence

    @pytest.mark.parametrize("status", ["VALIDATED", "REGISTERED"])
    def test_the_others_build(self, status: str):
        fleet = fleet_with(replace(BASIC, status=status))
        ask(fleet, "site-a")
        assert ended(fleet)["site-a"].status is DONE

    def test_an_inactive_one_counts_as_suspended(self):
        fleet = fleet_with(replace(BASIC, active=False))
        ask(fleet, "site-a")
        assert "REGISTERED and inactive" in refusal(fleet)[1]

    def test_a_tier_that_nobody_knows_is_a_sentence(self):
        fleet = fleet_with(replace(BASIC, tier="gold"))
        ask(fleet, "site-a")
        code, sentence = refusal(fleet)
        assert code == "PROM_005"
        assert "'gold'" in sentence


class TestLevels:
    @pytest.mark.parametrize(
        ("tier", "asked", "level"),
        [
            ("basic", None, 1),
            ("premium", None, 2),
            ("enterprise", None, 3),
            ("enterprise", 1, 1),
        ],
    )
    def test_the_tier_decides_where_nothing_was_asked_for(self, tier, asked, level):
        fleet = fleet_with(replace(BASIC, tier=tier))
        ask(fleet, "site-a", **({"isolationLevel": asked} if asked else {}))
        assert ended(fleet)["site-a"].status is DONE
        assert fleet.world.sites[TENANT, "site-a"].isolation_level == level
        assert [(tenant, at) for tenant, at in fleet.world.tenant_groups] == [(TENANT, level)]

    def test_above_what_the_tier_allows_is_refused(self):
        fleet = fleet_with(PREMIUM)
        ask(fleet, "site-a", isolationLevel=3)
        code, sentence = refusal(fleet)
        assert code == "SITE_001"
        assert "level 3 is above what the tier premium allows (2)" in sentence

    def test_a_level_without_a_network_is_refused(self):
        fleet = fleet_with(PREMIUM)
        fleet.world.isolation_levels = frozenset({1})
        ask(fleet, "site-a")
        code, sentence = refusal(fleet)
        assert code == "SITE_001"
        assert "does not offer isolation level 2 (it offers: 1)" in sentence


class TestVersions:
    def test_the_image_is_the_one_with_these_versions_pinned_by_digest(self):
        fleet = fleet_with(BASIC)
        digest = "sha256:" + "6" * 64
        fleet.world.images[digest] = "{}"
        fleet.world.image_tags["wordpress-6.5-php8.3"] = digest
        ask(fleet, "site-a", configuration={"wordpressVersion": "6.5", "phpVersion": "8.3"})
        assert ended(fleet)["site-a"].status is DONE
        [service] = fleet.world.services.values()
        assert service.service.image_digest == digest

    @pytest.mark.parametrize(
        ("asked", "runs"),
        [({}, ("6.5", "8.2")), ({"phpVersion": "8.3"}, ("6.5", "8.3")),
         ({"wordpressVersion": "6.8"}, ("6.8", "8.3"))],
    )  # fmt: skip
    def test_the_record_says_what_the_site_s_containers_run(self, asked, runs):
        """The job's own PHP is another affair; its WordPress is the one that will be served."""
        fleet = fleet_with(BASIC)
        fleet.world.images["sha256:six"] = "{}"
        fleet.world.image_tags |= dict.fromkeys(
            ("wordpress-6.5-php8.3", "wordpress-6.8-php8.3"), "sha256:six"
        )
        ask(fleet, "site-a", configuration=asked)
        assert ended(fleet)["site-a"].status is DONE
        site = fleet.world.sites[TENANT, "site-a"]
        assert (site.wordpress_version, site.php_version) == runs

    def test_what_is_not_offered_is_refused_naming_what_is(self):
        fleet = fleet_with(BASIC)
        ask(fleet, "site-a", configuration={"wordpressVersion": "4.9"})
        code, sentence = refusal(fleet)
        assert code == "SITE_001"
        assert "offers no WordPress 4.9" in sentence
        assert "6.5 on PHP 8.2" in sentence
        assert rejections(fleet)


class TestResources:
    def test_every_resource_carries_the_tenant_s_tags(self):
        """Of everything that AWS lets be tagged; the target group and the rule among them."""
        fleet = fleet_with(BASIC)
        ask(fleet, "site-a")
        ended(fleet)
        world = fleet.world
        [service], [definition] = world.services.values(), world.task_definitions.values()
        carried = {
            "service": service.service.tags,
            "task definition": definition.tags,
            "target group": world.tags[service.service.target_group_arn],
            "access point": world.tags[service.service.access_point_id],
            "tenant's group": world.tags[service.service.tenant_group_id],
            "rule": world.tags[next(iter(world.rules.values())).arn],
            **{name: secret.tags for name, secret in world.secrets.items()},
        }
        assert len(carried) == 9
        names = {"Environment", "Project", "Owner", "CostCenter", "ManagedBy", "Component"}
        for what, tags in carried.items():
            assert names | {"Tenant"} <= tags.keys(), what
            assert (tags["Tenant"], tags["Environment"]) == (TENANT, "dev"), what

    def test_the_administrator_s_password_is_in_no_message(self):
        fleet = fleet_with(BASIC)
        ask(fleet, "site-a")
        ended(fleet)
        world = fleet.world
        values = [secret.value for secret in world.secrets.values()]
        passwords = [part for value in values for part in value.split('"') if len(part) > 20]
        assert len(passwords) >= 10
        said = [event.model_dump_json() for event in world.events]
        said += [notification.model_dump_json() for notification in world.notifications]
        said += [content.decode() for content in world.objects.values()]
        said += [repr(record) for record in fleet.store.step_records.values()]
        assert len(said) > 30
        assert not [text for text in said for secret in passwords if secret in text]


def test_fifty_creations_of_five_tenants_at_once_end_fifty_times_right():
    tenants = [Tenant(tenant_id=f"tenant-{n}", status="REGISTERED") for n in range(5)]
    fleet = fleet_with(*tenants)
    wanted = {(tenant.tenant_id, f"site-{n}") for tenant in tenants for n in range(10)}
    for tenant_id, site_id in sorted(wanted, key=lambda pair: pair[1]):
        name = f"{tenant_id}-{site_id}"
        body = creation(site_id, tenantId=tenant_id, subdomain=name, correlation=name)
        fleet.send(QueueName.CREATION, body)
    fleet.run(most_steps=100_000)
    assert {o.status for o in fleet.store.operations.values()} == {DONE}
    assert fleet.world.sites.keys() == wanted
    assert {site.status for site in fleet.world.sites.values()} == {SiteStatus.ACTIVE}
    rules = fleet.world.rules.values()
    assert len({rule.priority for rule in rules}) == len({r.target_group_arn for r in rules}) == 50
    assert len(fleet.effects.schemas) == len(fleet.world.services) == 50
    assert len(fleet.world.tenant_groups) == 5
    assert {len(held) for held in fleet.world.places.values()} == {10}
    assert fleet.store.locks == {}
    ask(fleet, "site-11", tenantId="tenant-1")
    fleet.run()
    assert rejections(fleet)[-1].data.error.code == "SITE_004"
