"""Creations with template, theme and plugins, by messages: done, refused with reason, undone."""

from __future__ import annotations

import pytest

from core.adapters.memory.boundary import Boundary
from core.ports.messaging import QueueName
from events.vocabulary import DetailType, OperationStatus, OperationType
from simulation.failures import WHY, workflows_failing_at
from simulation.fleet import SimulatedFleet
from simulation.promises import snapshot, visible
from simulation.requests import creation, queue_of, update
from simulation.scenario import DEV, prepared
from simulation.scenarios import SCENARIOS

MADE_UP = ("creation, made up", "creation, clone made up")
STARTED = [scenario for scenario in SCENARIOS if scenario.name in MADE_UP]
ADDED = ("apply_template", "change_theme", "install_plugins")


def created(**payload: object) -> SimulatedFleet:
    fleet = prepared(DEV)
    fleet.send(QueueName.CREATION, creation(**payload))
    fleet.run()
    return fleet


def steps_of(fleet: SimulatedFleet) -> list[str]:
    (operation,) = fleet.store.operations.values()
    assert operation.status is OperationStatus.COMPLETED, operation.failure
    return [step for step in operation.plan if step in ADDED]


def test_template_theme_and_plugins_are_there_before_the_service_starts():
    fleet = created(
        templateId="starter", configuration={"plugins": ["gallery"], "theme": "twentytwentytwo"}
    )
    (operation,) = fleet.store.operations.values()
    plan = operation.plan
    assert steps_of(fleet) == list(ADDED)
    assert plan.index("install_wordpress") < plan.index("apply_template")
    assert plan.index("install_plugins") < plan.index("start_release") < plan.index("check_before")
    (wordpress,) = fleet.effects.wordpresses.values()
    assert wordpress.theme == "twentytwentytwo"
    assert wordpress.plugins == {"banner": "1.1.0", "gallery": "1.2.0"}
    assert wordpress.active == {"banner", "gallery"}
    assert wordpress.options == {"blogdescription": "A fresh start"}


def test_the_steps_facts_tell_what_was_applied_and_installed():
    fleet = created(templateId="starter", configuration={"plugins": ["gallery"]})
    (operation_id,) = fleet.store.operations
    facts = {r.step: r.facts for r in fleet.store.history(operation_id).steps}
    assert facts["apply_template"]["template"] == "starter"
    assert facts["apply_template"]["plugins"] == {"banner": "1.1.0"}
    assert facts["install_plugins"]["plugins"] == {"gallery": "1.2.0"}


def test_a_theme_alone_comes_with_the_installation_and_adds_no_step():
    assert steps_of(created(configuration={"theme": "twentytwentytwo"})) == []


def test_the_newest_version_that_passes_is_chosen_and_a_named_one_is_kept():
    fleet = created(configuration={"plugins": [{"slug": "banner", "version": "1.0.0"}, "gallery"]})
    (wordpress,) = fleet.effects.wordpresses.values()
    assert wordpress.plugins == {"banner": "1.0.0", "gallery": "1.2.0"}


REFUSED = [
    ("TEMP_001", {"templateId": "nowhere"}, "no template nowhere"),
    (
        "TEMP_002",
        {"templateId": "future", "configuration": {"wordpressVersion": "6.5"}},
        "future needs WordPress 9.0 or newer, and this is WordPress 6.5",
    ),
    ("PLUG_001", {"configuration": {"plugins": ["nothing"]}}, "no plugin nothing"),
    (
        "PLUG_001",
        {"configuration": {"plugins": [{"slug": "banner", "version": "7"}]}},
        "no version 7 of the plugin banner; it has 1.0.0, 1.1.0",
    ),
    ("PLUG_002", {"configuration": {"plugins": ["miner"]}}, "miner is on the blocklist: it uses"),
    (
        "PLUG_003",
        {"configuration": {"plugins": [{"slug": "gallery", "version": "1.0.0"}]}},
        "gallery 1.0.0 has known vulnerabilities: CVE-2026-0001. Ask for 1.2.0.",
    ),
    (
        "PLUG_004",
        {"configuration": {"plugins": ["ribbon", "banner"]}},
        "banner conflicts with ribbon, which is asked for as well",
    ),
    (
        "PLUG_004",
        {"templateId": "starter", "configuration": {"plugins": ["ribbon"]}},
        "banner conflicts with ribbon",
    ),
]


@pytest.mark.parametrize(("code", "payload", "says"), REFUSED)
def test_what_a_site_may_not_have_is_refused_before_anything_is_made(code, payload, says):
    fleet = prepared(DEV)
    before = snapshot(fleet)
    fleet.send(QueueName.CREATION, creation(**payload))
    fleet.run()
    (event,) = fleet.world.events
    assert event.detail_type is DetailType.OPERATION_REJECTED
    error = event.data.error
    assert (error.code, says in error.message) == (code, True), error.message
    assert snapshot(fleet) == before


def test_what_only_the_installed_wordpress_can_tell_fails_the_step_and_leaves_nothing():
    """The request names no version; the image's WordPress is older than the template needs."""
    fleet = created(templateId="future")
    (operation,) = fleet.store.operations.values()
    assert (operation.status, operation.failure.code) == (OperationStatus.FAILED, "TEMP_002")
    assert operation.failure.step == "apply_template"
    assert (fleet.effects.schemas, fleet.effects.directories) == (set(), set())


def test_an_update_is_vetted_like_a_creation():
    fleet = prepared(DEV, creation())
    wrong = (
        {"install": ["miner"]},
        {"enable": ["nothing"]},
        {"configure": {"banner": {"siteurl": "https://elsewhere.example"}}},
        {"install": ["banner"], "uninstall": ["banner"]},
    )
    for number, plugins in enumerate(wrong):
        body = update(correlation=f"update-{number}", changes={"plugins": plugins})
        fleet.send(queue_of(body), body)
    fleet.run()
    codes = [event.data.error.code for event in fleet.world.events]
    assert codes == ["PLUG_002", "PLUG_001", "SITE_001", "SITE_001"]


CASES = [
    pytest.param(scenario, step, id=f"{scenario.name}-{step}".replace(" ", "-"))
    for scenario in STARTED
    for step in ADDED
    if scenario.name == "creation, made up" or step == "install_plugins"
]


@pytest.mark.parametrize(("scenario", "step"), CASES)
def test_a_step_that_fails_after_its_work_leaves_nothing_behind(scenario, step):
    fleet = scenario.start(Boundary(), workflows_failing_at(OperationType.SITE_CREATION, step))
    before, known = visible(snapshot(fleet)), set(fleet.store.operations)
    fleet.run()
    operation = next(o for name, o in fleet.store.operations.items() if name not in known)
    assert (operation.status, operation.failure.message) == (OperationStatus.FAILED, WHY)
    after = visible(snapshot(fleet))
    assert {name for name in after if after[name] != before[name]} == {"sites"}
    assert fleet.store.locks == {}
