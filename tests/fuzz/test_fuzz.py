"""Whatever arrives is answered: a few inputs here, as many as you like by `make fuzz`."""

from __future__ import annotations

import time
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings

from core.domain.replays import Fate
from core.engine.message import Acknowledged
from tests.fuzz import targets
from tests.fuzz.corpus import regressions, seeds
from tests.fuzz.strategies import INPUTS
from tests.fuzz.targets import TARGETS, HungError, LostError, limited

EXAMPLES = {"decode": 200, "consumer": 150, "rewrite": 60, "policy": 60}
LOST = Acknowledged(fate=Fate.NOTHING)
FOUND = [(target, name) for target in TARGETS for name, _ in regressions(target)]


@pytest.mark.parametrize(("target", "name"), FOUND)
def test_what_once_broke_it_breaks_it_no_more(target, name):
    with limited():
        TARGETS[target](dict(regressions(target))[name])


@pytest.mark.parametrize("target", TARGETS)
def test_inputs_that_are_nearly_right_are_answered(target):
    became = set()

    @settings(
        max_examples=EXAMPLES[target],
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=INPUTS[target])
    def answered(data):
        with limited():
            became.add(TARGETS[target](data))

    answered()
    assert target == "rewrite" or len(became) > 1  # some are taken, some are not


def test_a_message_that_is_lost_is_noticed(monkeypatch):
    """The accounting can fail: a consumer that acknowledges and does nothing."""
    [creation] = [s for s in seeds("consumer") if b'"SITE_CREATION_REQUEST"' in s and s[0] == 0][:1]
    assert targets.consume(creation) == "SiteCreationRequest"
    fleet = targets.stage(0).set_up()
    monkeypatch.setattr(fleet.consumer, "handle", lambda _message: LOST)
    monkeypatch.setattr(targets.stage(0), "set_up", lambda: fleet)
    with pytest.raises(LostError):
        targets.consume(creation)


@pytest.mark.parametrize("wait", [lambda: time.sleep(60), lambda: [None for _ in count()]])
def test_an_input_that_hangs_is_noticed(wait):
    """Be it that it waits for nothing, or that it never comes to an end of its work."""
    with pytest.raises(HungError), limited(0.05):
        wait()
