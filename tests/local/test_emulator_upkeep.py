"""What MiniStack is spared: it comes to the same, only less often."""

from types import ModuleType, SimpleNamespace

from local.emulator_upkeep import (
    EVICTION_SECONDS,
    evict_seldom,
    list_living_tasks,
    receive_the_first,
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


def test_a_receive_looks_for_as_many_messages_as_it_is_asked_for():
    looked_at = []

    def collect(queue, most, hidden_seconds):
        looked_at.extend(queue["messages"])
        found = [m for m in queue["messages"] if m["visible_at"] <= 100][:most]
        for message in found:
            message["visible_at"] = 100 + hidden_seconds
        return found

    sqs = SimpleNamespace(_collect_msgs=collect)
    receive_the_first(sqs, clock=lambda: 100.0)
    messages = [{"id": number, "visible_at": 200 if number < 3 else 50} for number in range(9)]
    queue = {"is_fifo": False, "messages": messages}
    assert [m["id"] for m in sqs._collect_msgs(queue, 2, 30)] == [3, 4]
    assert [m["id"] for m in sqs._collect_msgs(queue, 10, 30)] == [5, 6, 7, 8], "3, 4 are hidden"
    assert [m["id"] for m in looked_at] == [3, 4, 5, 6, 7, 8]
    assert len(queue["messages"]) == 9

    looked_at.clear()
    sqs._collect_msgs({"is_fifo": True, "messages": messages}, 1, 30)
    assert looked_at == messages, "groups are in order: it needs all of them"
