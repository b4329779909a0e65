"""Sites run the same image: none loses it because another one is undone, removed or updated."""

from __future__ import annotations

import json

import pytest

from core.operations.steps.image import held_tag
from core.ports.messaging import QueueName
from events import identity
from events.formats import Environment
from events.vocabulary import OperationStatus, Phase
from simulation.fleet import SimulatedFleet
from simulation.jobs import DIGEST
from simulation.promises import Run, releases_hold_their_images, snapshot
from simulation.requests import (
    APPLE,
    CREATED,
    SITE,
    TENANT,
    backup_id,
    creation,
    deletion,
    promotion,
    promotion_id,
    restore,
    update,
)
from simulation.scenario import NEXT_DIGEST, prepared
from tests.engine.deciding import message_to, until

DEV, SIT = Environment.DEV, Environment.SIT
NEIGHBOUR = "site-cherry"
NEIGHBOURS = f"SITE_PROMOTION_REQUEST#{NEIGHBOUR}#second"
NEIGHBOURS_ID = identity.operation_id(SIT, TENANT, "SITE_PROMOTION_REQUEST", NEIGHBOURS)


def status_of(fleet: SimulatedFleet, operation_id: str) -> OperationStatus:
    return fleet.store.operations[operation_id].status


def lost(fleet: SimulatedFleet) -> str | None:
    """Return what the promise finds, whatever operation is asked about."""
    ends, state = OperationStatus.COMPLETED, snapshot(fleet)
    return releases_hold_their_images(
        Run(fleet=fleet, operation_id="any", ends=ends, expected=state)
    )


def run(fleet: SimulatedFleet, *bodies: str) -> None:
    for body in bodies:
        queue = json.loads(body)["messageType"].split("_")[1].lower()
        fleet.send(QueueName("creation" if queue == "restore" else queue), body)
        fleet.run()


def test_the_promotion_that_brought_the_image_is_cancelled_and_the_neighbour_keeps_it():
    fleet = prepared(SIT)
    fleet.send(QueueName.PROMOTION, promotion(correlation="first"))
    first = promotion_id("first")
    until(fleet, lambda: (first, Phase.FORWARD, "replicate_image") in fleet.store.step_records)
    assert DIGEST in fleet.world.images
    fleet.send(QueueName.PROMOTION, promotion(siteId=NEIGHBOUR, correlation="second"))
    of_the_neighbour = (NEIGHBOURS_ID, Phase.FORWARD, "replicate_image")
    until(fleet, lambda: of_the_neighbour in fleet.store.step_records)
    fleet.send(QueueName.PROMOTION, message_to("OPERATION_CANCEL_REQUEST", first))
    fleet.run()
    assert status_of(fleet, first) is OperationStatus.CANCELLED
    assert status_of(fleet, NEIGHBOURS_ID) is OperationStatus.COMPLETED
    assert fleet.world.images[DIGEST]
    assert lost(fleet) is None


def test_the_site_that_brought_the_image_is_deleted_and_the_neighbour_keeps_it():
    fleet = prepared(SIT)
    run(fleet, promotion(), promotion(siteId=NEIGHBOUR, correlation="second"))
    fleet.world.image_tags.pop("sit-latest")
    run(fleet, deletion())
    assert (TENANT, SITE) not in fleet.world.sites or (
        fleet.world.sites[TENANT, SITE].live_release is None
    )
    assert fleet.world.images[DIGEST]
    assert lost(fleet) is None


@pytest.mark.parametrize("gone", ["site-banana", "site-apple"])
def test_the_platform_offers_another_image_and_a_site_goes(gone):
    fleet = prepared(DEV)
    run(fleet, CREATED, APPLE)
    fleet.world.image_tags[fleet.policy.wordpress_tag] = NEXT_DIGEST
    run(fleet, deletion(gone))
    assert fleet.world.images[DIGEST]
    assert lost(fleet) is None


@pytest.mark.parametrize(("tag", "digest"), [("next", NEXT_DIGEST), ("broken", DIGEST)])
def test_an_updated_site_holds_its_new_image_and_one_that_is_undone_the_former(tag, digest):
    fleet = prepared(DEV)
    run(fleet, CREATED, update(changes={"imageTag": tag}))
    (release,) = fleet.world.releases.values()
    assert release.image_digest == digest
    assert lost(fleet) is None


def test_a_restored_site_holds_its_image():
    fleet = prepared(DEV)
    run(fleet, CREATED, deletion(), restore(backup_id(DEV)))
    assert fleet.world.sites[TENANT, SITE].live_release == 2
    assert lost(fleet) is None


def test_an_image_that_is_lost_is_reported():
    """The promise can break."""
    fleet = prepared(DEV)
    run(fleet, CREATED)
    del fleet.world.image_tags[held_tag(DIGEST)]
    assert SITE in str(lost(fleet))


@pytest.mark.parametrize(
    ("configuration", "digest", "php_version"),
    [({}, DIGEST, "8.2"), ({"phpVersion": "8.3"}, NEXT_DIGEST, "8.3")],
)
def test_a_clone_runs_its_sources_image_if_no_other_version_is_asked_for(
    configuration, digest, php_version
):
    fleet = prepared(DEV)
    run(fleet, APPLE)
    fleet.world.image_tags[fleet.policy.wordpress_tag] = NEXT_DIGEST
    run(fleet, creation(cloneFrom="site-apple", configuration=configuration))
    assert fleet.world.releases[TENANT, SITE, 1].image_digest == digest
    assert fleet.world.sites[TENANT, SITE].php_version == php_version
    assert lost(fleet) is None
