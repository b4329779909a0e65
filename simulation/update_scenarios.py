"""Scenarios of updates: every kind of change, alone and together, done and taken back."""

from __future__ import annotations

from dataclasses import replace

from events.vocabulary import OperationStatus
from simulation.requests import (
    ALL_OF_CONTAINERS,
    ALL_OF_WORDPRESS,
    CREATED,
    FIRST_TO_PROD,
    OVERRIDE,
    OWN_DOMAIN,
    PLUGGED,
    SUSPENSION,
    WITHOUT_COUNTER,
    update,
)
from simulation.scenario import BACK, DEV, DONE, FAILED, PROD, Scenario


def _done(name: str, body: str, *earlier: str) -> Scenario:
    """Return an update that comes to its end; before it: the site's creation, or these."""
    return Scenario(
        name=f"update, {name}",
        environment=DEV,
        earlier=earlier or (CREATED,),
        body=body,
        ends=DONE,
    )


def _taken_back(
    name: str, body: str, *earlier: str, ends: OperationStatus, spoiled_step: str = ""
) -> Scenario:
    """Return an update that leaves the site as it stood before."""
    done = _done(name, body, *earlier)
    return replace(done, ends=ends, spoiled_step=spoiled_step, keeps_target=True)


UPDATES = (
    _done("suspend", SUSPENSION),
    _done("activate", update(changes={"status": "ACTIVE"}), CREATED, SUSPENSION),
    _taken_back(
        "activate a broken site",
        update(changes={"status": "ACTIVE"}),
        CREATED,
        SUSPENSION,
        ends=FAILED,
        spoiled_step="check_changed",
    ),
    _done("scale", update(changes={"scale": {"desiredCount": 3}}, expectedVersion=2)),
    _done("several changes", update(changes={**ALL_OF_CONTAINERS, "status": "SUSPENDED"})),
    _done(
        "several changes of a suspended site",
        update(changes={**ALL_OF_CONTAINERS, "status": "ACTIVE"}),
        CREATED,
        SUSPENSION,
    ),
    _taken_back(
        "the image does not become healthy", update(changes={"imageTag": "broken"}), ends=FAILED
    ),
    _taken_back(
        "the image breaks the site",
        update(changes=ALL_OF_CONTAINERS),
        ends=FAILED,
        spoiled_step="check_trial",
    ),
    _done("own domain", update(changes={"domain": "banana.example"})),
    _done("another domain", update(changes={"domain": "www.apple.example"}), CREATED, OWN_DOMAIN),
    _taken_back(
        "own domain, rolled back",
        update(changes={"domain": "banana.example"}),
        ends=BACK,
        spoiled_step="check_after",
    ),
    _done("a newer PHP", update(changes={"configuration": {"phpVersion": "8.3"}})),
    Scenario(
        name="update of a read-only site",
        environment=PROD,
        earlier=(FIRST_TO_PROD,),
        body=OVERRIDE,
        ends=DONE,
    ),
    Scenario(
        name="update of a read-only site, rejected",
        environment=PROD,
        earlier=(FIRST_TO_PROD,),
        body=OVERRIDE,
        ends=OperationStatus.REJECTED,
        against="OPERATIONS_LEAD",
        keeps_target=True,
    ),
    _done("WordPress in every way", update(changes=ALL_OF_WORDPRESS), PLUGGED),
    _done(
        "a plugin enabled again",
        update(changes={"plugins": {"enable": ["counter"]}}),
        PLUGGED,
        WITHOUT_COUNTER,
    ),
    _taken_back(
        "the plugins break the site",
        update(changes=ALL_OF_WORDPRESS),
        PLUGGED,
        ends=BACK,
        spoiled_step="check_changed",
    ),
    _taken_back(
        "a plugin cannot be activated",
        update(changes={"plugins": {"install": ["forms"]}}),
        PLUGGED,
        ends=FAILED,
        spoiled_step="install_plugins",
    ),
    _taken_back(
        "rolled back", update(changes=ALL_OF_CONTAINERS), ends=BACK, spoiled_step="check_changed"
    ),
)
