"""When everything is over: no secret and no personal data in a log, event, message or table."""

from __future__ import annotations

import pytest

from tests.acceptance.hidden import found_in, logs_of_the_machine, places_of, secrets_of

pytestmark = pytest.mark.machine
ENVIRONMENTS = ["dev", "sit", "prod"]


@pytest.fixture(scope="module")
def kinds(world, everything_done, approvals):
    """Of every environment: a target may see values of its source."""
    signatures = {signature for signature in approvals.signatures if signature}
    return {**secrets_of(world), "signatures of proofs": signatures}


def test_there_is_something_to_be_found(kinds):
    few = {kind: len(values) for kind, values in kinds.items() if len(values) < 2}
    assert few == {}
    assert len(kinds["passwords"]) > 20
    assert len(kinds["salts"]) > 80


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nothing_hidden_is_written_down_or_sent(world, kinds, environment):
    places = places_of(world, environment)
    kept = {place.split()[0] for place in places}
    assert kept >= {"log", "events", "notifications", "dead", "queue", "table", "object", "mail"}
    assert [place for place in places if place.startswith("queue") and "dlq" in place]
    assert found_in(places, kinds) == []


def test_nothing_hidden_is_in_the_log_of_a_process(world, kinds):
    logs = logs_of_the_machine(world)
    wrote = {name.split()[2].partition("-")[0] for name in logs}
    assert {"job", "emulator", "mariadb"} <= wrote
    assert found_in(logs, kinds) == []


def test_what_is_hidden_would_be_found():
    """The search can find: as it is, and as it stands inside of a JSON text."""
    kinds = {"passwords": {'a"quoted-password'}, "salts": {"salt-of-nobody"}}
    places = {"log": 'told: "a\\"quoted-password"', "table": "[]", "mail": "salt-of-nobody"}
    assert found_in(places, kinds) == [("passwords", "log"), ("salts", "mail")]
