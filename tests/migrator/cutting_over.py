"""A promotion just before its cut-over, and what a test asks of it."""

from __future__ import annotations

import pytest

from core.domain.job_facts import Marks
from migrator.services import Services
from tests.migrator.shop import PROTECTED, fill_live, fill_source, transferred

OLD, NEW, RULE = "arn:tg/r1", "arn:tg/r2", "arn:rule"
TABLES = [
    "wp_comments", "wp_order_items", "wp_stock", "wp_usermeta", "wp_users", "wp_wc_orders",
    "wp_wc_orders_log", "wp_wc_orders_meta",
]  # fmt: skip


class Pointer:
    """A site's pointer; what happens when it moves can be set."""

    def __init__(self) -> None:
        self.at = OLD
        self.before_moving = lambda: None
        self.after_moving = lambda: None

    def target(self, _rule: str) -> str:
        return self.at

    def move(self, _rule: str, target_group_arn: str) -> None:
        self.before_moving()
        self.at = target_group_arn
        self.after_moving()


@pytest.fixture
def pointer(monkeypatch):
    pointer = Pointer()
    monkeypatch.setattr(Services, "pointer", pointer, raising=False)
    return pointer


@pytest.fixture
def shop(fleet, pointer):
    """A promotion just before its cut-over: r1 is live, r2 is imported."""
    fleet.own_schema("tenant_source")
    fill_source(fleet.database, "tenant_source")
    fleet.own_schema(fleet.names.release(1).schema)
    fill_live(fleet.database, fleet.names.release(1).schema)
    fleet.record(live=1)
    job = transferred(fleet, "tenant_source")
    fleet.done("import", **job, carriedFrom=live(fleet), carriedTables=PROTECTED)
    return fleet


def live(fleet) -> str:
    return fleet.names.release(1).schema


def new(fleet) -> str:
    return fleet.names.release(2).schema


def fields(fleet, **changes):
    return {
        "database": fleet.job_database(2), "liveSchema": live(fleet),
        "protectedTables": PROTECTED, "holdSeconds": 10, "drainSeconds": 0, "ruleArn": RULE,
        "targetGroupArn": NEW, "marks": fleet.at("releases/r2/marks.json"),
    } | changes  # fmt: skip


def cut_over(fleet, **changes):
    return fleet.done("cut-over", **fields(fleet, **changes))


def content(fleet, schema: str, table: str) -> list[tuple]:
    return sorted(fleet.database.run(f"SELECT * FROM `{table}`", schema=schema), key=repr)


def equal(fleet) -> list[str]:
    """Return the protected tables that hold the same in both releases."""
    return [t for t in TABLES if content(fleet, live(fleet), t) == content(fleet, new(fleet), t)]


def marks(fleet) -> Marks:
    body = fleet.clients["s3"].get_object(Bucket=fleet.bucket, Key="releases/r2/marks.json")["Body"]
    return Marks.model_validate_json(body.read())


CHANGES = [
    "INSERT INTO wp_wc_orders (status, reference) VALUES ('new', 'n1'), ('new', 'n2')",
    "UPDATE wp_wc_orders SET status = 'shipped' WHERE id = 500",
    "DELETE FROM wp_wc_orders WHERE id = 501",
    "UPDATE wp_stock SET pieces = 39 WHERE sku = 'shirt'",
    "UPDATE wp_stock SET sku = 'Cup' WHERE sku = 'cup'",
    "INSERT INTO wp_wc_orders_meta VALUES (1600, 'k', X'00'), (1601, 'k', NULL)",
    "UPDATE wp_wc_orders_meta SET meta_value = NULL WHERE order_id = 500",
    "INSERT INTO wp_wc_orders_log VALUES ('same', NULL), ('one more', NOW(3))",
    "DELETE FROM wp_wc_orders_log WHERE line IS NULL",
    "UPDATE wp_comments SET comment_content = '' WHERE comment_ID = 1",
    "UPDATE wp_usermeta SET meta_key = NULL WHERE user_id = 3",
]
