"""What MiniStack is spared: it comes to the same, only less often."""

from types import ModuleType, SimpleNamespace

from local.emulator_upkeep import (
    EVICTION_SECONDS,
    evict_seldom,
    list_living_tasks,
    remember_expressions,
)

LISTING = """
looked_at = []

def _list_tasks(data):
    looked_at.extend(_tasks.items())
    return [arn for arn, _ in _tasks.items()]
"""
"""As MiniStack's does, it goes through whatever its module calls _tasks."""


class Store:
    """Two accounts' tasks, as MiniStack keeps them."""

    def __init__(self):
        self._data = {
            ("111", "af-south-1", "lives"): {"desiredStatus": "RUNNING"},
            ("111", "af-south-1", "stopped"): {"desiredStatus": "STOPPED"},
            ("111", "eu-west-1", "elsewhere"): {"desiredStatus": "RUNNING"},
            ("222", "af-south-1", "foreign"): {"desiredStatus": "RUNNING"},
        }

    def _prefix(self):
        return ("111", "af-south-1")

    def items(self):
        return [(key[2], task) for key, task in self._data.items() if key[:2] == self._prefix()]


def test_old_metrics_are_looked_for_now_and_then():
    now, looks = [0.0], []
    metrics = SimpleNamespace(_evict_old_metrics=lambda: looks.append(now[0]))
    evict_seldom(metrics, clock=lambda: now[0])
    for now[0] in (1, EVICTION_SECONDS - 1, EVICTION_SECONDS, EVICTION_SECONDS + 1):
        metrics._evict_old_metrics()
    assert looks == [EVICTION_SECONDS]


def test_an_expression_is_parsed_once_for_each_place_it_stands_in():
    parsed = []
    tables = SimpleNamespace(
        _condition_syntax_error=lambda expr, slot: parsed.append((expr, slot)) or f"{slot}: {expr}"
    )
    remember_expressions(tables)
    for _ in range(3):
        assert tables._condition_syntax_error("a = :b", "KeyConditionExpression") == (
            "KeyConditionExpression: a = :b"
        )
    tables._condition_syntax_error("a = :b", "FilterExpression")
    assert parsed == [("a = :b", "KeyConditionExpression"), ("a = :b", "FilterExpression")]


def test_what_is_asked_for_as_running_is_looked_for_among_the_living():
    ecs = ModuleType("ecs")
    ecs._tasks, ecs._ACTION_MAP = Store(), {}
    exec(LISTING, vars(ecs))
    list_living_tasks(ecs)
    for listing in (ecs._list_tasks, ecs._ACTION_MAP["ListTasks"]):
        ecs.looked_at.clear()
        assert listing({}) == listing({"desiredStatus": "RUNNING"}) == ["lives"]
        assert [arn for arn, _ in ecs.looked_at] == ["lives", "lives"]
        assert listing({"desiredStatus": "STOPPED"}) == ["lives", "stopped"]
