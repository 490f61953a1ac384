"""Ranking: what one person may want next, with the reasons, or everybody's lists at once."""

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from customering.taste.discovery import ALIKE_CANDIDATES, Candidates, because_of, candidates
from customering.taste.features import (
    DISCOVER_FEATURES,
    REPEAT_FEATURES,
    discover_features,
    repeat_features,
)
from customering.taste.groups import Groups
from customering.taste.history import (
    DAYS_KEPT,
    Bools,
    Histories,
    Ints,
    history_of,
    place_in_run,
)
from customering.taste.items import Floats
from customering.taste.model import Facts, Kind, Suggestion, TasteModel

_REASONS_KEPT = 3
_TELLING_LIFT = math.log(1.25)
"""Where people who shop alike buy something a quarter oftener than others, it is worth telling."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Lists of items for people, sorted by person and then best first.

    Parameters
    ----------
    person, item
        Numbers; item -1 is a product the model does not know.
    probability
        Estimated chance of being in the next basket, in (0, 1).
    row
        Of a repeat, its place among the pairs of the histories; of a discovery, its place among
        the candidates plus the number of pairs.
    is_new
        Whether the person has never bought it.
    """

    person: Ints
    item: Ints
    probability: Floats
    row: Ints
    is_new: Bools

    def take(self, at: NDArray[np.intp] | Bools) -> "Ranking":
        """Give the entries of a mask or of places."""
        return Ranking(
            self.person[at], self.item[at], self.probability[at], self.row[at], self.is_new[at]
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Scored:
    """All candidates of the people with what was computed for them, in no particular order."""

    ranking: Ranking
    repeat_rows: NDArray[np.float32]
    discover_rows: NDArray[np.float32]
    support: NDArray[np.float32]
    alike: Floats


def suggest(
    model: TasteModel,
    habits: Mapping[str, Sequence[int]],
    shopping_days: Sequence[int],
    today: int,
    n: int = 10,
    *,
    discover: int | None = None,
    without: Set[str] = frozenset(),
) -> list[Suggestion]:
    """Suggest what one person may want next.

    Parameters
    ----------
    model
        The trained model.
    habits
        For each product the person bought, its rising UTC day numbers.
    shopping_days
        Rising UTC day numbers of the person's orders; empty for somebody new, who is then shown
        what is popular.
    today
        UTC day number of asking; days after it are taken as today.
    n
        Suggestions at most, >= 0.
    discover
        Places kept for products never bought, the others being kept for those bought before;
        where one kind runs short the other fills up. None leaves it to the probabilities.
    without
        Products never to suggest, such as those out of stock or refused by the person.

    Returns
    -------
    list of Suggestion
        Most probable first.
    """
    past = history_of(habits, shopping_days, model.index)
    bought = [product for product, days in habits.items() if days]
    scored = _score(model, past, np.array([today]))
    ranking = scored.ranking
    if without:
        named = [_name(model, bought, ranking, at) for at in range(len(ranking.item))]
        ranking = ranking.take(np.array([name not in without for name in named], dtype=np.bool_))
    chosen = choose(ranking, model.statistics.buyers, n, discover=discover)
    return _explain(model, past, today, scored, chosen, bought)


@dataclass(frozen=True, slots=True, eq=False)
class Shortlist:
    """What one person may want next, most probable first, to be explained when it is asked for.

    Parameters
    ----------
    products
        The products.
    probability
        Chance of each to be in the next basket, as `Suggestion.probability`.
    kinds
        How each was found.
    items
        Their numbers; -1 is a product the model does not know.
    bought
        The numbers of all items the person bought.
    alike
        How many times as often as others people who shop alike buy it, by product, where that is
        worth telling.
    words
        Sentences that say why, by product, where something beside all purchases speaks.
    """

    products: list[str]
    probability: list[float]
    kinds: list[Kind]
    items: list[int]
    bought: Ints
    alike: Mapping[str, float] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


def shortlist(
    model: TasteModel,
    habits: Mapping[str, Sequence[int]],
    shopping_days: Sequence[int],
    today: int,
    n: int = 10,
    *,
    discover: int | None = None,
) -> Shortlist:
    """Give what `suggest` suggests, without the words: a decision explains only what it chooses."""
    past = history_of(habits, shopping_days, model.index)
    bought = list(compress(habits, habits.values()))  # those without days are left out
    scored = _score(model, past, np.array([today]), _candidates_of_one(model, past))
    chosen = _choose_of_one(scored.ranking, model.statistics.buyers, n, discover=discover)
    items, rows, is_new = chosen.item.tolist(), chosen.row.tolist(), chosen.is_new.tolist()
    speaking = scored.support[chosen.row[chosen.is_new] - len(scored.repeat_rows)] > 0
    spoken_for = iter(speaking.tolist())
    lifts = iter(scored.alike[chosen.row[chosen.is_new] - len(scored.repeat_rows)].tolist())
    alike = [next(lifts) if new else 0.0 for new in is_new]
    products = [
        model.products[item] if new else bought[row]
        for item, row, new in zip(items, rows, is_new, strict=True)
    ]
    return Shortlist(
        products=products,
        probability=chosen.probability.tolist(),
        kinds=[
            _kind_of_new(model, past, item, lift, is_supported=next(spoken_for))
            if new
            else "repeat"
            for item, new, lift in zip(items, is_new, alike, strict=True)
        ],
        items=items,
        bought=past.pair_item,
        alike={
            product: math.exp(lift)
            for product, lift in zip(products, alike, strict=True)
            if lift >= _TELLING_LIFT
        },
    )


def _kind_of_new(
    model: TasteModel, past: Histories, item: int, lift: float, *, is_supported: bool
) -> Kind:
    """Tell whether anything bought speaks for an item, as `because_of` would name it.

    Where the sum of what speaks is above 0, something does; elsewhere one has to look.
    """
    if not is_supported:
        (reasons,) = because_of(past.pair_item, np.array([item]), model.discovery, keep=1)
        if not reasons:
            return "alike" if lift >= _TELLING_LIFT else "popular"
    return "discover"


def _candidates_of_one(model: TasteModel, past: Histories) -> Candidates:
    """Gather what `candidates` gathers, to the last bit, for one person in a third of the time."""
    discovery, settings = model.discovery, model.settings
    column = discovery.column[past.pair_item]
    column = np.sort(column[column >= 0])
    score = discovery.scores(column)
    support = score.copy()
    support[column] = 0.0
    taken = support > 0
    if 0 < settings.supported_candidates < discovery.columns:
        place = settings.supported_candidates - 1
        taken &= support >= -np.partition(-support, place)[place]
    taken[discovery.popular[: settings.popular_candidates]] = True
    if model.groups is not None and len(column):
        nobody = np.zeros(len(column), dtype=np.int64)
        taken[model.groups.best(model.groups.shares(1, nobody, column), ALIKE_CANDIDATES)[0]] = True
    taken[column] = False
    found = np.flatnonzero(taken)
    return Candidates(np.zeros(len(found), dtype=np.int64), discovery.items[found], score[found])


def _choose_of_one(
    ranking: Ranking, buyers: Floats, n: int, *, discover: int | None = None
) -> Ranking:
    """Choose what `choose` chooses, for one person."""
    order = np.lexsort((-buyers[ranking.item], -ranking.probability))
    if discover is None:
        return ranking.take(order[:n])
    is_new = ranking.is_new[order]
    old, new = np.flatnonzero(~is_new), np.flatnonzero(is_new)
    places = min(discover, n)
    first = np.concatenate([old[: n - places], new[:places]])
    others = np.sort(np.concatenate([old[n - places :], new[places:]]))
    kept = np.sort(np.concatenate([first, others[: n - len(first)]]))
    return ranking.take(order[kept])


def explain_one(
    model: TasteModel, listed: Shortlist, place: int, days: Sequence[int], today: int
) -> Facts:
    """Give the facts of one entry of a shortlist.

    Parameters
    ----------
    model
        The model that made the list.
    listed, place
        The list, and the place of the entry in it, from 0.
    days
        Rising UTC day numbers on which the person bought it; none for one never bought.
    today
        The UTC day number for which the list was made.
    """
    item = listed.items[place]
    if days:
        return _facts(model, item, days=days[-DAYS_KEPT:], today=today)
    (reasons,) = because_of(listed.bought, np.array([item]), model.discovery, keep=_REASONS_KEPT)
    return _facts(
        model,
        item,
        because_of=tuple(model.products[reason] for reason in reasons),
        alike_times=listed.alike.get(listed.products[place]),
    )


def rank_many(
    model: TasteModel, past: Histories, today: Ints, n: int = 10, *, discover: int | None = None
) -> Ranking:
    """Rank for everybody at once; the same lists as `suggest` gives one by one.

    Parameters
    ----------
    model
        The trained model.
    past
        Histories in the item numbers of the model.
    today
        UTC day number of asking, one a person.
    n, discover
        As for `suggest`.
    """
    return choose(_score(model, past, today).ranking, model.statistics.buyers, n, discover=discover)


def choose(ranking: Ranking, buyers: Floats, n: int, *, discover: int | None = None) -> Ranking:
    """Sort each person's candidates and fill the places.

    Parameters
    ----------
    ranking
        Candidates in any order.
    buyers
        Of each item; more come first where probabilities are equal.
    n, discover
        As for `suggest`.
    """
    order = np.lexsort((-buyers[ranking.item], -ranking.probability, ranking.person))
    ranking = ranking.take(order)
    if discover is not None:
        by_kind = np.lexsort((ranking.is_new, ranking.person))
        kind = ranking.person[by_kind] * 2 + ranking.is_new[by_kind]
        place = np.empty(len(order), dtype=np.int64)
        place[by_kind] = place_in_run(kind)
        quota = np.where(ranking.is_new, min(discover, n), n - min(discover, n))
        preferred = np.lexsort((place >= quota, ranking.person))
        kept = preferred[place_in_run(ranking.person[preferred]) < n]
        return ranking.take(np.sort(kept))
    return ranking.take(place_in_run(ranking.person) < n)


def _score(
    model: TasteModel, past: Histories, today: Ints, found: Candidates | None = None
) -> _Scored:
    settings = model.settings
    if found is None:
        found = candidates(
            past,
            model.discovery,
            supported=settings.supported_candidates,
            popular=settings.popular_candidates,
            groups=model.groups,
        )
    repeat_rows = repeat_features(past, today, model.statistics)
    discover_rows = discover_features(
        past, found.person, found.item, found.support, model.statistics
    )
    repeats, news = len(repeat_rows), len(discover_rows)
    chances = model.discover.probability(discover_rows)
    alike = np.zeros(news)
    if model.groups is not None and news:
        alike = _lifts(model, model.groups, past, found)
        chances = _lifted(chances, model.groups.strength * alike)
    ranking = Ranking(
        np.concatenate([past.pair_person, found.person]),
        np.concatenate([past.pair_item, found.item]),
        np.concatenate([model.repeat.probability(repeat_rows), chances]),
        np.arange(repeats + news),
        np.repeat(np.array([False, True]), [repeats, news]),
    )
    return _Scored(ranking, repeat_rows, discover_rows, found.support, alike)


def _lifts(model: TasteModel, groups: Groups, past: Histories, found: Candidates) -> Floats:
    """Give for each candidate the log of how much oftener people who shop alike buy it."""
    column = model.discovery.column[past.pair_item]
    known = column >= 0
    person = past.pair_person[known]
    shares = groups.shares(past.people, person, column[known])
    lifts = groups.lifts(shares, found.person, model.discovery.column[found.item])
    # Who has bought nothing is like nobody in particular.
    lifts[np.bincount(person, minlength=past.people)[found.person] == 0] = 0.0
    return lifts


def _lifted(chances: Floats, by: Floats) -> Floats:
    """Give chances with something added to their log odds."""
    odds = np.log(chances) - np.log1p(-chances) + by
    lifted: Floats = 1.0 / (1.0 + np.exp(-odds))
    return lifted


def _explain(
    model: TasteModel,
    past: Histories,
    today: int,
    scored: _Scored,
    chosen: Ranking,
    bought: Sequence[str],
) -> list[Suggestion]:
    """Put the chosen of one person into words and numbers, in their order."""
    old, new = chosen.take(~chosen.is_new), chosen.take(chosen.is_new)
    new_row = new.row - len(scored.repeat_rows)
    reasons = because_of(past.pair_item, new.item, model.discovery, keep=_REASONS_KEPT)
    parts = {
        False: iter(model.repeat.parts(scored.repeat_rows[old.row]).tolist()),
        True: iter(model.discover.parts(scored.discover_rows[new_row]).tolist()),
    }
    because = iter(reasons)
    lifts = iter(scored.alike[new_row].tolist())
    made = []
    for at, (item, row, is_new) in enumerate(
        zip(chosen.item.tolist(), chosen.row.tolist(), chosen.is_new.tolist(), strict=True)
    ):
        if is_new:
            named = tuple(model.products[reason] for reason in next(because))
            lift = next(lifts)
            times = math.exp(lift) if lift >= _TELLING_LIFT else None
            facts = _facts(model, item, because_of=named, alike_times=times)
        else:
            days = past.pair_day[past.pair_start[row] : past.pair_start[row + 1]]
            facts = _facts(model, item, days=days.tolist(), today=today)
        names = DISCOVER_FEATURES if is_new else REPEAT_FEATURES
        more = {}
        if is_new and model.groups is not None:
            more = {"people_alike": model.groups.strength * lift}
        made.append(
            Suggestion(
                product_id=_name(model, bought, chosen, at),
                probability=float(chosen.probability[at]),
                kind=_kind(is_new, facts),
                facts=facts,
                parts=dict(zip(names, next(parts[is_new]), strict=True)) | more,
            )
        )
    return made


def _facts(
    model: TasteModel,
    item: int,
    *,
    days: Sequence[int] = (),
    today: int = 0,
    because_of: tuple[str, ...] = (),
    alike_times: float | None = None,
) -> Facts:
    times = len(days)
    return Facts(
        times=times,
        every_days=(days[-1] - days[0]) / (times - 1) if times > 1 else None,
        last_days_ago=max(today - days[-1], 0) if days else None,
        share_rebuy=float(model.statistics.again_share[item]) if item >= 0 else None,
        buyers=int(model.statistics.buyers[item]),
        because_of=because_of,
        alike_times=alike_times,
    )


def _kind(is_new: bool, facts: Facts) -> Kind:
    if not is_new:
        return "repeat"
    if facts.because_of:
        return "discover"
    return "popular" if facts.alike_times is None else "alike"


def _name(model: TasteModel, bought: Sequence[str], ranking: Ranking, at: int) -> str:
    """Give the product of an entry; a repeat is named from the habits, as the model may lack it."""
    if ranking.is_new[at]:
        return model.products[int(ranking.item[at])]
    return bought[int(ranking.row[at])]
