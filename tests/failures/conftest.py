"""Machines of this folder; consumers of the tests' own do the work on them, and let it fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from core.ports.messaging import QueueName
from tests.acceptance.spans import span
from tests.failures.cases import Case
from tests.failures.consumers import Failures, Worker, switch_off
from tests.failures.machine import Machine, machine_at
from tests.failures.promotions import LAST, failed_promotion, promotion
from tests.failures.stories import STORIES, Asked, Teller, Told

SITES = ("mango", "papaya")
"""Each is promoted once; then its promotions fail, beside the other one's."""
NEW_SITE = "kiwi"
"""It is never in the target."""
FUNCTIONS = ("creation", "update", "deletion", "wakeup")
"""Of dev, where sites are changed."""


class Failing:
    """Lets promotions fail, when a test first asks for one; all that are asked for at once."""

    def __init__(self, machine: Machine, workers: dict[str, Worker], failures: Failures):
        self._machine, self._workers, self._failures = machine, workers, failures

    def live(self, name: str, steps: list[str]) -> list[Case]:
        """Promote a site, so that it is live; change its source; then fail at each step.

        The first one that fails does so at the last step: what it has seen, the others know.
        """
        worker, target = self._workers[name], self._machine.target(name, "sit")
        self._machine.create(name)
        worker.operate(promotion(target.site_id))
        self._machine.edit(name, "edition.php")
        target.visit()
        before = target.state()
        cases = [failed_promotion(worker, target, before, LAST)]
        facts = worker.facts(cases[0].operation.operation_id)
        self._failures.known[target.site_id] = facts
        others = [step for step in steps if step != LAST]
        return [*cases, *(failed_promotion(worker, target, before, step) for step in others)]

    def first(self, steps: list[str]) -> list[Case]:
        """Fail at each step of a site's first promotion."""
        worker, target = self._workers[NEW_SITE], self._machine.target(NEW_SITE, "sit")
        self._machine.create(NEW_SITE)
        before = target.state()
        return [failed_promotion(worker, target, before, step) for step in steps]


@pytest.fixture(scope="session")
def failing(tmp_path_factory) -> Iterator[Failing]:
    """The machine, with nobody but the tests at the promotion queue of sit."""
    home = tmp_path_factory.mktemp("failures").resolve()
    with (
        span("failing promotions"),
        machine_at(home) as machine,
        pytest.MonkeyPatch.context() as patch,
    ):
        switch_off(machine.clouds["sit"], "promotion", "wakeup")
        machine.reach_the_registry(patch)
        failures = Failures()
        workers = {}
        for name in (*SITES, NEW_SITE):
            fleet = machine.fleet("sit", "promotion", patch)
            fleets = {QueueName.PROMOTION: fleet, None: fleet}
            workers[name] = Worker(fleets, failures, machine.clouds["sit"])
        yield Failing(machine, workers, failures)


@pytest.fixture(scope="session")
def failures_of(request, failing) -> dict[str, dict[str, Case]]:
    """Every case that a selected test asks for, by fixture and step."""
    asked: dict[str, list[str]] = {"failed": [], "failed_first": []}
    for item in request.session.items:
        step = getattr(item, "callspec", None) and item.callspec.params.get("step")
        for fixture, steps in asked.items():
            if step and fixture in item.fixturenames:
                steps.append(step)
    with ThreadPoolExecutor(max_workers=len(SITES) + 1) as pool:
        live = [
            pool.submit(failing.live, name, asked["failed"][number :: len(SITES)])
            for number, name in enumerate(SITES)
        ]
        first = pool.submit(failing.first, asked["failed_first"])
        cases = {"failed": [case for future in live for case in future.result()]}
        cases["failed_first"] = first.result()
    return {name: {case.step: case for case in found} for name, found in cases.items()}


def _asking(name: str) -> Any:
    @pytest.fixture(scope="session", name=name)
    def asking(failures_of) -> Callable[[str], Case]:
        return failures_of[name].__getitem__

    return asking


failed = _asking("failed")
failed_first = _asking("failed_first")


@pytest.fixture(scope="module")
def telling(tmp_path_factory) -> Iterator[Callable[[Asked], Teller]]:
    """Another machine, with nobody but the tests at the other queues of dev.

    Each story has consumers of its own.
    """
    home = tmp_path_factory.mktemp("changes").resolve()
    with (
        span("failing changes"),
        machine_at(home) as machine,
        pytest.MonkeyPatch.context() as patch,
    ):
        cloud, failures = machine.clouds["dev"], Failures()
        switch_off(cloud, *FUNCTIONS)

        def teller(asked: Asked) -> Teller:
            fleets = {
                None if function == "wakeup" else QueueName(function): machine.fleet(
                    "dev", function, patch
                )
                for function in FUNCTIONS
            }
            return Teller(machine=machine, worker=Worker(fleets, failures, cloud), asked=asked)

        yield teller


@pytest.fixture(scope="module")
def changed(request, telling) -> Iterator[Callable[[str, str], Case]]:
    """Every case that a selected test asks for, by kind of operation and step."""
    asked = _asked_for(request.session.items)
    told: dict[tuple[str, str], Case] = {}
    stories: dict[str, Future[None]] = {}
    with ThreadPoolExecutor(max_workers=len(STORIES)) as pool:
        for story, kinds in STORIES.items():
            if asked.keys() & set(kinds):
                future = pool.submit(_listen, story(telling(asked)), told)
                stories.update(dict.fromkeys(kinds, future))

        def case(kind: str, step: str) -> Case:
            broken = stories[kind].exception()
            if broken is not None and (kind, step) not in told:
                raise AssertionError(f"The story of {kind} broke off before {step}.") from broken
            return told[kind, step]

        yield case


def _asked_for(items: list[Any]) -> Asked:
    asked: dict[str, dict[str, None]] = {}
    for item in items:
        if "changed" in item.fixturenames:
            kind, step = (item.callspec.params[name] for name in ("kind", "step"))
            asked.setdefault(kind, {})[step] = None
    return asked


def _listen(story: Told, told: dict[tuple[str, str], Case]) -> None:
    """Keep every case at once: what comes after it may break off."""
    for name, case in story:
        told.setdefault(name, case)
