import dataclasses
import io

import numpy as np
import pytest

from customering.kernel.errors import Corrupt
from customering.kernel.records import from_json, to_json
from customering.taste import model as taste_models
from customering.taste.history import histories
from customering.taste.model import Facts, Suggestion, TasteModel
from customering.taste.rank import rank_many


def test_a_model_read_back_ranks_the_same(taste_town, taste_model):
    marked = dataclasses.replace(taste_model, metrics={"ndcg": 0.25})
    read = TasteModel.from_bytes(marked.to_bytes())
    past, today = histories(taste_town), np.full(taste_town.people, 240)
    before, after = rank_many(marked, past, today), rank_many(read, past, today)
    for name in ("person", "item", "probability", "is_new"):
        assert np.array_equal(getattr(before, name), getattr(after, name)), name
    assert read.products == marked.products
    assert read.settings == marked.settings
    assert (read.first_day, read.through_day) == (marked.first_day, marked.through_day)
    assert read.metrics == {"ndcg": 0.25}
    assert read.index["sku-07"] == 7


@pytest.mark.parametrize("data", [b"", b"not a model", b"PK\x03\x04 broken"])
def test_other_bytes_are_refused(data):
    with pytest.raises(Corrupt) as caught:
        TasteModel.from_bytes(data)
    assert caught.value.hint


def test_a_damaged_model_is_refused(taste_model):
    data = taste_model.to_bytes()
    with pytest.raises(Corrupt):
        TasteModel.from_bytes(data[: len(data) // 2])
    middle = len(data) // 2
    with pytest.raises(Corrupt):
        TasteModel.from_bytes(data[:middle] + bytes(200) + data[middle + 200 :])


def test_an_archive_without_the_arrays_is_refused():
    buffer = io.BytesIO()
    np.savez(buffer, other=np.zeros(3))
    with pytest.raises(Corrupt):
        TasteModel.from_bytes(buffer.getvalue())


def test_a_model_of_another_version_is_refused(taste_model, monkeypatch):
    data = taste_model.to_bytes()
    monkeypatch.setattr(taste_models, "FORMAT", 2)
    with pytest.raises(Corrupt, match="version"):
        TasteModel.from_bytes(data)


def test_suggestions_are_plain_json():
    made = Suggestion(
        product_id="p", probability=0.5, kind="discover", facts=Facts(because_of=("a", "b"))
    )
    assert from_json(to_json(made), Suggestion) == made
