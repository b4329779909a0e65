"""Customers that keep ordering while a release is being cut over, and the books they keep."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pymysql

from tests.migrator.servers import Database

ITEMS = 2
OLDER = 20


@dataclass(kw_only=True)
class Shoppers:
    """Threads of customers. A request goes, with all it writes, to where its beginning pointed."""

    database: Database
    schema_now: Callable[[], str]
    """The schema of the release that the pointer sends a new request to."""
    straddle_seconds: float = 0.3
    """How long the first slow request takes between its beginning and its writing; the second one
    takes twice as long, and so on."""
    orders: dict[str, int] = field(default_factory=dict)
    """Reference -> order id, of every order that was acknowledged."""
    paid: set[str] = field(default_factory=set)
    bought: Counter[str] = field(default_factory=Counter)
    errors: list[tuple] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    """Seconds that each order took at the database."""
    schemas: list[tuple[float, str]] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, *, quick: int = 3, slow: int = 2) -> None:
        """Let customers in: quick ones without a pause, slow ones that think in between."""
        for number in range(quick + slow):
            name = f"c{number}"
            pause = 0.0 if number < quick else self.straddle_seconds * (1 + number - quick)
            thread = threading.Thread(target=self._shop, args=(name, pause), name=name)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        self.stopping.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, orders: int) -> None:
        """Wait until so many more orders are there."""
        wanted = len(self.orders) + orders
        end = time.monotonic() + 60
        while len(self.orders) < wanted:
            assert time.monotonic() < end, f"only {len(self.orders)} orders; {self.errors[:3]}"
            time.sleep(0.01)

    # --- one customer ---

    def _shop(self, name: str, pause: float) -> None:
        connection = self.database.root()
        mine: list[str] = []
        try:
            for number in itertools.count():
                if self.stopping.is_set():
                    return
                reference = f"{name}-{number}"
                older = mine[-OLDER] if len(mine) >= OLDER else None
                schema = self.schema_now()
                time.sleep(pause or 0.005)
                self._order(connection, schema, reference, older)
                mine.append(reference)
        except pymysql.MySQLError as error:
            self.errors.append((name, *error.args))
        finally:
            connection.close()

    def _order(
        self, connection: pymysql.connections.Connection, schema: str, reference: str,
        older: str | None,
    ) -> None:  # fmt: skip
        """One order as a shop writes it: order, items, meta, log, stock; in one transaction."""
        connection.select_db(schema)
        begun = time.monotonic()
        connection.begin()
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO wp_wc_orders (status, reference, total) VALUES ('new', %s, 9.5)",
                (reference,),
            )
            number = cursor.lastrowid
            for item in range(ITEMS):
                cursor.execute(
                    "INSERT INTO wp_order_items (order_id, name) VALUES (%s, %s)",
                    (number, f"{reference}/{item}"),
                )
            cursor.execute("INSERT INTO wp_wc_orders_meta VALUES (%s, 'k', X'00ff')", (number,))
            cursor.execute("INSERT INTO wp_wc_orders_log VALUES (%s, NOW(3))", (reference,))
            sku = reference.partition("-")[0]
            cursor.execute("UPDATE wp_stock SET pieces = pieces - 1 WHERE sku = %s", (sku,))
            paid = 0
            if older:  # an order that is not found is not paid: the customer is told so
                paid = cursor.execute(
                    "UPDATE wp_wc_orders SET status = 'paid' WHERE id = %s", (self.orders[older],)
                )
        connection.commit()
        self.waits.append(time.monotonic() - begun)
        self.schemas.append((begun, schema))
        self.orders[reference] = number
        self.bought[sku] += 1
        if paid:
            self.paid.add(older)


def stock_up(database: Database, schema: str, customers: int) -> None:
    """Give each customer an article of their own."""
    for number in range(customers):
        database.run(f"INSERT INTO wp_stock VALUES ('c{number}', 100000)", schema=schema)


def require_books_balanced(
    shoppers: Shoppers, database: Database, schema: str, conflicts: list[str]
) -> None:
    """No acknowledged order is lost, none is there twice, and each is whole."""
    assert not shoppers.errors, shoppers.errors[:3]
    orders = database.run(
        "SELECT reference, id, status FROM wp_wc_orders WHERE reference LIKE 'c%-%'", schema=schema
    )
    assert Counter(reference for reference, _, _ in orders) == Counter(shoppers.orders.keys())
    assert {reference: number for reference, number, _ in orders} == shoppers.orders
    items = database.run(
        "SELECT name, order_id FROM wp_order_items WHERE name LIKE 'c%-%/%'", schema=schema
    )
    expected = [(f"{r}/{i}", n) for r, n in shoppers.orders.items() for i in range(ITEMS)]
    assert sorted(items) == sorted(expected)
    lines = database.run("SELECT line FROM wp_wc_orders_log WHERE line LIKE 'c%-%'", schema=schema)
    assert Counter(line for (line,) in lines) == Counter(shoppers.orders.keys())
    meta = database.run("SELECT order_id FROM wp_wc_orders_meta WHERE meta_value = X'00ff'",
                        schema=schema)  # fmt: skip
    assert sorted(number for (number,) in meta) == sorted(shoppers.orders.values())
    unpaid = {reference for reference, _, status in orders if status == "new"} & shoppers.paid
    assert len(unpaid) <= sum(name.startswith("wp_wc_orders:") for name in conflicts)
    stock = dict(database.run("SELECT sku, 100000 - pieces FROM wp_stock WHERE sku LIKE 'c_'",
                              schema=schema))  # fmt: skip
    wrong = {sku for sku, count in shoppers.bought.items() if stock[sku] != count}
    assert len(wrong) <= sum(name.startswith("wp_stock:#") for name in conflicts)
