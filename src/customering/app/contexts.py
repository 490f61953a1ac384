"""What everybody bought when, where and by which way, counted from the history."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from customering.app.permission import Permission
from customering.app.purchases import PURCHASE_EVENTS, with_people
from customering.kernel.errors import Invalid
from customering.stores.history import History
from customering.taste.context import HOURS_A_PART, Context, fit_context
from customering.taste.history import Ints

_PART_MS = HOURS_A_PART * 3_600_000


def read_context(
    history: History, person_of: Mapping[str, str], permission: Permission
) -> Context | None:
    """Count the lines of each product in each cell; None where nobody has bought.

    Parameters
    ----------
    history
        The history to read.
    person_of
        Anchor to the name of its person, for people with several identifiers.
    permission
        Whose purchases may be counted.
    """
    names = ", ".join(f"'{name}'" for name in PURCHASE_EVENTS)
    relation = with_people(history, person_of, permission, f"h.name IN ({names})")
    rows = history.arrow(
        f"""
        WITH lines AS (
            SELECT unnest(products).product_id AS product, store_id, channel, day,
                (occurred_at % 86400000) // {_PART_MS} AS part
            FROM {relation}
        ), cells AS (
            SELECT product, unnest([
                'part:' || part, 'weekday:' || ((day + 3) % 7),
                'store:' || store_id, 'channel:' || channel
            ]) AS cell FROM lines WHERE product IS NOT NULL
        )
        SELECT product, cell, count(*) AS lines FROM cells
        WHERE cell IS NOT NULL AND cell NOT IN ('store:', 'channel:')
        GROUP BY ALL ORDER BY ALL
        """
    )
    products, item = _numbered(rows["product"])
    cells, cell = _numbered(rows["cell"])
    try:
        return fit_context(
            products,
            item,
            cell,
            rows["lines"].to_numpy().astype(np.float64),
            cells,
        )
    except Invalid:
        return None


def _numbered(column: Any) -> tuple[list[str], Ints]:
    """Give the different names, rising, and the number of each entry."""
    names: list[str] = column.to_pylist()
    different = sorted(set(names))
    place = {name: at for at, name in enumerate(different)}
    return different, np.array([place[name] for name in names], dtype=np.int64)
