import msgspec
import numpy as np
import pytest

from customering.kernel.errors import Invalid
from customering.relationship.buying import choice_in_words, contenders, name_of
from customering.relationship.model import PurchaseHistories
from customering.relationship.parameters import BgNbd, Buying, Contender, MbgCnbd, ParetoNbd
from customering.relationship.simulate import simulate_people


def lived(true: Buying, people: int, *, whole_days: bool = False) -> PurchaseHistories:
    chance = np.random.default_rng(9)
    found = simulate_people(true, np.floor(chance.uniform(150, 300, people)), chance)
    return PurchaseHistories(
        person=np.arange(people),
        frequency=found.frequency,
        recency_days=np.floor(found.recency) if whole_days else found.recency,
        age_days=found.age,
        mean_order_value_minor=np.full(people, np.nan),
        sum_log_gaps=found.sum_log_gaps,
    )


@pytest.mark.parametrize(
    ("true", "words"),
    [
        (BgNbd(r=0.8, alpha=20, a=0.9, b=3), "leave after a purchase"),
        (MbgCnbd(k=3, r=1.2, alpha=8, a=0.9, b=3), "3 steps a gap"),
        (ParetoNbd(r=0.8, alpha=10, s=0.7, beta=60), "leave at any time"),
    ],
)
def test_the_model_people_live_by_is_chosen_and_told(true, words):
    ranked = contenders(lived(true, 8_000))
    assert name_of(ranked[0].buying) == ranked[0].name == name_of(true)
    assert len(ranked) == 5
    assert [one.log_likelihood for one in ranked] == sorted(
        (one.log_likelihood for one in ranked), reverse=True
    )
    said = choice_in_words(ranked)
    assert said.startswith(f"{ranked[0].name} explains")
    assert words in said
    assert f"that of {ranked[1].name}" in said


def test_without_the_times_between_purchases_regularity_is_not_considered():
    histories = lived(MbgCnbd(k=3, r=1.2, alpha=8, a=0.9, b=3), 2_000)
    ranked = contenders(msgspec.structs.replace(histories, sum_log_gaps=None))
    assert {one.name for one in ranked} == {"BG/NBD", "MBG/NBD", "Pareto/NBD"}


def test_where_nothing_was_compared_nothing_is_said():
    only = Contender(name="BG/NBD", buying=BgNbd(r=1, alpha=1, a=1, b=1), log_likelihood=-1.0)
    assert choice_in_words((only,)) == ""


def test_one_time_buyers_alone_cannot_be_fitted():
    with pytest.raises(Invalid, match="second day"):
        contenders(lived(MbgCnbd(k=1, r=0.001, alpha=1000, a=5, b=0.01), 50))


def test_many_triples_are_fitted_to_the_same_maximum_in_few_passes(monkeypatch):
    histories = lived(MbgCnbd(k=2, r=1.5, alpha=6, a=0.6, b=4), 30_000, whole_days=True)
    quick = contenders(histories)
    monkeypatch.setattr("customering.relationship.fitting._MANY_TRIPLES", 10**9)
    whole = contenders(histories)
    for one, other in zip(quick, whole, strict=True):
        assert one.name == other.name
        assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=0.01)
