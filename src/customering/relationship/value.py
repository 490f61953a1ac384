"""The act of valuing: fit a model of all people's purchases, and estimate one person or many.

A model of repeat buying says how often a person will buy, gamma-gamma what an order is worth; their
product is the expected value. Gamma-gamma takes the two to be independent over people.
"""

import math
from typing import Any, Final

import msgspec
import numpy as np

from customering.kernel.errors import Invalid
from customering.relationship import buying, spend
from customering.relationship.model import (
    PurchaseHistories,
    PurchaseHistory,
    ValueEstimate,
    ValueEstimates,
    ValueModel,
)
from customering.relationship.parameters import GammaGamma

SHORT_HORIZON_DAYS: Final = 30
LONG_HORIZON_DAYS: Final = 90


def fit_value(
    histories: PurchaseHistories,
    *,
    until_day: int,
    fitted_at_ms: int,
    currency: str = "",
    among: frozenset[str] | None = None,
) -> ValueModel:
    """Fit all models to the histories of all people, and take the one that explains them best.

    Parameters
    ----------
    histories
        As `histories.summarise` gives them for `until_day`.
    until_day
        The day observation ended, days since 1970.
    fitted_at_ms
        The present.
    currency
        ISO 4217 code of the amounts; all of them must be in it.
    among
        Names of the models of buying to choose from; None for all.

    Raises
    ------
    Invalid
        When there is nobody, or nobody bought twice.
    """
    ranked = buying.contenders(histories, among)
    again = histories.frequency > 0
    gaps = histories.recency_days[again] / histories.frequency[again]
    return ValueModel(
        buying=ranked[0].buying,
        spending=_fit_spending(histories),
        currency=currency,
        fitted_at_ms=fitted_at_ms,
        observed_from_day=until_day - int(histories.age_days.max()),
        observed_until_day=until_day,
        people=int(histories.frequency.size),
        repeaters=int(again.sum()),
        log_likelihood=ranked[0].log_likelihood,
        usual_gap_days=float(np.median(gaps)),
        contenders=ranked,
    )


def _fit_spending(histories: PurchaseHistories) -> GammaGamma | None:
    valued = np.isfinite(histories.mean_order_value_minor)
    if int(valued.sum()) < 2:
        return None
    orders = histories.frequency[valued] + 1
    people = spend.gather(orders, histories.mean_order_value_minor[valued])
    return spend.fit(people).parameters


def estimate(model: ValueModel, history: PurchaseHistory) -> ValueEstimate:
    """Say what a model expects of one person, in some 20 to 200 microseconds."""
    alive = buying.person_alive(model.buying, history)
    short, long = (
        model.scale * buying.person_expected(model.buying, alive, history, ahead)
        for ahead in (SHORT_HORIZON_DAYS, LONG_HORIZON_DAYS)
    )
    order_value = _person_order_value(model, history)
    return ValueEstimate(
        p_alive=alive,
        expected_purchases_30=short,
        expected_purchases_90=long,
        expected_order_value_minor=None if order_value is None else round(order_value),
        expected_value_90_minor=None if order_value is None else round(long * order_value),
        usual_gap_days=model.usual_gap_days,
    )


def outlook(model: ValueModel, history: PurchaseHistory) -> ValueEstimate:
    """Give only what a status is judged by; the rest of an `estimate` is left at 0 or unknown."""
    alive = buying.person_alive(model.buying, history)
    long = buying.person_expected(model.buying, alive, history, LONG_HORIZON_DAYS)
    return ValueEstimate(
        p_alive=alive,
        expected_purchases_30=0.0,
        expected_purchases_90=model.scale * long,
        usual_gap_days=model.usual_gap_days,
    )


def _person_order_value(model: ValueModel, history: PurchaseHistory) -> float | None:
    """Give the expected order value; everybody's mean where the person's own is unknown."""
    if model.spending is None:
        return None
    orders, mean = history.frequency + 1, history.mean_order_value_minor
    if mean is None or not mean > 0:
        orders, mean = 0, 0.0
    p, q, v = model.spending.p, model.spending.q, model.spending.v
    return p * (v + orders * mean) / (p * orders + q - 1)


def estimate_many(model: ValueModel, histories: PurchaseHistories) -> ValueEstimates:
    """Say what a model expects of each of many people; equal to `estimate` one by one.

    Returns
    -------
    ValueEstimates
        Amounts are not rounded here; they are NaN when the model knows no order values.
    """
    alive, expected = buying.expectations(
        model.buying, histories, SHORT_HORIZON_DAYS, LONG_HORIZON_DAYS
    )
    short, long = (model.scale * purchases for purchases in expected)
    if model.spending is None:
        order_value = np.full(alive.size, math.nan)
    else:
        known = np.isfinite(histories.mean_order_value_minor)
        orders = np.where(known, histories.frequency + 1, 0.0)
        mean = np.where(known, histories.mean_order_value_minor, 0.0)
        order_value = spend.expected_order_value(model.spending, orders, mean)
    return ValueEstimates(
        p_alive=alive,
        expected_purchases_30=short,
        expected_purchases_90=long,
        expected_order_value_minor=order_value,
        expected_value_90_minor=long * order_value,
    )


def read_value_model(text: bytes | str) -> ValueModel:
    """Read a model from the JSON that `kernel.records.to_json` made of it.

    A model of the time when there was BG/NBD only does not say which it is, and is read as that.

    Raises
    ------
    Invalid
        When the text is not such JSON, or a parameter is out of range.
    """
    try:
        read: Any = msgspec.json.decode(text)
        if isinstance(read, dict) and isinstance(read.get("buying"), dict):
            read["buying"].setdefault("model", "bg_nbd")
        return msgspec.convert(read, ValueModel)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(
            f"this is not a value model: {error}", hint="fit the model again and keep its JSON"
        ) from error
