"""Learning from everybody who permits it: value, taste, and what the products are."""

from collections.abc import Mapping

import numpy as np

from customering.app.models import ModelShelf
from customering.app.permission import Permission
from customering.app.purchases import PurchaseData, read_items, read_purchases
from customering.kernel.errors import Invalid
from customering.kernel.records import Record
from customering.relationship.evaluate import HoldOutReport, fit_and_hold_out
from customering.relationship.model import Purchases as Orders
from customering.stores.history import History
from customering.taste.history import Purchases as Lines
from customering.taste.history import gather
from customering.taste.model import TasteModel, TasteSettings
from customering.taste.train import train

HELD_OUT_DAYS = 28
_REPEATERS_LEAST = 20  # four parameters are not to be had from fewer people
VALUE_PURPOSE = "profile.value_scoring"
TASTE_PURPOSE = "personalize.offers"


class Learned(Record, frozen=True):
    """What was learned.

    Parameters
    ----------
    value
        The check of the value model on held-out days; None when too few people came back.
    value_skipped, taste_skipped
        Why a model could not be fitted; empty when it was.
    taste
        Measures of the training of the taste model by name.
    products
        Products known.
    """

    value: HoldOutReport | None
    value_skipped: str
    taste: dict[str, float]
    taste_skipped: str
    products: int


def learn(
    *,
    history: History,
    shelf: ModelShelf,
    person_of: Mapping[str, str],
    may_score: Permission,
    may_suggest: Permission,
    now_ms: int,
    currency: str,
) -> Learned:
    """Fit all models and put them on the shelf.

    Parameters
    ----------
    history
        What happened.
    shelf
        Where models are kept.
    person_of
        Anchor to the name of its person, for people with several identifiers.
    may_score, may_suggest
        Whose purchases may be used to estimate value, and to suggest products.
    now_ms
        The present; noted in the models.
    currency
        Of the amounts.
    """
    value, value_skipped = _learn_value(
        read_purchases(history, person_of, may_score), now_ms=now_ms, currency=currency
    )
    taste, taste_skipped = _learn_taste(read_purchases(history, person_of, may_suggest))
    items = read_items(history)
    shelf.put(value=None if value is None else value.model, taste=taste, items=items)
    return Learned(
        value=value,
        value_skipped=value_skipped,
        taste={} if taste is None else dict(taste.metrics),
        taste_skipped=taste_skipped,
        products=len(items),
    )


def _learn_value(
    data: PurchaseData, *, now_ms: int, currency: str
) -> tuple[HoldOutReport | None, str]:
    if not len(data.order_day):
        return None, "nobody has bought anything, or nobody permits it"
    days = np.unique(np.stack([data.order_person, data.order_day]), axis=1)[0]
    repeaters = int((np.bincount(days) > 1).sum())
    if repeaters < _REPEATERS_LEAST:
        return None, f"{repeaters} people have come back, and {_REPEATERS_LEAST} are needed"
    try:
        report = fit_and_hold_out(
            orders_of(data),
            until_day=int(data.order_day.max()),
            held_out_days=HELD_OUT_DAYS,
            fitted_at_ms=now_ms,
            currency=currency,
        )
    except Invalid as error:
        return None, error.message
    return report, ""


def _learn_taste(data: PurchaseData) -> tuple[TasteModel | None, str]:
    if not len(data.line_day):
        return None, "nobody has bought a product, or nobody permits it"
    lines, through = lines_of(data), int(data.line_day.max())
    skipped = ""
    # A young shop has no four weeks to look back on: what it has must do.
    for label_days in (28, 14, 7, 3, 1):
        settings = TasteSettings(label_days=label_days)
        try:
            return train(lines, data.products, through_day=through, settings=settings), ""
        except Invalid as error:
            skipped = error.message
    return None, skipped


def orders_of(data: PurchaseData) -> Orders:
    """Give the orders as the value model reads them."""
    return Orders(person=data.order_person, day=data.order_day, amount_minor=data.order_minor)


def lines_of(data: PurchaseData) -> Lines:
    """Give the product lines as the taste model reads them."""
    return gather(
        data.line_person,
        data.line_product,
        data.line_day,
        people=len(data.people),
        items=len(data.products),
    )
