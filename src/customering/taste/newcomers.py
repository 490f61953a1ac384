"""What to show somebody of whom nothing is known but when, where and by which way they come."""

from collections.abc import Sequence

import numpy as np

from customering.taste.context import Context
from customering.taste.model import TasteModel
from customering.taste.rank import Shortlist, shortlist

_CHANCE_LEAST, _CHANCE_MOST = 1e-6, 0.9


def popular_here(
    model: TasteModel, context: Context, cells: Sequence[str], today: int, n: int
) -> Shortlist:
    """Give what is bought most in some cells, for somebody of whom nothing is known.

    Parameters
    ----------
    model
        Says what chance a popular product has with somebody new.
    context, cells
        What is bought where, and where they are, as `context.cells_of` names it.
    today
        UTC day number of asking.
    n
        Products at most.
    """
    shares = context.lifted(cells)
    best = np.argsort(-shares, kind="stable")[:n]
    by_share = _chance_by_share(model, context, today)
    chances = np.clip(by_share * shares[best], _CHANCE_LEAST, _CHANCE_MOST)
    products = [context.products[place] for place in best.tolist()]
    return Shortlist(
        products=products,
        probability=chances.tolist(),
        kinds=["popular"] * len(products),
        items=[model.index.get(product, -1) for product in products],
        bought=np.zeros(0, dtype=np.int64),
    )


def _chance_by_share(model: TasteModel, context: Context, today: int) -> float:
    """Give the chance of a product with somebody new, for each unit of its share of all lines."""
    everybodys = shortlist(model, {}, (), today, len(context.products))
    share = dict(zip(context.products, context.share.tolist(), strict=True))
    ratios = [
        chance / share[product]
        for product, chance in zip(everybodys.products, everybodys.probability, strict=True)
        if product in share
    ]
    return float(np.median(ratios)) if ratios else 1.0
