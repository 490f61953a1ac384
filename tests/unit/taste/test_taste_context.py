from dataclasses import replace

import numpy as np
import pytest

from customering.kernel.errors import InvalidDefinition
from customering.taste.context import Context, cells_of, fit_context
from customering.taste.history import gather
from customering.taste.model import TasteModel, TasteSettings
from customering.taste.newcomers import popular_here
from customering.taste.train import train

PRODUCTS = ["milk", "bread", "beer", "cake"]
CELLS = ["part:2", "part:6", "store:a", "store:b"]
LINES = np.array(
    [  # milk and bread in the morning, beer in the evening, cake in store b
        [4000, 3000, 10, 400],
        [1000, 1000, 2990, 400],
        [2500, 2000, 1500, 10],
        [2500, 2000, 1500, 790],
    ],
    dtype=np.float64,
)


@pytest.fixture(scope="module")
def context() -> Context:
    cell, item = np.indices(LINES.shape)
    return fit_context(PRODUCTS, item.ravel(), cell.ravel(), LINES.ravel(), CELLS)


def test_cells_are_named_by_what_is_known():
    assert cells_of() == ()
    assert cells_of(hour=0, weekday=6, channel="app") == ("part:0", "weekday:6", "channel:app")


def test_each_cell_lifts_what_is_bought_more_there(context):
    def order(*cells: str) -> list[str]:
        shares = context.lifted(cells)
        return [context.products[place] for place in np.argsort(-shares)]

    assert order()[0] == "milk"
    assert order("part:6")[0] == "beer"
    assert order("part:2").index("beer") > order("part:6").index("beer")
    evening, elsewhere = context.lifted(["part:6"]), context.lifted(["part:6", "store:a"])
    cake = context.products.index("cake")
    assert elsewhere[cake] < evening[cake] / 2
    assert context.lifted(["store:unheard"]) == pytest.approx(context.share)


def test_rare_cells_are_drawn_towards_everybody():
    lines = np.array([[1000.0, 1000.0], [0.0, 2.0]])
    cell, item = np.indices(lines.shape)
    found = fit_context(["a", "b"], item.ravel(), cell.ravel(), lines.ravel(), ["big", "small"])
    assert abs(found.lift).max() < 0.01


def test_only_the_most_bought_and_the_fullest_cells_are_kept():
    cell, item = np.indices(LINES.shape)
    found = fit_context(
        PRODUCTS, item.ravel(), cell.ravel(), LINES.ravel(), CELLS, products_most=2, cells_most=1
    )
    assert found.products == ("milk", "bread")
    assert found.cells == ("part:2",)
    assert found.lift.shape == (1, 2)


def test_without_purchases_there_is_no_context():
    nothing = np.zeros(0, dtype=np.int64)
    with pytest.raises(InvalidDefinition):
        fit_context([], nothing, nothing, np.zeros(0), [])


@pytest.fixture(scope="module")
def model() -> TasteModel:
    chance = np.random.default_rng(3)
    item = chance.choice(4, 3000, p=[0.45, 0.3, 0.2, 0.05])
    lines = gather(
        chance.integers(0, 80, 3000), item, chance.integers(0, 120, 3000), people=80, items=4
    )
    settings = TasteSettings(discovery_items_max=4, neighbours_kept=2, discovery_ridge=5.0)
    return train(lines, PRODUCTS, through_day=119, settings=settings)


def test_newcomers_are_shown_what_is_bought_here(model, context):
    everywhere = popular_here(model, context, (), 120, 3)
    evening = popular_here(model, context, cells_of(hour=19), 120, 3)
    assert everywhere.products[0] == "milk"
    assert evening.products[0] == "beer"
    assert set(evening.kinds) == {"popular"}
    assert evening.items == [model.index[product] for product in evening.products]
    assert evening.probability == sorted(evening.probability, reverse=True)
    assert all(0 < chance < 1 for chance in evening.probability)


def test_a_model_keeps_its_context_and_is_read_without_one(model, context):
    assert TasteModel.from_bytes(model.to_bytes()).context is None
    told = replace(model, context=context)
    read = TasteModel.from_bytes(told.to_bytes()).context
    assert read is not None
    assert (read.products, read.cells) == (context.products, context.cells)
    assert np.array_equal(read.lift, context.lift)
