"""No order is lost and none is doubled while a release is cut over: on a real MariaDB."""

import sys
import time

import pytest

from migrator.services import Services
from tests.migrator.ordering import Shoppers, require_books_balanced, stock_up
from tests.migrator.shop import PROTECTED, fill_live, fill_source, transferred

OLD, NEW = "arn:tg/r1", "arn:tg/r2"


class Pointer:
    def __init__(self) -> None:
        self.at = OLD
        self.moved_at = 0.0

    def target(self, _rule: str) -> str:
        return self.at

    def move(self, _rule: str, target_group_arn: str) -> None:
        self.at = target_group_arn
        self.moved_at = time.monotonic()


@pytest.fixture
def pointer(monkeypatch):
    pointer = Pointer()
    monkeypatch.setattr(Services, "pointer", pointer, raising=False)
    return pointer


@pytest.mark.parametrize("customers", [(0, 6), (3, 3), (8, 0)], ids=str)
def test_no_order_is_lost_and_none_is_doubled(fleet, pointer, capsys, record_property, customers):
    quick, slow = customers

    live, new = fleet.names.release(1).schema, fleet.names.release(2).schema
    fleet.own_schema("tenant_source")
    fill_source(fleet.database, "tenant_source")
    fleet.own_schema(live)
    fill_live(fleet.database, live)
    stock_up(fleet.database, live, quick + slow)
    fleet.record(live=1)
    job = transferred(fleet, "tenant_source")
    shoppers = Shoppers(
        database=fleet.database, schema_now=lambda: live if pointer.at == OLD else new
    )
    shoppers.start(quick=quick, slow=slow)
    try:
        shoppers.wait_for(30)
        fleet.done("import", **job, carriedFrom=live, carriedTables=PROTECTED)
        shoppers.wait_for(30)
        facts = fleet.done(
            "cut-over", database=fleet.job_database(2), liveSchema=live, holdSeconds=10,
            protectedTables=PROTECTED, drainSeconds=3, ruleArn="arn:rule", targetGroupArn=NEW,
            marks=fleet.at("marks.json"),
        )  # fmt: skip
        shoppers.wait_for(30)
    finally:
        shoppers.stop()
    require_books_balanced(shoppers, fleet.database, new, facts["conflicts"])
    late = [schema for begun, schema in shoppers.schemas if begun > pointer.moved_at]
    if slow:
        assert live in late
    assert new in late
    assert facts["late"]
    assert facts["heldSeconds"] < 10
    record_property("held_seconds", facts["heldSeconds"])
    report = (
        f"\n{len(shoppers.orders)} orders of {quick} quick and {slow} slow customers: held "
        f"{facts['heldSeconds']} s, longest order {max(shoppers.waits):.2f} s, "
        f"carried {sum(facts['carried'].values())}, late {sum(facts['late'].values())}, "
        f"conflicts {len(facts['conflicts'])}\n"
    )
    with capsys.disabled():
        sys.stderr.write(report)
