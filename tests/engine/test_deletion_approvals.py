"""A deletion that people must agree to first."""

from __future__ import annotations

import json

import pytest

from events.vocabulary import OperationStatus, SiteStatus
from simulation.requests import (
    FIRST_TO_PROD,
    SITE,
    TENANT,
    deletion,
)
from simulation.scenario import prepared
from tests.engine.deciding import OPS, TECH, Desk
from tests.engine.test_deletion import PROD, send, site_of, traces


class TestApprovals:
    @pytest.fixture
    def desk(self):
        desk = Desk.of(PROD, FIRST_TO_PROD)
        desk.fleet.send("deletion", deletion())
        desk.wait(1)
        return desk

    def decide(self, desk: Desk, person: str, role: str) -> None:
        desk.fleet.send("deletion", desk.decision(person, role))
        desk.wait(1)

    def test_both_leads_are_asked_and_one_is_not_enough(self, desk):
        assert desk.operation.summary["roles"] == ["TECH_LEAD", "OPERATIONS_LEAD"]
        told = desk.fleet.world.notifications[-1]
        assert told.event_type == "OPERATION_AWAITING_APPROVAL"
        assert f"sitefleet operations show {desk.operation.operation_id}" in told.email()
        self.decide(desk, *TECH)
        desk.wait(3600)
        assert desk.operation.status is OperationStatus.AWAITING_APPROVAL
        assert site_of(desk.fleet).status is SiteStatus.ACTIVE
        self.decide(desk, *OPS)
        desk.end()
        assert desk.operation.status is OperationStatus.COMPLETED
        assert traces(desk.fleet) == set()

    def test_a_site_that_changed_since_voids_what_was_agreed(self, desk):
        self.decide(desk, *TECH)
        self.decide(desk, *OPS)
        key = (TENANT, SITE)
        site = desk.fleet.world.sites[key]
        desk.fleet.world.sites[key] = type(site)(**{**vars(site), "version": site.version + 1})
        desk.end()
        assert (desk.operation.status, desk.operation.failure.code) == (
            OperationStatus.FAILED,
            "PROM_003",
        )
        assert desk.operation.failure.step == "confirm_plan"
        assert site_of(desk.fleet).status is SiteStatus.ACTIVE

    def test_nobody_approves_a_deletion_of_their_own(self):
        desk = Desk.of(PROD, FIRST_TO_PROD)
        body = json.dumps({**json.loads(deletion()), "requestedBy": "tech-lead"})
        desk.fleet.send("deletion", body)
        desk.wait(1)
        self.decide(desk, *TECH)
        desk.refused("asked for this deletion", "request of their own")

    def test_in_prod_a_request_must_say_who_asks(self):
        fleet = prepared(PROD, FIRST_TO_PROD)
        body = json.loads(deletion())
        del body["requestedBy"]
        send(fleet, json.dumps(body))
        assert (
            "Deletion of a site in this environment must say who asks"
            in (fleet.world.dead_letters[-1].attributes["reason"])
        )
