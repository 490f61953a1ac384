"""Training: what was known at a cut, and what the next basket after it then held."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from customering.kernel.errors import InvalidDefinition
from customering.taste.discovery import Discovery, candidates, fit_discovery
from customering.taste.features import discover_features, repeat_features
from customering.taste.groups import STRENGTHS, Groups, fit_groups
from customering.taste.history import (
    Bools,
    Histories,
    Ints,
    Purchases,
    among,
    histories,
    place_in_run,
)
from customering.taste.items import ItemStatistics, item_statistics
from customering.taste.logistic import Additive, fit_additive
from customering.taste.model import TasteModel, TasteSettings

_NEVER = np.iinfo(np.int64).max
_RIDGES = (100.0, 300.0, 1_000.0, 3_000.0, 10_000.0)
_RIDGE_ITEMS = 2_000
_RIDGE_PEOPLE = 4_000
_RIDGE_PLACES = 10
_DISCOVER_KNOTS = 3
"""Bends of each line in the discovery model; the repeat model gains nothing from bends."""


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """One training moment: everybody's past, and the next basket of those who have one.

    Parameters
    ----------
    past
        Histories of everybody up to their cut.
    statistics
        Of the items, over the same past.
    today
        Day of asking of each person: the day after the cut.
    person
        People with a past and a next basket, rising.
    bought
        Keys ``person * items + item`` of the next baskets, rising.
    items
        Number of items.
    """

    past: Histories
    statistics: ItemStatistics
    today: Ints
    person: Ints
    bought: Ints
    items: int

    def labels(self, person: Ints, item: Ints) -> Bools:
        """Tell which (person, item) pairs are in the next basket."""
        return among(person * self.items + item, self.bought)


def train(
    purchases: Purchases,
    products: Sequence[str],
    *,
    through_day: int,
    settings: TasteSettings | None = None,
    cuts: Sequence[Ints] | None = None,
) -> TasteModel:
    """Train the taste model on the purchases of everybody.

    Parameters
    ----------
    purchases
        Of everybody, up to `through_day`; item numbers are places in `products`.
    products
        Product of each item number.
    through_day
        Last UTC day number of the window.
    settings
        Sizes and windows; the defaults if None.
    cuts
        For each training moment the last known day of each person, latest moment first. If None,
        one moment every `label_days` back from `through_day`.

    Raises
    ------
    InvalidDefinition
        When nobody came back after a cut, so there is nothing to learn from, or when `products`
        does not have one name for each item number.

    Notes
    -----
    At each cut, statistics and features see only the purchases up to it. The discovery weights are
    fitted on purchases up to the latest cut, to choose the penalty and to learn how much to trust
    them, and again on everything to serve.
    """
    settings = settings or TasteSettings()
    _check(purchases, products)
    moments = _moments(purchases, through_day, settings, cuts)
    repeat = _repeat_rows(moments, settings)
    repeat_model = fit_additive(repeat.features, repeat.bought)
    ridge = choose_ridge(moments[0], settings)
    discover = _discover_rows(moments[0], settings, ridge)
    discover_model = fit_additive(discover.features, discover.bought, knots=_DISCOVER_KNOTS)
    # The ranker was fitted to the baskets after the latest cut: those after the one before are new
    # to it.
    strength = choose_strength(moments[:2][-1], settings, ridge, discover_model)
    past = histories(purchases)
    statistics = item_statistics(
        past, items=purchases.items, recent_after=through_day - settings.recent_days
    )
    discovery = _fit_discovery(past, statistics, settings, ridge)
    return TasteModel(
        tuple(products),
        statistics,
        repeat_model,
        discover_model,
        discovery,
        settings,
        int(purchases.day.min()),
        through_day,
        {
            "people": float(statistics.people),
            "purchases": float(len(purchases.person)),
            "discovery_ridge": ridge,
            "repeat_rows": float(len(repeat.bought)),
            "repeat_rate": float(repeat.bought.mean()),
            "discover_rows": float(len(discover.bought)),
            "discover_rate": float(discover.bought.mean()),
            "alike_strength": strength,
        },
        groups=_fit_groups(past, discovery, through_day + 1, strength),
    )


def cut_at(
    purchases: Purchases, last_known: Ints, *, recent_days: int, within_days: int | None
) -> Cut:
    """Look at the world as it stood at each person's cut.

    Parameters
    ----------
    purchases
        Of everybody.
    last_known
        Last known day of each person.
    recent_days
        Days up to the latest cut that count as recent in the statistics of items.
    within_days
        How far after the cut the next basket may be; None for any distance.
    """
    known = purchases.day <= last_known[purchases.person]
    past = histories(purchases.where(known))
    statistics = item_statistics(
        past, items=purchases.items, recent_after=int(last_known.max()) - recent_days
    )
    later = purchases.where(~known)
    next_day = np.full(purchases.people, _NEVER)
    np.minimum.at(next_day, later.person, later.day)
    in_time = next_day < _NEVER
    if within_days is not None:
        in_time &= next_day <= last_known + within_days
    person = np.flatnonzero(in_time & (past.baskets > 0))
    basket = later.where(later.day == next_day[later.person])
    return Cut(
        past,
        statistics,
        last_known + 1,
        person,
        basket.person * purchases.items + basket.item,
        purchases.items,
    )


def choose_ridge(cut: Cut, settings: TasteSettings) -> float:
    """Choose the penalty of EASE by how well it alone finds the new items of the next baskets.

    Notes
    -----
    No rule from the sizes alone fits: the best penalty was near 1,000 for 2,500 people with 300
    items each and beyond 3,000 for 14,000 people with 30 each, while published ones for 100,000
    people and more are some hundreds. The most bought items stand for all, which keeps this quick.
    """
    if settings.discovery_ridge > 0:
        return settings.discovery_ridge
    person = cut.person[:: max(1, len(cut.person) // _RIDGE_PEOPLE)]
    past = cut.past.of_people(person)
    few = msgspec.structs.replace(
        settings, discovery_items_max=min(settings.discovery_items_max, _RIDGE_ITEMS)
    )

    def gain(ridge: float) -> float:
        discovery = _fit_discovery(cut.past, cut.statistics, few, ridge)
        found = candidates(past, discovery, supported=_RIDGE_PLACES, popular=0)
        order = np.lexsort((-found.support, found.person))
        hit = cut.labels(person[found.person], found.item)[order]
        return float((hit / np.log2(place_in_run(found.person[order]) + 2.0)).sum())

    return max(_RIDGES, key=gain)


def choose_strength(cut: Cut, settings: TasteSettings, ridge: float, discover: Additive) -> float:
    """Choose how much of what people who shop alike buy is believed, by what was bought later.

    Notes
    -----
    Rankings of new items are compared by their discounted gain in the next baskets, best at a cut
    whose baskets the ranker was not fitted to. 0 where there are too few people.
    """
    discovery = _fit_discovery(cut.past, cut.statistics, settings, ridge)
    groups = _fit_groups(cut.past, discovery, int(cut.today.max()), 1.0)
    if groups is None:
        return 0.0
    person = cut.person[:: max(1, len(cut.person) // _RIDGE_PEOPLE)]
    past = cut.past.of_people(person)
    found = candidates(
        past,
        discovery,
        supported=settings.supported_candidates,
        popular=settings.popular_candidates,
        groups=groups,
    )
    rows = discover_features(past, found.person, found.item, found.support, cut.statistics)
    chances = discover.probability(rows)
    odds = np.log(chances) - np.log1p(-chances)
    column = discovery.column[past.pair_item]
    known = column >= 0
    shares = groups.shares(past.people, past.pair_person[known], column[known])
    lifts = groups.lifts(shares, found.person, discovery.column[found.item])
    bought = cut.labels(person[found.person], found.item)

    def gain(strength: float) -> float:
        order = np.lexsort((-(odds + strength * lifts), found.person))
        place = place_in_run(found.person[order])
        return float((bought[order] / np.log2(place + 2.0))[place < _RIDGE_PLACES].sum())

    return max(STRENGTHS, key=gain)


def _fit_groups(
    past: Histories, discovery: Discovery, today: int, strength: float
) -> Groups | None:
    if not strength:
        return None
    return fit_groups(past, discovery.column, discovery.columns, today, strength=strength)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Training rows: features, and whether the item was in the next basket."""

    features: NDArray[np.float32]
    bought: Bools


def _check(purchases: Purchases, products: Sequence[str]) -> None:
    if len(products) != purchases.items:
        raise InvalidDefinition(
            f"{len(products)} products are named for {purchases.items} items",
            hint="Give one product id for each item number.",
        )
    if not len(purchases.person):
        raise InvalidDefinition(
            "there are no purchases to train on",
            hint="Train when people have bought and come back.",
        )


def _moments(
    purchases: Purchases, through_day: int, settings: TasteSettings, cuts: Sequence[Ints] | None
) -> list[Cut]:
    """Look back at the given cuts, or at equally spaced ones; the latest first."""
    within_days = None if cuts is not None else settings.label_days
    if cuts is None:
        back = settings.label_days * np.arange(1, settings.label_cuts + 1)
        cuts = [np.full(purchases.people, through_day - days) for days in back]
    return [
        cut_at(purchases, cut, recent_days=settings.recent_days, within_days=within_days)
        for cut in cuts
    ]


def _repeat_rows(moments: Sequence[Cut], settings: TasteSettings) -> _Rows:
    rows, labels = [], []
    for cut in moments:
        share = settings.training_rows_max / len(moments)
        person = _every_kth(cut.person, cut.past.pair_person, share)
        past = cut.past.of_people(person)
        rows.append(repeat_features(past, cut.today[person], cut.statistics))
        labels.append(cut.labels(person[past.pair_person], past.pair_item))
    return _Rows(np.concatenate(rows), np.concatenate(labels))


def _discover_rows(cut: Cut, settings: TasteSettings, ridge: float) -> _Rows:
    discovery = _fit_discovery(cut.past, cut.statistics, settings, ridge)
    each: int = settings.supported_candidates + settings.popular_candidates
    person = cut.person[:: max(1, -(-len(cut.person) * each // settings.training_rows_max))]
    past = cut.past.of_people(person)
    found = candidates(
        past,
        discovery,
        supported=settings.supported_candidates,
        popular=settings.popular_candidates,
    )
    rows = discover_features(past, found.person, found.item, found.support, cut.statistics)
    return _Rows(rows, cut.labels(person[found.person], found.item))


def _every_kth(person: Ints, row_person: Ints, rows_max: float) -> Ints:
    """Thin people evenly until their rows are few enough."""
    if not len(person):
        return person
    rows = int(np.bincount(row_person, minlength=int(person.max()) + 1)[person].sum())
    return person[:: max(1, int(np.ceil(rows / rows_max)))]


def _fit_discovery(
    past: Histories, statistics: ItemStatistics, settings: TasteSettings, ridge: float
) -> Discovery:
    return fit_discovery(
        past,
        statistics,
        items_max=settings.discovery_items_max,
        ridge=ridge,
        neighbours_kept=settings.neighbours_kept,
    )
