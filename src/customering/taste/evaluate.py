"""How good the lists are: held-out protocols, baselines, and recall, NDCG and hits of lists."""

from dataclasses import dataclass

import numpy as np

from customering.taste.history import Bools, Histories, Ints, Purchases, among, distinct
from customering.taste.items import Floats, ItemStatistics
from customering.taste.rank import Ranking, choose

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """What was known, and what then happened.

    Parameters
    ----------
    known
        Purchases the lists may be made from.
    truth
        Purchases the lists are graded against; their days do not matter.
    today
        Day of asking of each person.
    """

    known: Purchases
    truth: Purchases
    today: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Grades:
    """Grades of the people who have a truth, one entry each.

    Parameters
    ----------
    person
        Their numbers.
    recall
        Hits over the size of the truth.
    ndcg
        Discounted gain over that of the ideal list. Where that holds the *whole* truth, as in the
        published next-basket tables, 1 cannot be reached with more than k items in the truth.
    hit
        1 where any listed item is in the truth, else 0.
    repeat_recall, explore_recall
        Recall over the items of the truth bought before, and over the others; NaN where none.
    """

    person: Ints
    recall: Floats
    ndcg: Floats
    hit: Floats
    repeat_recall: Floats
    explore_recall: Floats


def next_basket_after(purchases: Purchases, cut: int, *, days: int = 28) -> Split:
    """Hide everything after a day; the truth is each person's first basket in the days after it."""
    known, later = _around(purchases, cut, days)
    first = np.full(purchases.people, _NEVER)
    np.minimum.at(first, later.person, later.day)
    truth = later.where(later.day == first[later.person])
    return Split(known, truth, np.full(purchases.people, cut + 1))


def new_products_after(purchases: Purchases, cut: int, *, days: int = 28) -> Split:
    """Hide everything after a day; the truth is what people then buy for the first time."""
    known, later = _around(purchases, cut, days)
    bought = distinct(known.person * purchases.items + known.item)
    truth = later.where(~among(later.person * purchases.items + later.item, bought))
    return Split(known, truth, np.full(purchases.people, cut + 1))


def last_basket(purchases: Purchases) -> Split:
    """Hide each person's last basket, which is the truth; asked the day after the one before."""
    last = _last_days(purchases)
    known = purchases.where(purchases.day < last[purchases.person])
    truth = purchases.where(purchases.day == last[purchases.person])
    return Split(known, truth, _last_days(known) + 1)


def by_popularity(past: Histories, statistics: ItemStatistics, n: int) -> Ranking:
    """Give everybody the items with most buyers, best first."""
    top = np.argsort(-statistics.buyers[:-1], kind="stable")[:n]
    people = np.arange(past.people)
    return Ranking(
        np.repeat(people, len(top)),
        np.tile(top, len(people)),
        np.tile(statistics.buyers[top] / max(statistics.people, 1), len(people)),
        np.arange(len(people) * len(top)),
        np.ones(len(people) * len(top), dtype=np.bool_),
    )


def by_frequency(past: Histories, statistics: ItemStatistics, n: int) -> Ranking:
    """Give the items a person bought on most days, ties by buyers, filled up by popularity."""
    baskets = np.maximum(past.baskets, 1)[past.pair_person]
    own = Ranking(
        past.pair_person,
        past.pair_item,
        past.counts / baskets,
        np.arange(len(past.pair_item)),
        np.zeros(len(past.pair_item), dtype=np.bool_),
    )
    most = int(np.bincount(past.pair_person, minlength=1).max(initial=0))
    popular = not_bought(by_popularity(past, statistics, min(n + most, statistics.items)), past)
    filled = Ranking(
        np.concatenate([own.person, popular.person]),
        np.concatenate([own.item, popular.item]),
        np.concatenate([own.probability, np.full(len(popular.item), -1.0)]),
        np.concatenate([own.row, popular.row]),
        np.concatenate([own.is_new, popular.is_new]),
    )
    return choose(filled, statistics.buyers, n)


def not_bought(ranking: Ranking, past: Histories) -> Ranking:
    """Leave out of lists what the person has bought."""
    span = int(max(ranking.item.max(initial=0), past.pair_item.max(initial=0))) + 1
    bought = distinct(past.pair_person * span + past.pair_item)
    return ranking.take(~among(ranking.person * span + ranking.item, bought))


def grade(ranking: Ranking, split: Split, *, k: int = 10, whole_ideal: bool = True) -> Grades:
    """Grade lists against the truth.

    Parameters
    ----------
    ranking
        Lists, sorted by person and then best first; people without one score 0.
    split
        What was known and what happened.
    k
        Places of a list that count.
    whole_ideal
        Whether the ideal list of NDCG holds the whole truth, or its first k items only.
    """
    people, items = split.truth.people, split.truth.items
    truth = distinct(split.truth.person * items + split.truth.item)
    known = distinct(split.known.person * items + split.known.item)
    owner, is_repeat = truth // items, among(truth, known)
    begins = np.searchsorted(ranking.person, np.arange(people))
    place = np.arange(len(ranking.person)) - begins[ranking.person]
    listed = ranking.person * items + ranking.item
    counted = (place < k) & (ranking.item >= 0)
    hit = counted & among(listed, truth)
    found = among(truth, distinct(listed[counted]))
    size = np.bincount(owner, minlength=people)
    gain = np.bincount(ranking.person[hit], 1 / np.log2(place[hit] + 2.0), minlength=people)
    ideal = np.cumsum(1 / np.log2(np.arange(size.max(initial=1)) + 2.0))
    person = np.flatnonzero(size)
    longest = size[person] if whole_ideal else np.minimum(size[person], k)
    return Grades(
        person,
        _share(owner, found, people)[person],
        gain[person] / ideal[longest - 1],
        (np.bincount(ranking.person[hit], minlength=people)[person] > 0).astype(np.float64),
        _share(owner[is_repeat], found[is_repeat], people)[person],
        _share(owner[~is_repeat], found[~is_repeat], people)[person],
    )


def interval(grades: Floats, *, seed: int, draws: int = 1_000) -> tuple[float, float]:
    """Give the 95 % bootstrap interval of the mean grade over people.

    Parameters
    ----------
    grades
        One a person; NaN entries are left out.
    seed
        Of the resampling: the same seed gives the same interval.
    draws
        Resamples.
    """
    graded = grades[~np.isnan(grades)]
    if not len(graded):
        return float("nan"), float("nan")
    chance = np.random.default_rng(seed)
    means = [
        float(graded[chance.integers(len(graded), size=len(graded))].mean()) for _ in range(draws)
    ]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _around(purchases: Purchases, cut: int, days: int) -> tuple[Purchases, Purchases]:
    known = purchases.where(purchases.day <= cut)
    later = (purchases.day > cut) & (purchases.day <= cut + days)
    has_past = np.zeros(purchases.people, dtype=np.bool_)
    has_past[known.person] = True
    return known, purchases.where(later & has_past[purchases.person])


def _last_days(purchases: Purchases) -> Ints:
    last = np.full(purchases.people, -1)
    np.maximum.at(last, purchases.person, purchases.day)
    return last


def _share(owner: Ints, found: Bools, people: int) -> Floats:
    total = np.bincount(owner, minlength=people)
    hits = np.bincount(owner, found, minlength=people)
    share: Floats = np.where(total > 0, hits / np.maximum(total, 1), np.nan)
    return share
