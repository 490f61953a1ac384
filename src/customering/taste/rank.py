"""Ranking: what one person may want next, with the reasons, or everybody's lists at once."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from customering.taste.discovery import because_of, candidates
from customering.taste.features import (
    DISCOVER_FEATURES,
    REPEAT_FEATURES,
    discover_features,
    repeat_features,
)
from customering.taste.history import Bools, Histories, Ints, history_of
from customering.taste.items import Floats
from customering.taste.logistic import Additive
from customering.taste.model import Facts, Kind, Suggestion, TasteModel

_REASONS_KEPT = 3


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
    new = chosen.item[chosen.is_new]
    reasons = dict(
        zip(
            new.tolist(),
            because_of(past.pair_item, new, model.discovery, keep=_REASONS_KEPT),
            strict=True,
        )
    )
    names = [_name(model, bought, chosen, at) for at in range(len(chosen.item))]
    return [
        _suggestion(model, past, scored, chosen, at, name, reasons, today)
        for at, name in enumerate(names)
    ]


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
        place[by_kind] = _place_in_run(kind)
        quota = np.where(ranking.is_new, min(discover, n), n - min(discover, n))
        preferred = np.lexsort((place >= quota, ranking.person))
        kept = preferred[_place_in_run(ranking.person[preferred]) < n]
        return ranking.take(np.sort(kept))
    return ranking.take(_place_in_run(ranking.person) < n)


def _score(model: TasteModel, past: Histories, today: Ints) -> _Scored:
    settings = model.settings
    found = candidates(
        past,
        model.discovery,
        supported=settings.supported_candidates,
        popular=settings.popular_candidates,
    )
    repeat_rows = repeat_features(past, today, model.statistics)
    discover_rows = discover_features(
        past, found.person, found.item, found.support, model.statistics
    )
    repeats, news = len(repeat_rows), len(discover_rows)
    ranking = Ranking(
        np.concatenate([past.pair_person, found.person]),
        np.concatenate([past.pair_item, found.item]),
        np.concatenate(
            [model.repeat.probability(repeat_rows), model.discover.probability(discover_rows)]
        ),
        np.arange(repeats + news),
        np.repeat(np.array([False, True]), [repeats, news]),
    )
    return _Scored(ranking, repeat_rows, discover_rows, found.support)


def _suggestion(
    model: TasteModel,
    past: Histories,
    scored: _Scored,
    chosen: Ranking,
    at: int,
    product: str,
    reasons: Mapping[int, list[int]],
    today: int,
) -> Suggestion:
    item, row = int(chosen.item[at]), int(chosen.row[at])
    known = item >= 0
    share = float(model.statistics.again_share[item]) if known else None
    buyers = int(model.statistics.buyers[item])
    kind: Kind
    if chosen.is_new[at]:
        row -= len(past.pair_item)
        because = tuple(model.products[reason] for reason in reasons[item])
        kind = "discover" if because and scored.support[row] > 0 else "popular"
        facts = Facts(share_rebuy=share, buyers=buyers, because_of=because)
        parts = _parts(model.discover, scored.discover_rows[row : row + 1], DISCOVER_FEATURES)
    else:
        days = past.pair_day[past.pair_start[row] : past.pair_start[row + 1]]
        first, last, times = int(days[0]), int(days[-1]), len(days)
        kind = "repeat"
        facts = Facts(
            times=times,
            every_days=(last - first) / (times - 1) if times > 1 else None,
            last_days_ago=max(today - last, 0),
            share_rebuy=share,
            buyers=buyers,
        )
        parts = _parts(model.repeat, scored.repeat_rows[row : row + 1], REPEAT_FEATURES)
    return Suggestion(
        product_id=product,
        probability=float(chosen.probability[at]),
        kind=kind,
        facts=facts,
        parts=parts,
    )


def _parts(part: Additive, row: NDArray[np.float32], names: Sequence[str]) -> dict[str, float]:
    return dict(zip(names, part.parts(row)[0].tolist(), strict=True))


def _name(model: TasteModel, bought: Sequence[str], ranking: Ranking, at: int) -> str:
    """Give the product of an entry; a repeat is named from the habits, as the model may lack it."""
    if ranking.is_new[at]:
        return model.products[int(ranking.item[at])]
    return bought[int(ranking.row[at])]


def _place_in_run(values: Ints) -> Ints:
    """Give each entry its place, from 0, in its run of equal values."""
    begins = np.ones(len(values), dtype=np.bool_)
    begins[1:] = np.diff(values) != 0
    starts = np.flatnonzero(begins)
    return np.arange(len(values)) - np.repeat(starts, np.diff(np.append(starts, len(values))))
