"""A cut-over that is killed anywhere is completed by the next attempt, while customers order."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.migrator.ordering import Shoppers, require_books_balanced, stock_up
from tests.migrator.servers import ROOT
from tests.migrator.shop import PROTECTED, fill_live

OLD, NEW = "arn:tg/r1", "arn:tg/r2"

POINTS = {
    "while the bases are made": ("INSERT INTO .*sitefleet_base_3", 1),
    "while rows are copied ahead": ("DELETE n FROM", 1),
    "with half of the locks": ("FLUSH TABLES", 4),
    "while everybody waits": ("sitefleet_digest. FROM|SUM\\(sitefleet_digest\\)", 2),
    "while rows are copied in the hold": ("DELETE b FROM", 2),
    "when all is equal": ("UPDATE .*sitefleet_cut_over. SET progress", 2),
    "before the pointer moves": ("before the move", 1),
    "when the pointer has moved": ("after the move", 1),
    "before anybody is let go": ("UNLOCK TABLES", 1),
    "before the first late row": ("FOR UPDATE", 1),
    "in the middle of a late row": ("INSERT INTO .*wp_order_items.*WHERE l", 3),
    "between a late row and its base": ("sitefleet_digest\\) SELECT n", 4),
    "while it cleans up": ("^DROP TABLE IF EXISTS .*sitefleet_base_2", 2),
}


class Promotion:
    """A release before its cut-over, its pointer, and its customers."""

    def __init__(self, fleet, folder) -> None:
        self.fleet = fleet
        self.live, self.new = fleet.names.release(1).schema, fleet.names.release(2).schema
        self.pointer = folder / "pointer"
        self.pointer.write_text(OLD)
        for schema in (self.live, self.new):
            fleet.own_schema(schema)
            fill_live(fleet.database, schema)
        stock_up(fleet.database, self.live, 5)
        fleet.record(live=1)
        self.shoppers = Shoppers(database=fleet.database, schema_now=self.schema_now)

    def schema_now(self) -> str:
        return self.live if self.pointer.read_text() == OLD else self.new

    def attempt(self, where: str = "nowhere", occurrence: int = 1) -> int:
        job = self.fleet.describe(
            "cut-over", database=self.fleet.job_database(2), liveSchema=self.live,
            protectedTables=PROTECTED, holdSeconds=10, drainSeconds=1.5, ruleArn="arn:rule",
            targetGroupArn=NEW, marks=self.fleet.at("marks.json"),
        )  # fmt: skip
        program = [sys.executable, "-m", "tests.migrator.cut_over_program"]
        done = subprocess.run(
            [*program, job, str(self.pointer), where, str(occurrence)],
            env={"PATH": os.environ["PATH"]} | self.fleet.environ() | self.fleet.aws,
            cwd=ROOT, check=False, capture_output=True, timeout=90,
        )  # fmt: skip
        return done.returncode


@pytest.fixture
def promotion(remote_fleet, tmp_path):
    promotion = Promotion(remote_fleet, tmp_path)
    promotion.shoppers.start(quick=2, slow=3)
    yield promotion
    promotion.shoppers.stop()


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_cut_over_is_completed_by_the_next_attempt(promotion, point):
    shoppers = promotion.shoppers
    shoppers.wait_for(20)
    assert promotion.attempt(*POINTS[point]) == -signal.SIGKILL
    begun = time.monotonic()
    shoppers.wait_for(5)
    assert time.monotonic() - begun < 5  # a dead job's locks are gone with its connections
    assert promotion.attempt() == 0
    result = promotion.fleet.result()
    assert result.error is None, result.error
    assert promotion.pointer.read_text() == NEW
    shoppers.wait_for(20)
    shoppers.stop()
    conflicts = result.facts["conflicts"]
    require_books_balanced(shoppers, promotion.fleet.database, promotion.new, conflicts)
    tables = promotion.fleet.database.run("SHOW TABLES", schema=promotion.new)
    assert not [name for (name,) in tables if name.startswith("sitefleet_")]


def test_a_cut_over_that_is_killed_again_and_again_is_completed(promotion):
    shoppers = promotion.shoppers
    shoppers.wait_for(20)
    for point in ("before the pointer moves", "when the pointer has moved",
                  "between a late row and its base"):  # fmt: skip
        assert promotion.attempt(*POINTS[point]) == -signal.SIGKILL
    assert promotion.attempt() == 0
    result = promotion.fleet.result()
    assert result.error is None, result.error
    shoppers.wait_for(20)
    shoppers.stop()
    conflicts = result.facts["conflicts"]
    require_books_balanced(shoppers, promotion.fleet.database, promotion.new, conflicts)
