"""Evaluation on held-out time: how good the predictions are, beside the obvious baselines."""

import numpy as np

from customering.app.learning import lines_of, orders_of
from customering.app.purchases import PurchaseData
from customering.kernel.errors import Invalid
from customering.kernel.records import Record
from customering.relationship.evaluate import HoldOutReport, fit_and_hold_out
from customering.taste.evaluate import (
    Grades,
    by_frequency,
    by_popularity,
    grade,
    interval,
    new_products_after,
    next_basket_after,
    not_bought,
)
from customering.taste.history import distinct, histories
from customering.taste.rank import rank_many
from customering.taste.train import train

_PLACES = 10
_SEED = 1


class MethodGrades(Record, frozen=True):
    """How the lists of one method did, as means over people.

    Parameters
    ----------
    method
        The method.
    recall, ndcg, hit
        Recall@10, NDCG@10 (ideal over the whole truth) and the share of people with a hit.
    ndcg_low, ndcg_high
        95 % bootstrap interval of the NDCG over people.
    repeat_recall, explore_recall
        Recall@10 over what the person had, and had not, bought before; None where there is none.
    """

    method: str
    recall: float
    ndcg: float
    ndcg_low: float
    ndcg_high: float
    hit: float
    repeat_recall: float | None
    explore_recall: float | None


class BasketEvaluation(Record, frozen=True):
    """Next basket on held-out days.

    Parameters
    ----------
    held_out_days
        Days at the end that the models did not see.
    people, products
        People with a basket in those days, and products known before them.
    next_basket
        Grades of lists for the first basket in the held-out days.
    discovery
        Grades of lists of products never bought, for what people then bought for the first time.
    """

    held_out_days: int
    people: int
    products: int
    next_basket: list[MethodGrades]
    discovery: list[MethodGrades]


def evaluate_next_basket(data: PurchaseData, *, held_out_days: int) -> BasketEvaluation:
    """Train without the last days and grade the lists for the next basket.

    Parameters
    ----------
    data
        All purchases.
    held_out_days
        Days at the end to hide.

    Raises
    ------
    Invalid
        When there is too little to train on.
    """
    if not len(data.line_day):
        raise Invalid("nobody has bought a product yet", hint="import orders first")
    purchases = lines_of(data)
    cut = int(data.line_day.max()) - held_out_days
    split = next_basket_after(purchases, cut, days=held_out_days)
    model = train(split.known, data.products, through_day=cut)
    past = histories(split.known)
    lists = {
        "customering": rank_many(model, past, split.today, _PLACES),
        "personal frequency": by_frequency(past, model.statistics, _PLACES),
        "popularity": by_popularity(past, model.statistics, _PLACES),
    }
    new = new_products_after(purchases, cut, days=held_out_days)
    discovering = rank_many(model, past, split.today, _PLACES, discover=_PLACES)
    most_known = int(np.bincount(past.pair_person, minlength=1).max())
    popular = by_popularity(past, model.statistics, _PLACES + most_known)
    new_lists = {
        "customering": discovering.take(discovering.is_new),
        "popularity": not_bought(popular, past),
    }
    return BasketEvaluation(
        held_out_days=held_out_days,
        people=len(distinct(split.truth.person)),
        products=len(distinct(split.known.item)),
        next_basket=[_graded(name, grade(made, split)) for name, made in lists.items()],
        discovery=[_graded(name, grade(made, new)) for name, made in new_lists.items()],
    )


def _graded(method: str, grades: Grades) -> MethodGrades:
    low, high = interval(grades.ndcg, seed=_SEED)
    return MethodGrades(
        method=method,
        recall=float(np.mean(grades.recall)),
        ndcg=float(np.mean(grades.ndcg)),
        ndcg_low=low,
        ndcg_high=high,
        hit=float(np.mean(grades.hit)),
        repeat_recall=_mean(grades.repeat_recall),
        explore_recall=_mean(grades.explore_recall),
    )


def _mean(grades: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float | None:
    graded = grades[~np.isnan(grades)]
    return float(graded.mean()) if len(graded) else None


def evaluate_value(
    data: PurchaseData, *, held_out_days: int, now_ms: int, currency: str
) -> HoldOutReport:
    """Fit value without the last days and compare with what people then bought.

    Raises
    ------
    Invalid
        When there is too little to fit.
    """
    if not len(data.order_day):
        raise Invalid("nobody has bought anything yet", hint="import orders first")
    return fit_and_hold_out(
        orders_of(data),
        until_day=int(data.order_day.max()),
        held_out_days=held_out_days,
        fitted_at_ms=now_ms,
        currency=currency,
    )
