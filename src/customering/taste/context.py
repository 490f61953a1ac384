"""What is bought when, where and by which way: for people of whom nothing else is known.

For each *cell*, such as a store or a part of the day, the share of each popular product is compared
with its share overall; rare cells are drawn towards no difference. Cells add up as if independent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from customering.kernel.errors import InvalidDefinition
from customering.taste.history import Ints
from customering.taste.items import Floats

PRIOR_LINES = 500.0
"""Lines' worth of the overall shares mixed into each cell."""

HOURS_A_PART = 3
"""Parts of the day: this many hours each, from midnight UTC."""


@dataclass(frozen=True, eq=False)
class Context:
    """How much more or less each popular product is bought in each cell.

    Parameters
    ----------
    products
        Products, most bought first.
    share
        Share of all lines. Shape (products,).
    cells
        Names of the cells, as `cells_of` gives them.
    lift
        Logarithm of the share in a cell over that of all. Shape (cells, products).
    """

    products: tuple[str, ...]
    share: Floats
    cells: tuple[str, ...]
    lift: NDArray[np.float32]

    @cached_property
    def _row(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.cells)}

    def lifted(self, cells: Sequence[str]) -> Floats:
        """Give the share of each product in some cells at once; unknown cells change nothing."""
        rows = [self._row[name] for name in cells if name in self._row]
        logs = np.log(self.share) + self.lift[rows].sum(axis=0, dtype=np.float64)
        shares: Floats = np.exp(logs)
        return shares


def cells_of(
    *,
    hour: int | None = None,
    weekday: int | None = None,
    store: str = "",
    channel: str = "",
) -> tuple[str, ...]:
    """Name the cells of an instant and a place; what is not known is left out.

    Parameters
    ----------
    hour
        Of the day, UTC, 0 to 23.
    weekday
        0 is Monday.
    store, channel
        Their names.

    Examples
    --------
    >>> cells_of(hour=17, store="446")
    ('part:5', 'store:446')
    """
    found = []
    if hour is not None:
        found.append(f"part:{hour // HOURS_A_PART}")
    if weekday is not None:
        found.append(f"weekday:{weekday}")
    if store:
        found.append(f"store:{store}")
    if channel:
        found.append(f"channel:{channel}")
    return tuple(found)


def fit_context(
    products: Sequence[str],
    item: Ints,
    cell: Ints,
    lines: Floats,
    cells: Sequence[str],
    *,
    products_most: int = 1_000,
    cells_most: int = 300,
) -> Context:
    """Compare the shares of products in each cell with those overall.

    Parameters
    ----------
    products, cells
        Names of the numbers below.
    item, cell, lines
        How many lines of each product there were in each cell; one entry a pair. Every line is in
        one cell of each kind, such as one store.
    products_most, cells_most
        Only the most bought products and the cells with most lines are kept.

    Raises
    ------
    InvalidDefinition
        When there is no line.
    """
    if not len(item) or lines.sum() <= 0:
        raise InvalidDefinition(
            "there are no purchases to learn from", hint="train when people have bought"
        )
    in_cell = np.bincount(cell, lines, minlength=len(cells))
    bought = np.bincount(item, lines, minlength=len(products))
    shown = np.argsort(-bought, kind="stable")[:products_most]
    shown = shown[bought[shown] > 0]
    kept = np.sort(np.argsort(-in_cell, kind="stable")[:cells_most])
    share = bought[shown] / bought.sum()
    column = np.full(len(products), -1)
    column[shown] = np.arange(len(shown))
    row = np.full(len(cells), -1)
    row[kept] = np.arange(len(kept))
    counts = np.zeros((len(kept), len(shown)))
    wanted = (column[item] >= 0) & (row[cell] >= 0)
    np.add.at(counts, (row[cell[wanted]], column[item[wanted]]), lines[wanted])
    drawn = (counts + PRIOR_LINES * share) / (in_cell[kept][:, np.newaxis] + PRIOR_LINES)
    return Context(
        products=tuple(products[place] for place in shown.tolist()),
        share=share,
        cells=tuple(cells[place] for place in kept.tolist()),
        lift=np.log(drawn / share).astype(np.float32),
    )
