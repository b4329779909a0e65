"""Updates by message: what is refused and why, what the facts say, how often the version rises."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from core.domain.suspended_page import PAGE
from core.ports.messaging import QueueName
from core.ports.sites import Tenant
from events.formats import Environment
from events.vocabulary import DetailType, OperationStatus, SiteStatus
from simulation.fleet import SimulatedFleet
from simulation.requests import FIRST_TO_PROD, SITE, TENANT, creation, update
from simulation.scenario import NEXT_DIGEST, prepared
from tests.engine.updating import ended

DEV, PROD = Environment.DEV, Environment.PROD
HOST = "banana.wpdev.kimmyai.io"


def site_of(fleet: SimulatedFleet):
    return fleet.world.sites[(TENANT, SITE)]


def refusal(fleet: SimulatedFleet, body: str) -> str:
    """Send an update that is refused; return code and sentence, which the letter carries, too."""
    before = site_of(fleet)
    assert ended(fleet, body) is None
    rejected = [e for e in fleet.world.events if e.detail_type is DetailType.OPERATION_REJECTED]
    error = rejected[-1].data.error
    assert fleet.world.dead_letters[-1].body == body
    assert site_of(fleet) == before
    return f"{error.code}: {error.message}"


REFUSED = {
    "another site": (update(changes={"status": "SUSPENDED"}, siteId="site-2"), "SITE_002: .*no si"),
    "an older version": (
        update(changes={"status": "SUSPENDED"}, expectedVersion=1),
        "SITE_005: .*is at version 2, and this request expects version 1",
    ),
    "active already": (update(changes={"status": "ACTIVE"}), "SITE_005: .*is ACTIVE already"),
    "no such size": (
        update(changes={"scale": {"cpuUnits": 512, "memoryMib": 9000}}),
        "SITE_001: .*512 CPU units go with 1024 to 4096",
    ),
    "no such PHP": (
        update(changes={"configuration": {"phpVersion": "5.6"}}),
        "SITE_001: .*offers no WordPress 6.5 on PHP 5.6 in dev. There is: 6.5 on PHP 8.2",
    ),
    "two images": (
        update(changes={"imageTag": "next", "configuration": {"phpVersion": "8.3"}}),
        "SITE_001: .*both choose the image",
    ),
    "two themes": (
        update(changes={"theme": "astra", "configuration": {"theme": "divi"}}),
        "SITE_001: ",
    ),
    "a domain among others": (
        update(changes={"domain": "banana.example", "scale": {"desiredCount": 2}}),
        "SITE_001: .*request of its own",
    ),
    "a name of the platform": (
        update(changes={"domain": "apple.wpdev.kimmyai.io"}),
        "SITE_001: .*is a name of the platform",
    ),
}


@pytest.mark.parametrize(("body", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done_is_refused_with_the_reason(body, said):
    fleet = prepared(DEV, creation())
    assert re.match(said, refusal(fleet, body))


def test_a_suspended_tenant_changes_nothing():
    fleet = prepared(DEV, creation())
    fleet.world.tenants[TENANT] = Tenant(tenant_id=TENANT, status="SUSPENDED")
    assert refusal(fleet, update(changes={"scale": {"desiredCount": 2}})).startswith("PROM_005")


def test_a_suspended_site_is_not_changed_unless_it_comes_back():
    suspension = update(correlation="first", changes={"status": "SUSPENDED"})
    fleet = prepared(DEV, creation(), suspension)
    assert "Activate it first" in refusal(fleet, update(changes={"imageTag": "next"}))


def test_a_read_only_site_needs_an_override_and_somebody_who_asks():
    fleet = prepared(PROD, FIRST_TO_PROD)
    assert refusal(fleet, update(changes={"status": "SUSPENDED"})).startswith(
        f"SITE_005: Site {SITE} is read-only in prod"
    )
    anonymous = update(changes={"status": "SUSPENDED"}, override={"reason": "Fraud."})
    anonymous = anonymous.replace('"requestedBy": "jane.doe@example.com", ', "")
    assert "requestedBy is missing" in refusal(fleet, anonymous)


def test_an_update_that_was_agreed_to_is_void_once_the_site_has_changed():
    fleet = prepared(PROD, FIRST_TO_PROD)
    known = set(fleet.store.operations)
    body = update(changes={"scale": {"desiredCount": 2}}, override={"reason": "Sale."})
    fleet.send(QueueName.UPDATE, body)
    while not any(
        o.status is OperationStatus.AWAITING_APPROVAL for o in fleet.store.operations.values()
    ):
        fleet.step()
    site = site_of(fleet)
    fleet.world.sites[(TENANT, SITE)] = replace(site, version=site.version + 1)
    fleet.run()
    operation = next(o for name, o in fleet.store.operations.items() if name not in known)
    assert (operation.status, operation.failure.code) == (OperationStatus.FAILED, "PROM_003")


def test_the_trial_carries_the_tenant_s_group_as_the_live_containers_do():
    """Nothing else lets the load balancer in to them."""
    fleet = prepared(DEV, creation())
    groups = {name: one.service.tenant_group_id for name, one in fleet.world.services.items()}

    def look(_call) -> None:
        groups.update(
            (name, one.service.tenant_group_id) for name, one in fleet.world.services.items()
        )

    fleet.boundary.before = look
    assert ended(fleet, update(changes={"imageTag": "next"})).status is OperationStatus.COMPLETED
    assert len(groups) == 2
    assert len(set(groups.values())) == 1


def test_several_changes_are_one_operation_and_one_version():
    fleet = prepared(DEV, creation())
    before = site_of(fleet)
    changes = {"imageTag": "next", "scale": {"desiredCount": 3, "memoryMib": 2048}}
    operation = ended(fleet, update(changes=changes, expectedVersion=before.version))
    assert operation.status is OperationStatus.COMPLETED
    site = site_of(fleet)
    assert (site.version, site.desired_count, site.memory_mib) == (before.version + 1, 3, 2048)
    [record] = [
        r for r in fleet.store.history(operation.operation_id).steps if r.step == "record_update"
    ]
    changed = record.facts["changed"]
    assert changed["desired_count"] == {"from": 1, "to": 3}
    assert changed["image_digest"]["to"] == NEXT_DIGEST
    assert set(changed) == {
        *("desired_count", "memory_mib", "image_digest", "task_definition_arn"),
        *("wordpress_version", "php_version"),
    }
    release = fleet.world.releases[(TENANT, SITE, 1)]
    assert release.image_digest == NEXT_DIGEST


def test_the_next_release_keeps_the_size_and_the_domain():
    scaled = update(correlation="scale", changes={"scale": {"desiredCount": 3}})
    fleet = prepared(DEV, creation(), scaled)
    operation = ended(fleet, update(changes={"domain": "banana.example"}))
    assert operation.status is OperationStatus.COMPLETED
    site = site_of(fleet)
    assert (site.live_release, site.domain, site.desired_count) == (2, "banana.example", 3)
    rule = fleet.world.rules[HOST]
    assert rule.aliases == ("banana.example", "www.banana.example")
    live = fleet.world.releases[(TENANT, SITE, 2)]
    assert rule.target_group_arn == live.target_group_arn
    assert fleet.world.services[live.service_name].desired_count == 3
    assert operation.summary["siteUrl"] == "https://banana.example"


def test_a_domain_of_another_site_is_taken():
    other = creation("site-apple", correlation="apple", subdomain="apple")
    taken = update(correlation="apple-domain", changes={"domain": "fruit.example"})
    taken = taken.replace(SITE, "site-apple")
    fleet = prepared(DEV, creation(), other, taken)
    operation = ended(fleet, update(changes={"domain": "www.fruit.example"}))
    assert (operation.status, operation.failure.code) == (OperationStatus.FAILED, "SITE_003")
    assert fleet.world.subdomains["fruit.example"] == (TENANT, "site-apple")


def test_a_suspended_site_answers_with_the_page_and_has_no_container():
    fleet = prepared(DEV, creation())
    ended(fleet, update(changes={"status": "SUSPENDED"}))
    assert site_of(fleet).status is SiteStatus.SUSPENDED
    assert (fleet.world.rules[HOST].target_group_arn, fleet.world.pages[HOST]) == ("", PAGE)
    [service] = fleet.world.services.values()
    assert service.desired_count == 0
    assert fleet.world.dns_records[HOST]
