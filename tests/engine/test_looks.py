"""A look whose site is closed meanwhile ends, and so does what it had running."""

from __future__ import annotations

import math
from dataclasses import replace

from core.ports.messaging import QueueName
from events.formats import Environment
from events.vocabulary import OperationStatus, SiteStatus
from simulation.requests import FIRST, SITE, TENANT, look
from simulation.scenario import prepared


def test_its_job_ends_with_it():
    fleet = prepared(Environment.SIT, FIRST)
    fleet.jobs.seconds = math.inf
    known = set(fleet.store.operations)
    fleet.send(QueueName.PROMOTION, look())
    while not any(not task.stopped for task in fleet.world.tasks):
        assert fleet.step()
    site = fleet.world.sites[TENANT, SITE]
    fleet.world.sites[TENANT, SITE] = replace(site, status=SiteStatus.SUSPENDED)
    (operation_id,) = set(fleet.store.operations) - known
    while not fleet.store.operations[operation_id].is_terminal:
        assert fleet.step()
    assert fleet.store.operations[operation_id].status is OperationStatus.COMPLETED
    fleet.run()
    assert [task.reference for task in fleet.world.tasks if not task.stopped] == []
