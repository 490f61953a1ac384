"""All models of repeat buying by one set of words: fit them, choose among them, ask them."""

from collections.abc import Callable
from functools import partial

import numpy as np

from customering.kernel.errors import Invalid
from customering.relationship import bgnbd, mbgcnbd, paretonbd
from customering.relationship.arrays import Floats
from customering.relationship.fitting import BuyingFit
from customering.relationship.model import PurchaseHistories, PurchaseHistory
from customering.relationship.parameters import BgNbd, Buying, Contender, MbgCnbd, ParetoNbd
from customering.relationship.triples import Triples, distinct_rows, group

REGULARITIES = (1, 2, 3)
"""The numbers of steps between purchases that are tried."""


def name_of(buying: Buying) -> str:
    """Give the name of a model as people know it.

    Examples
    --------
    >>> name_of(MbgCnbd(k=2, r=1, alpha=1, a=1, b=1))
    'MBG/CNBD-2'
    """
    match buying:
        case BgNbd():
            return "BG/NBD"
        case ParetoNbd():
            return "Pareto/NBD"
        case MbgCnbd():
            return _regular_name(buying.k)


def _regular_name(k: int) -> str:
    return "MBG/NBD" if k == 1 else f"MBG/CNBD-{k}"


def contenders(
    histories: PurchaseHistories, among: frozenset[str] | None = None
) -> tuple[Contender, ...]:
    """Fit every model, the one that explains the purchases best first.

    Without `PurchaseHistories.sum_log_gaps` nobody can tell how regularly people buy: then only
    models of pure chance are fitted.

    Parameters
    ----------
    histories
        Of all people.
    among
        Names of the models to fit; None for all.

    Raises
    ------
    Invalid
        When there is nobody, nobody bought twice, or no model is left to fit.
    """
    triples = group(histories.frequency, histories.recency_days, histories.age_days)
    log_gaps = histories.sum_log_gaps
    total = 0.0 if log_gaps is None else float(log_gaps.sum())
    regularities = REGULARITIES if log_gaps is not None else REGULARITIES[:1]
    fits: dict[str, Callable[[Triples], BuyingFit]] = {
        "BG/NBD": bgnbd.fit,
        "Pareto/NBD": paretonbd.fit,
    }
    for k in regularities:
        fits[_regular_name(k)] = partial(mbgcnbd.fit, k=k, sum_log_gaps=total)
    found = {name: fit(triples) for name, fit in fits.items() if among is None or name in among}
    made = [
        Contender(name=name, buying=one.parameters, log_likelihood=one.log_likelihood)
        for name, one in found.items()
        if np.isfinite(one.log_likelihood)
    ]
    if not made:
        raise Invalid("there is no model of buying to fit", hint=f"known models: {', '.join(fits)}")
    return tuple(sorted(made, key=lambda one: -one.log_likelihood))


def choice_in_words(ranked: tuple[Contender, ...]) -> str:
    """Say which model was chosen and by how much; empty when there was nothing to choose from."""
    if len(ranked) < 2:
        return ""
    best, second = ranked[:2]
    ahead = best.log_likelihood - second.log_likelihood
    said = (
        f"{best.name} explains the purchases best: its log-likelihood is {ahead:,.1f} above that"
        f" of {second.name}."
    )
    match best.buying:
        case MbgCnbd(k=1) | BgNbd():
            return f"{said} People buy by chance and leave after a purchase."
        case MbgCnbd(k=k):
            return f"{said} People buy more regularly than chance would have it ({k} steps a gap)."
        case ParetoNbd():
            return f"{said} People buy by chance and may leave at any time."


def expectations(
    buying: Buying, histories: PurchaseHistories, *horizons: float
) -> tuple[Floats, list[Floats]]:
    """Say who is still alive as a customer, and how often everybody will buy.

    People with the same history are worked out once.

    Returns
    -------
    tuple
        For each person the probability in [0, 1]; and for each horizon, in days, the purchase days
        expected of each person within it.
    """
    x, t_x, age = histories.frequency, histories.recency_days, histories.age_days
    rows, place = distinct_rows(x, t_x, age)
    x, t_x, age = x[rows], t_x[rows], age[rows]
    alive = _alive(buying, x, t_x, age)
    return alive[place], [_expected(buying, alive, x, t_x, age, ahead)[place] for ahead in horizons]


def _alive(buying: Buying, x: Floats, t_x: Floats, age: Floats) -> Floats:
    match buying:
        case BgNbd():
            return bgnbd.probability_alive(buying, x, t_x, age)
        case MbgCnbd():
            return mbgcnbd.probability_alive(buying, x, t_x, age)
        case ParetoNbd():
            return paretonbd.probability_alive(buying, x, t_x, age)


def _expected(
    buying: Buying, alive: Floats, x: Floats, t_x: Floats, age: Floats, ahead: float
) -> Floats:
    match buying:
        case BgNbd():
            return bgnbd.expected_purchases(buying, alive, x, age, ahead)
        case MbgCnbd():
            return mbgcnbd.expected_purchases(buying, alive, x, t_x, age, ahead)
        case ParetoNbd():
            return paretonbd.expected_purchases(buying, alive, x, age, ahead)


def person_alive(buying: Buying, history: PurchaseHistory) -> float:
    """Give the probability that one person is still alive as a customer."""
    x, t_x, age = history.frequency, history.recency_days, history.age_days
    match buying:
        case BgNbd():
            return bgnbd.person_alive(buying, x, t_x, age)
        case MbgCnbd():
            return mbgcnbd.person_alive(buying, x, t_x, age)
        case ParetoNbd():
            return paretonbd.person_alive(buying, x, t_x, age)


def person_expected(buying: Buying, alive: float, history: PurchaseHistory, ahead: float) -> float:
    """Give the purchases expected of one person in some days."""
    x, t_x, age = history.frequency, history.recency_days, history.age_days
    match buying:
        case BgNbd():
            return bgnbd.person_expected(buying, alive, x, age, ahead)
        case MbgCnbd():
            return mbgcnbd.person_expected(buying, alive, x, t_x, age, ahead)
        case ParetoNbd():
            return paretonbd.person_expected(buying, alive, x, age, ahead)
