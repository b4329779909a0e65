"""`operations evidence`: the sealed document of a deletion, printed once its seal is verified."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.adapters.memory.boundary import Boundary
from core.domain.names import evidence_key
from events.formats import Environment
from ops.errors import ExitCode
from simulation.scenarios import SCENARIOS
from tests.ops.records import COMPLETED, DONE_ALL, ID


@pytest.fixture(autouse=True)
def _sit(monkeypatch):
    monkeypatch.setenv("SITEFLEET_ENV", "sit")


@pytest.fixture
def deleted(cloud):
    """A deletion as a real run has left it; return its id and a way to keep its document."""
    fleet = next(s for s in SCENARIOS if s.name == "deletion").start(Boundary())
    fleet.run()
    ended = max(fleet.store.operations.values(), key=lambda o: o.created_at)
    history = fleet.store.history(ended.operation_id)
    here = replace(ended, environment=Environment.SIT)
    cloud.store(here, *history.steps, request=history.request_body)
    key = evidence_key(ended.operation_id)
    cloud.keep(key, fleet.world.objects[key].decode())
    return ended.operation_id


def test_the_document_is_printed_and_its_seal_holds(deleted, sitefleet):
    answer = sitefleet("operations", "evidence", deleted)
    assert answer.code == 0
    assert answer.err.startswith("Sealed: ")
    assert answer.json["backup"]["proof"]["rows"] == 152
    assert answer.json["removed"]["hasDataRemoved"]


def test_a_changed_document_is_found(cloud, deleted, sitefleet):
    cloud.keep(evidence_key(deleted), "{}")
    answer = sitefleet("operations", "evidence", deleted)
    assert answer.code == ExitCode.UNEXPECTED
    assert answer.err.startswith("SEAL BROKEN: ")


def test_what_has_sealed_nothing_says_so(cloud, sitefleet):
    cloud.store(COMPLETED, *DONE_ALL)
    answer = sitefleet("operations", "evidence", ID)
    assert (answer.code, answer.out) == (ExitCode.NOT_FOUND, "")
    assert "Nothing is sealed of" in answer.err
