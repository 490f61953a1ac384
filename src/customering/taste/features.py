"""The numbers a model reads about one person and one item, computed for all pairs at once.

Two sets: `repeat_features` for items the person has bought, `discover_features` for items they have
not. Both are functions of habits, shopping days, the day of asking and the statistics of the items,
and of nothing else, so the live path and training cannot differ. Logarithms are ``log(1 + x)``
unless said otherwise.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from customering.taste.history import Histories, Ints
from customering.taste.items import SMALLEST_RATE, Floats, ItemStatistics

REPEAT_FEATURES = (
    "log_count",  # days on which the item was bought
    "count_per_basket",
    "log_decayed_50",  # purchases, each weighted 0.5 per basket since
    "log_decayed_80",
    "log_decayed_90",
    "log_decayed_97",
    "log_baskets_since",  # baskets since the last purchase
    "overdue_baskets",  # baskets since / (mean gap + 1), at most 5
    "log_gap_baskets",  # mean gap between purchases, in baskets
    "count_per_basket_since_first",
    "log_baskets_since_first",
    "log_days_since",
    "overdue_days",
    "log_decayed_10_days",  # purchases, each halved per 10 days since
    "log_decayed_28_days",
    "bought_once",
    "log_shrunk_rate",  # purchases a basket after the first, drawn to the item's own rate
    "log_item_again_rate",
    "item_again_share",
    "log_item_buyers",
    "item_trend",
    "log_person_baskets",
    "log_person_basket_size",
    "log_person_items",
    "basket_size_times_count_per_basket",
)

DISCOVER_FEATURES = (
    "log_support",  # what the items bought say for this one: log(EASE score + 0.01)
    "log_item_buyers",
    "item_trend",
    "log_item_again_rate",
    "item_again_share",
    "log_person_baskets",
    "log_person_basket_size",
    "log_person_items",
    "person_novelty",  # distinct items / purchases
)

OVERDUE_MAX = 5.0
PRIOR_BASKETS_OF_PAIR = 3.0
"""Baskets' worth of the item's own rate mixed into the rate of one person for the item."""

_LONGEST_AGO = (1 << 14) - 1
"""Baskets or days (45 years) beyond which a purchase weighs as it does there: nothing."""

SMALLEST_SUPPORT = 0.01
"""Added to an EASE score before its logarithm; scores below 0 count as 0."""


def repeat_features(
    past: Histories, today: Ints, statistics: ItemStatistics
) -> NDArray[np.float32]:
    """Describe every item that every person has bought.

    Parameters
    ----------
    past
        Histories up to the day of asking.
    today
        UTC day number of asking, one a person.
    statistics
        What is known of the items.

    Returns
    -------
    ndarray
        Shape (pairs, len(REPEAT_FEATURES)), in the order of the pairs of `past`.
    """
    person, item, begins = past.pair_person, past.pair_item, past.pair_start[:-1]
    baskets_ago, days_ago = _ago(past, today)
    count = past.counts.astype(np.float64)
    last = past.pair_start[1:] - 1
    since, since_first = baskets_ago[last], baskets_ago[begins]
    days_since = days_ago[last]
    gap = _mean_gap(since, since_first, count)
    gap_days = _mean_gap(days_since, days_ago[begins], count)
    baskets, size, items, _ = _of_people(past)
    per_basket = count / np.maximum(baskets, 1.0)[person]
    prior = PRIOR_BASKETS_OF_PAIR
    shrunk = (count - 1 + prior * statistics.again_rate[item]) / (since_first + prior)
    columns = (
        np.log1p(count),
        per_basket,
        _decayed(0.5, baskets_ago, begins),
        _decayed(0.8, baskets_ago, begins),
        _decayed(0.9, baskets_ago, begins),
        _decayed(0.97, baskets_ago, begins),
        np.log1p(since),
        np.minimum(since / (gap + 1), OVERDUE_MAX),
        np.log1p(gap),
        count / (since_first + 1),
        np.log1p(since_first),
        np.log1p(days_since),
        np.minimum(days_since / (gap_days + 1), OVERDUE_MAX),
        _decayed(0.5 ** (1 / 10), days_ago, begins),
        _decayed(0.5 ** (1 / 28), days_ago, begins),
        count == 1,
        np.log(shrunk + SMALLEST_RATE),
        statistics.log_again_rate[item],
        statistics.again_share[item],
        statistics.log_buyers[item],
        statistics.trend[item],
        np.log1p(baskets)[person],
        np.log1p(size)[person],
        np.log1p(items)[person],
        np.log1p(size)[person] * per_basket,
    )
    return _stack(REPEAT_FEATURES, columns)


def discover_features(
    past: Histories, person: Ints, item: Ints, support: NDArray[np.float32], stats: ItemStatistics
) -> NDArray[np.float32]:
    """Describe candidate items that people have not bought.

    Parameters
    ----------
    past
        Histories of the people.
    person, item, support
        One entry a candidate: who, what, and its EASE score from what the person bought.
    stats
        What is known of the items.

    Returns
    -------
    ndarray
        Shape (candidates, len(DISCOVER_FEATURES)).
    """
    baskets, size, items, novelty = _of_people(past)
    columns = (
        np.log(np.maximum(support, 0.0) + SMALLEST_SUPPORT),
        stats.log_buyers[item],
        stats.trend[item],
        stats.log_again_rate[item],
        stats.again_share[item],
        np.log1p(baskets)[person],
        np.log1p(size)[person],
        np.log1p(items)[person],
        novelty[person],
    )
    return _stack(DISCOVER_FEATURES, columns)


def _ago(past: Histories, today: Ints) -> tuple[Ints, Ints]:
    """Give, for each day of each pair, the person's baskets since and the days since."""
    owner = np.repeat(past.pair_person, past.counts)
    newest = np.maximum(past.baskets - 1, 0)
    baskets = newest[owner] - past.baskets_before(owner, past.pair_day)
    return np.maximum(baskets, 0), np.maximum(today[owner] - past.pair_day, 0)


def _decayed(weight: float, ago: Ints, begins: Ints) -> Floats:
    """Sum ``weight ** ago`` over the purchases of each pair, as a logarithm."""
    powers = _powers(weight)
    total: Floats = np.add.reduceat(powers.take(ago, mode="clip"), begins)
    return np.log1p(total)


@lru_cache(maxsize=16)
def _powers(weight: float) -> Floats:
    """Give the powers of a weight, which are looked up in a tenth of the time of raising it."""
    return np.power(np.float64(weight), np.arange(_LONGEST_AGO + 1, dtype=np.float64))


def _of_people(past: Histories) -> tuple[Floats, Floats, Floats, Floats]:
    """Give each person's baskets, mean basket size, distinct items and share of new purchases."""
    baskets = past.baskets.astype(np.float64)
    items = np.bincount(past.pair_person, minlength=past.people).astype(np.float64)
    bought = np.bincount(past.pair_person, past.counts, minlength=past.people)
    return baskets, bought / np.maximum(baskets, 1.0), items, items / np.maximum(bought, 1.0)


def _mean_gap(since: Ints, since_first: Ints, count: Floats) -> Floats:
    """Give the mean gap between purchases; of one bought once, the whole time since and one."""
    gap: Floats = np.where(
        count > 1, (since_first - since) / np.maximum(count - 1, 1), since_first + 1
    )
    return gap


def _stack(names: tuple[str, ...], columns: tuple[NDArray[np.generic], ...]) -> NDArray[np.float32]:
    table = np.empty((len(columns[0]), len(names)), dtype=np.float32)
    for place, (_, column) in enumerate(zip(names, columns, strict=True)):
        table[:, place] = column
    return table
