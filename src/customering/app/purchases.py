"""What everybody bought, read from the history as flat arrays for the models to learn from."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customering.app.permission import Permission
from customering.kernel.records import Record
from customering.stores.history import History

PURCHASE_EVENTS = ("Order Completed", "Store Purchase Completed")
"""The events that are purchases, on whatever channel."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class PurchaseData(Record, frozen=True):
    """Purchases of everybody; people and products are numbered from 0.

    Parameters
    ----------
    people
        The person (or, for somebody with one identifier, their anchor) of each number.
    products
        The product of each number.
    line_person, line_product, line_day
        One entry a distinct (person, product, UTC day).
    order_person, order_day, order_minor
        One entry an order; the amount is NaN where it is not known.
    """

    people: list[str]
    products: list[str]
    line_person: Ints
    line_product: Ints
    line_day: Ints
    order_person: Ints
    order_day: Ints
    order_minor: Floats


class Item(Record, frozen=True):
    """What the purchases themselves tell about a product.

    Parameters
    ----------
    product_id
        The product.
    title, category, department, brand
        As most recently sold; empty where unknown.
    price_minor
        Median price of one piece over the orders, minor units; 0 where unknown.
    """

    product_id: str
    title: str = ""
    category: str = ""
    department: str = ""
    brand: str = ""
    price_minor: int = 0

    @property
    def words(self) -> str:
        """What the product is called for people; its category or its id where it has no title."""
        name = self.title or self.category
        if not name:
            return f"product {self.product_id}"
        return name.capitalize() if name.isupper() else name


def people_table(person_of: Mapping[str, str]) -> Any:
    """Give the Arrow table that maps the anchors of people with several identifiers to one name."""
    import pyarrow as pa  # with DuckDB, at its first use: see `customering.stores.history`

    return pa.table(
        {
            "anchor": pa.array(list(person_of), pa.string()),
            "person": pa.array(list(person_of.values()), pa.string()),
        }
    )


def with_people(
    history: History,
    person_of: Mapping[str, str],
    permission: Permission,
    where: str = "true",
) -> str:
    """Give a table expression over the history with a ``person`` column.

    Parameters
    ----------
    history
        The history to read.
    person_of
        Anchor to the name of its person; anchors that are not in it stand for themselves.
    permission
        Whose events may be used.
    where
        A condition over the columns of the history ``h``.
    """
    import pyarrow as pa

    history.connection.register("people", people_table(person_of))
    exceptions = pa.array(sorted(permission.exceptions), pa.string())
    history.connection.register("exceptions", pa.table({"anchor": exceptions}))
    kind = "ANTI" if permission.by_default else "SEMI"
    return (
        f"(SELECT h.*, coalesce(p.person, h.anchor) AS person FROM {history.relation()} h"
        f" LEFT JOIN people p ON p.anchor = h.anchor"
        f" {kind} JOIN exceptions e ON e.anchor = h.anchor WHERE {where})"
    )


def read_purchases(
    history: History, person_of: Mapping[str, str], permission: Permission
) -> PurchaseData:
    """Read the purchases of everybody.

    Parameters
    ----------
    history
        The history to read.
    person_of
        Anchor to the name of its person, for people with several identifiers.
    permission
        Whose purchases may be learned from.
    """
    names = ", ".join(f"'{name}'" for name in PURCHASE_EVENTS)
    relation = with_people(history, person_of, permission, f"h.name IN ({names})")
    run = history.execute
    run(
        f"CREATE OR REPLACE TEMP TABLE orders AS"
        f" SELECT person, day, revenue_minor, products FROM {relation}"
    )
    run(
        "CREATE OR REPLACE TEMP TABLE buyers AS SELECT person, row_number() OVER"
        " (ORDER BY person) - 1 AS number FROM (SELECT DISTINCT person FROM orders)"
    )
    run(
        "CREATE OR REPLACE TEMP TABLE lines AS SELECT DISTINCT person, day, p.product_id AS product"
        " FROM (SELECT person, day, unnest(products) AS p FROM orders)"
        " WHERE p.product_id IS NOT NULL"
    )
    run(
        "CREATE OR REPLACE TEMP TABLE sold AS SELECT product, row_number() OVER"
        " (ORDER BY product) - 1 AS number FROM (SELECT DISTINCT product FROM lines)"
    )
    line = history.arrow(
        "SELECT b.number AS person, s.number AS product, day::BIGINT AS day FROM lines"
        " JOIN buyers b USING (person) JOIN sold s USING (product) ORDER BY ALL"
    )
    order = history.arrow(
        "SELECT b.number AS person, day::BIGINT AS day, revenue_minor::DOUBLE AS amount"
        " FROM orders JOIN buyers b USING (person) ORDER BY ALL"
    )
    return PurchaseData(
        people=_names(history.arrow("SELECT person AS name FROM buyers ORDER BY number")),
        products=_names(history.arrow("SELECT product AS name FROM sold ORDER BY number")),
        line_person=_ints(line["person"]),
        line_product=_ints(line["product"]),
        line_day=_ints(line["day"]),
        order_person=_ints(order["person"]),
        order_day=_ints(order["day"]),
        order_minor=_floats(order["amount"]),
    )


def read_items(history: History) -> dict[str, Item]:
    """Learn names, categories and prices of products from the purchases themselves."""
    names = ", ".join(f"'{name}'" for name in PURCHASE_EVENTS)
    table = history.arrow(
        f"""
        SELECT p.product_id AS product_id,
            coalesce(arg_max(p.name, (occurred_at, p.name)), '') AS title,
            coalesce(arg_max(p.category, (occurred_at, p.category)), '') AS category,
            coalesce(arg_max(p.department, (occurred_at, p.department)), '') AS department,
            coalesce(arg_max(p.brand, (occurred_at, p.brand)), '') AS brand,
            coalesce(median(coalesce(p.price_minor, p.amount_minor // nullif(p.quantity, 0)))
                FILTER (WHERE p.quantity > 0), 0)::BIGINT AS price_minor
        FROM (SELECT occurred_at, unnest(products) AS p FROM {history.relation()}
              WHERE name IN ({names}))
        WHERE p.product_id IS NOT NULL
        GROUP BY p.product_id
        """
    )
    return {row["product_id"]: Item(**row) for row in table.to_pylist()}


def _names(table: Any) -> list[str]:
    return [str(name) for name in table["name"].to_pylist()]


def _ints(column: Any) -> Ints:
    return np.asarray(column.to_numpy(), dtype=np.int64)


def _floats(column: Any) -> Floats:
    return np.asarray(column.to_numpy(), dtype=np.float64)
