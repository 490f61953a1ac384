"""Models fitted by another process are noticed, read aside, and put in use in one step."""

from pathlib import Path

import numpy as np
import pytest

from customering.app.models import ModelShelf
from customering.app.purchases import Item
from customering.kernel.errors import Corrupt
from customering.taste.history import gather
from customering.taste.model import TasteModel, TasteSettings
from customering.taste.train import train

MILK = {"p1": Item(product_id="p1", title="Milk", category="dairy", price_minor=120)}


def taste(seed: int) -> TasteModel:
    chance = np.random.default_rng(seed)
    lines = gather(*(chance.integers(0, most, 900) for most in (30, 12, 200)), people=30, items=12)
    settings = TasteSettings(discovery_items_max=10, neighbours_kept=4)
    return train(lines, [f"p{n}" for n in range(12)], through_day=199, settings=settings)


def test_nothing_is_read_while_nothing_changed(tmp_path: Path):
    shelf = ModelShelf(tmp_path / "models")
    assert shelf.find_changed() is None
    shelf.put(value=None, taste=taste(1), items=MILK)
    held = shelf.taste
    assert held is not None
    assert shelf.find_changed() is None
    assert shelf.taste is held


def test_what_another_process_fitted_is_used_once_it_is_taken(tmp_path: Path):
    shelf, other = ModelShelf(tmp_path), ModelShelf(tmp_path)
    shelf.put(value=None, taste=taste(1), items={})
    held = shelf.taste
    assert shelf.items == {}
    new = taste(2)
    other.put(value=None, taste=new, items=MILK)
    found = shelf.find_changed()
    assert found is not None
    assert shelf.taste is held
    assert shelf.items == {}
    shelf.take(found)
    assert shelf.taste is found.taste
    assert shelf.taste is not None
    assert shelf.taste.to_bytes() == new.to_bytes()
    assert shelf.items == MILK
    assert shelf.find_changed() is None


def test_models_that_were_taken_away_are_noticed(tmp_path: Path):
    shelf, other = ModelShelf(tmp_path), ModelShelf(tmp_path)
    shelf.put(value=None, taste=taste(1), items=MILK)
    other.put(value=None, taste=None, items={})
    found = shelf.find_changed()
    assert found is not None
    shelf.take(found)
    assert shelf.taste is None
    assert shelf.items == {}


def test_a_file_that_cannot_be_read_leaves_the_models_in_use(tmp_path: Path):
    shelf = ModelShelf(tmp_path)
    shelf.put(value=None, taste=None, items=MILK)
    assert shelf.items == MILK
    (tmp_path / "items.json").write_bytes(b"{")
    with pytest.raises(Corrupt):
        shelf.find_changed()
    assert shelf.items == MILK
