"""What MiniStack is spared: it comes to the same, only less often."""

from types import SimpleNamespace

from local.emulator_upkeep import EVICTION_SECONDS, evict_seldom, remember_expressions


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
