"""How well a ranking finds the people whom acting changes: the Qini curve and what is kept by it.

Qini is not one number: libraries differ by a factor of five on the same scores. Ours is that of
scikit-uplift's ``qini_auc_score`` with ``negative_effect=True``: the area between the curve and the
straight line, as a share of that area for a ranking that knew everything.

References
----------
Radcliffe. "Using control groups to target on predicted lift", Direct Marketing Analytics Journal
2007. Devriendt, Guns, Verbeke. "Learning to rank for uplift modeling", IEEE TKDE 2020.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from customering.kernel.records import Record
from customering.outcomes.trials import Bools, Floats, Integers

_BOOTSTRAPS = 500


class Curve(NamedTuple):
    """People contacted from the top of a ranking, and what that brings beyond the control group."""

    people: Floats
    incremental: Floats


class Kept(Record, frozen=True, kw_only=True):
    """What contacting only the top of a ranking keeps of the whole effect.

    Parameters
    ----------
    contacted
        Share of people contacted, in (0, 1].
    kept, low, high
        Share of the whole effect that is kept, and its bootstrap interval; it may exceed 1 where
        the others are put off.
    """

    contacted: float
    kept: float
    low: float
    high: float


class Tenth(Record, frozen=True, kw_only=True):
    """One tenth of people by the ranking, the best first: the effect measured in it.

    Parameters
    ----------
    people
        How many.
    predicted
        Mean of the score.
    effect, low, high
        Difference between treated and control, and its 95 % interval.
    """

    people: int
    predicted: float
    effect: float
    low: float
    high: float


def curve(happened: Bools, score: Floats, treated: Bools) -> Curve:
    """Give the Qini curve: incremental successes among the so many people ranked first.

    Parameters
    ----------
    happened
        Who succeeded. Shape (people,).
    score
        By which people are ranked, highest first; equals stand together.
    treated
        Who was treated, by chance.
    """
    order, ends = _ranking(score)
    return _gained(happened[order], treated[order], ends)


def _ranking(score: Floats) -> tuple[Integers, Integers]:
    """Give people from the highest score down, and where each run of equals ends."""
    order = np.argsort(score, kind="stable")[::-1]
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
    return order, ends


def _gained(happened: Bools, treated: Bools, ends: Integers) -> Curve:
    """Give the curve of people in their order, at the ends of runs of equals."""
    people = np.cumsum(treated, dtype=np.float64)[ends]
    of_treated = np.cumsum(happened & treated, dtype=np.float64)[ends]
    of_control = np.cumsum(happened & ~treated, dtype=np.float64)[ends]
    control = ends + 1 - people
    ratio = np.divide(people, control, out=np.zeros_like(people), where=control != 0)
    gained = of_treated - of_control * ratio
    return Curve(np.concatenate([[0.0], ends + 1.0]), np.concatenate([[0.0], gained]))


def qini(happened: Bools, score: Floats, treated: Bools) -> float:
    """Give the Qini coefficient; 0 for a ranking by chance, 1 for one that knew everything.

    Notes
    -----
    It is 0 where a ranking cannot matter: without successes, or with only one group.
    """
    line, most = _bounds(happened, treated)
    return (_area(curve(happened, score, treated)) - line) / most if most else 0.0


def _bounds(happened: Bools, treated: Bools) -> tuple[float, float]:
    """Give the area under the straight line, and how much more the best ranking has."""
    ideal = np.where(happened, np.where(treated, 1.0, -1.0), 0.0)
    best = curve(happened, ideal, treated)
    line = float(best.incremental[-1] * best.people[-1]) / 2.0
    return line, _area(best) - line


def null_of_qini(
    happened: Bools, score: Floats, treated: Bools, *, seed: int, draws: int = 200
) -> Floats:
    """Give the coefficients that the same scores have when dealt to people by chance."""
    rng = np.random.default_rng(seed)
    line, most = _bounds(happened, treated)
    _, ends = _ranking(score)
    found = np.zeros(draws)
    for draw in range(draws if most else 0):
        order = rng.permutation(len(happened))
        found[draw] = (_area(_gained(happened[order], treated[order], ends)) - line) / most
    return found


def kept_at(
    happened: Bools, score: Floats, treated: Bools, shares: tuple[float, ...], *, seed: int = 1
) -> tuple[Kept, ...]:
    """Give what is kept of the whole effect when only the top of a ranking is contacted.

    Parameters
    ----------
    shares
        Shares of people contacted, each in (0, 1].

    Notes
    -----
    Empty where the effect as a whole is 0, so that a share of it means nothing.
    """
    order = np.argsort(-score, kind="stable")
    groups = _cells(happened[order], treated[order], shares)
    whole = groups.sum(axis=0)
    if _effect(whole) == 0.0:
        return ()
    rng = np.random.default_rng(seed)
    # People of one group who lie between the same two shares, and fare alike, are exchangeable:
    # drawing people with replacement is drawing their counts.
    chances = groups.ravel() / groups.sum()
    drawn = rng.multinomial(round(groups.sum()), chances, size=_BOOTSTRAPS).reshape(
        _BOOTSTRAPS, *groups.shape
    )
    found: list[Kept] = []
    for place, share in enumerate(shares):
        top = groups[: place + 1].sum(axis=0)
        again = [
            share * _effect(one[: place + 1].sum(axis=0)) / total
            for one in drawn
            if (total := _effect(one.sum(axis=0))) != 0.0
        ]
        low, high = np.quantile(again, [0.025, 0.975])
        kept = share * _effect(top) / _effect(whole)
        found.append(Kept(contacted=share, kept=kept, low=float(low), high=float(high)))
    return tuple(found)


def tenths(happened: Bools, score: Floats, treated: Bools, parts: int = 10) -> tuple[Tenth, ...]:
    """Give the effect that was measured in each tenth of the ranking, the best first."""
    order = np.argsort(-score, kind="stable")
    found: list[Tenth] = []
    for places in np.array_split(order, parts):
        rates, errors = [], []
        for group in (treated[places], ~treated[places]):
            count = max(int(group.sum()), 1)
            rate = float(happened[places][group].sum()) / count
            rates.append(rate)
            errors.append(rate * (1.0 - rate) / count)
        away = 1.959963984540054 * sum(errors) ** 0.5
        effect = rates[0] - rates[1]
        found.append(
            Tenth(
                people=len(places),
                predicted=float(score[places].mean()) if len(places) else 0.0,
                effect=effect,
                low=effect - away,
                high=effect + away,
            )
        )
    return tuple(found)


def _area(one: Curve) -> float:
    return float(np.trapezoid(one.incremental, one.people))


def _cells(happened: Bools, treated: Bools, shares: tuple[float, ...]) -> Floats:
    """Count people between the shares, by treated or not and success or not. (parts, 2, 2)."""
    count = len(happened)
    ends = [0, *(round(share * count) for share in shares), count]
    cells = np.zeros((len(ends) - 1, 2, 2))
    for part, (begin, end) in enumerate(pairwise(ends)):
        inside = slice(begin, end)
        for group in (0, 1):
            mine = treated[inside] == bool(group)
            succeeded = float(np.count_nonzero(mine & happened[inside]))
            cells[part, group] = np.count_nonzero(mine) - succeeded, succeeded
    return cells


def _effect(cells: Floats) -> float:
    """Give the difference of the rates of treated and control, from their four counts."""
    people = cells.sum(axis=1)
    if not people.all():
        return 0.0
    return float(cells[1, 1] / people[1] - cells[0, 1] / people[0])
