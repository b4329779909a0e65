"""A plan says when a message was written for another version of the wire contract."""

from __future__ import annotations

import json

import pytest
from dead import a_fleet, put

from core.engine import forecast_sentences
from simulation.operator import Operator
from simulation.requests import creation


@pytest.mark.parametrize(
    ("ours", "says"),
    [
        ("1.4", "upgraded to 1.4 as it is read"),
        ("1.2", "A new operation begins"),
        ("1.0", "this version knows 1.0 and ignores what is newer"),
    ],
)
def test_the_plan_tells_the_version(monkeypatch, ours, says):
    fleet = a_fleet()
    body = json.loads(creation(tenantId="tenant-1")) | {"schemaVersion": "1.2"}
    put(fleet, json.dumps(body), source="creation")
    monkeypatch.setattr(forecast_sentences, "SCHEMA_VERSION", ours)
    (planned,) = Operator(fleet=fleet).plan()
    assert says in planned.forecast.sentence
    assert ("schema" in planned.forecast.sentence) == (ours != "1.2")


def test_another_major_version_cannot_be_read():
    fleet = a_fleet()
    body = json.loads(creation(tenantId="tenant-1")) | {"schemaVersion": "2.0"}
    put(fleet, json.dumps(body), source="creation")
    (planned,) = Operator(fleet=fleet).plan()
    assert planned.forecast.fate == "refused"
    assert "schemaVersion" in planned.forecast.sentence
