"""What is known of each item from everybody: how many buy it, and how surely they buy it again."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from customering.taste.history import Histories

Floats = NDArray[np.float64]

PRIOR_BUYERS = 5.0
"""Buyers' worth of the general rate mixed into each item's share of buyers who came back."""

SMALLEST_RATE = 0.003
"""Added to a rate before its logarithm: rates below are told apart less and less."""

PRIOR_BASKETS = 50.0
"""Baskets' worth of the general rate mixed into each item's rate of buying again."""


@dataclass(frozen=True, eq=False)
class ItemStatistics:
    """Statistics of the items, each array with one more entry: the last is an item never seen.

    Parameters
    ----------
    buyers
        People who bought the item at least once.
    recent_buyers
        People who bought it in the last days of the training window.
    again_share
        Share of buyers who bought on two days or more, drawn towards the share over all items.
    again_rate
        Purchases after the first, per basket after the first purchase, drawn to the general rate.
    people
        People with any purchase.
    """

    buyers: Floats
    recent_buyers: Floats
    again_share: Floats
    again_rate: Floats
    people: int

    @property
    def items(self) -> int:
        """Number of items, the unknown one not counted."""
        return len(self.buyers) - 1

    @cached_property
    def log_buyers(self) -> Floats:
        """Logarithm of one plus the buyers."""
        return np.log1p(self.buyers)

    @cached_property
    def log_again_rate(self) -> Floats:
        """Logarithm of the rate of buying again; rates below `SMALLEST_RATE` look alike."""
        return np.log(self.again_rate + SMALLEST_RATE)

    @cached_property
    def trend(self) -> Floats:
        """Log share of the buyers who bought recently, with a few added to both."""
        return np.log((self.recent_buyers + 1.0) / (self.buyers + PRIOR_BUYERS))


def item_statistics(past: Histories, *, items: int, recent_after: int) -> ItemStatistics:
    """Count the statistics of every item over the histories of everybody.

    Parameters
    ----------
    past
        Histories with item numbers below `items`.
    items
        Number of items.
    recent_after
        Day number: purchases after it count as recent.
    """
    item, counts = past.pair_item, past.counts
    first = past.pair_day[past.pair_start[:-1]]
    last = past.pair_day[past.pair_start[1:] - 1]
    later_baskets = (
        past.baskets[past.pair_person] - 1 - past.baskets_before(past.pair_person, first)
    )

    def total(weights: NDArray[np.generic] | None = None) -> Floats:
        return np.bincount(item, weights, minlength=items + 1).astype(np.float64)

    buyers = total()
    came_back = total(counts > 1)
    repeats = total(counts - 1)
    chances = total(later_baskets)
    general_share = came_back.sum() / max(buyers.sum(), 1.0)
    general_rate = repeats.sum() / max(chances.sum(), 1.0)
    return ItemStatistics(
        buyers,
        total(last > recent_after),
        (came_back + PRIOR_BUYERS * general_share) / (buyers + PRIOR_BUYERS),
        (repeats + PRIOR_BASKETS * general_rate) / (chances + PRIOR_BASKETS),
        int(np.count_nonzero(past.baskets)),
    )
