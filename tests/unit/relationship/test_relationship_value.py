import math

import msgspec
import numpy as np
import pytest

from customering.kernel.errors import Invalid
from customering.kernel.records import to_json
from customering.relationship.model import PurchaseHistories, PurchaseHistory, ValueModel
from customering.relationship.parameters import BgNbd
from customering.relationship.simulate import simulate_people
from customering.relationship.value import estimate, estimate_many, fit_value, read_value_model


@pytest.fixture(scope="module")
def histories() -> PurchaseHistories:
    chance = np.random.default_rng(11)
    true = BgNbd(r=0.6, alpha=25.0, a=0.8, b=2.5)
    ages = np.floor(chance.uniform(90, 360, 4000))
    frequency, recency, age, log_gaps = simulate_people(true, ages, chance)
    means = chance.gamma(4.0, 800.0, frequency.size)
    means[::7] = math.nan
    return PurchaseHistories(
        person=np.arange(frequency.size),
        frequency=frequency,
        recency_days=np.floor(recency),
        age_days=age,
        mean_order_value_minor=means,
        sum_log_gaps=log_gaps,
    )


@pytest.fixture(scope="module")
def model(histories: PurchaseHistories) -> ValueModel:
    return fit_value(histories, until_day=17_000, fitted_at_ms=5, currency="EUR")


def one(histories: PurchaseHistories, place: int) -> PurchaseHistory:
    mean = float(histories.mean_order_value_minor[place])
    return PurchaseHistory(
        frequency=int(histories.frequency[place]),
        recency_days=float(histories.recency_days[place]),
        age_days=float(histories.age_days[place]),
        mean_order_value_minor=None if math.isnan(mean) else mean,
    )


def test_a_model_tells_what_it_was_fitted_to(model, histories):
    assert model.people == 4000
    assert model.repeaters == int((histories.frequency > 0).sum())
    assert model.observed_until_day == 17_000
    assert model.observed_from_day == 17_000 - int(histories.age_days.max())
    assert model.currency == "EUR"
    assert model.scale == 1.0
    again = histories.frequency > 0
    gaps = np.sort(histories.recency_days[again] / histories.frequency[again])
    assert gaps[gaps.size // 3] < model.usual_gap_days < gaps[2 * gaps.size // 3]


def test_one_person_equals_the_same_person_among_many(model, histories):
    many = estimate_many(model, histories)
    for place in range(0, 400, 7):
        single = estimate(model, one(histories, place))
        assert single.p_alive == pytest.approx(many.p_alive[place])
        assert single.expected_purchases_30 == pytest.approx(many.expected_purchases_30[place])
        assert single.expected_purchases_90 == pytest.approx(many.expected_purchases_90[place])
        worth = many.expected_order_value_minor[place]
        assert single.expected_order_value_minor == round(worth)
        assert single.expected_value_90_minor == round(many.expected_value_90_minor[place])


def test_unknown_own_value_falls_back_to_everybodys_mean(model):
    known = PurchaseHistory(
        frequency=3, recency_days=60, age_days=90, mean_order_value_minor=90_000
    )
    unknown = msgspec.structs.replace(known, mean_order_value_minor=None)
    common = model.spending.v * model.spending.p / (model.spending.q - 1)
    assert estimate(model, unknown).expected_order_value_minor == round(common)
    assert estimate(model, known).expected_order_value_minor > 10 * common


def test_the_scale_multiplies_expected_purchases_and_value_only(model):
    doubled = msgspec.structs.replace(model, scale=2.0)
    history = PurchaseHistory(
        frequency=5, recency_days=80, age_days=90, mean_order_value_minor=4000
    )
    plain, scaled = estimate(model, history), estimate(doubled, history)
    assert scaled.expected_purchases_30 == pytest.approx(2 * plain.expected_purchases_30)
    assert scaled.expected_value_90_minor == pytest.approx(2 * plain.expected_value_90_minor, abs=1)
    assert scaled.p_alive == plain.p_alive
    assert scaled.expected_order_value_minor == plain.expected_order_value_minor


def test_without_order_values_there_is_no_money(histories):
    bare = msgspec.structs.replace(
        histories, mean_order_value_minor=np.full(histories.frequency.size, math.nan)
    )
    model = fit_value(bare, until_day=17_000, fitted_at_ms=5)
    assert model.spending is None
    single = estimate(model, one(bare, 1))
    assert single.expected_order_value_minor is None
    assert single.expected_value_90_minor is None
    assert single.expected_purchases_90 > 0
    assert np.isnan(estimate_many(model, bare).expected_value_90_minor).all()


def test_a_model_survives_its_json(model):
    assert read_value_model(to_json(model)) == model


def test_all_models_were_tried_and_the_likeliest_was_taken(model):
    assert model.buying == model.contenders[0].buying
    assert model.log_likelihood == model.contenders[0].log_likelihood
    assert [one.name for one in model.contenders][:1] == ["BG/NBD"]
    assert {one.name for one in model.contenders} == {
        "BG/NBD", "Pareto/NBD", "MBG/NBD", "MBG/CNBD-2", "MBG/CNBD-3",
    }  # fmt: skip


@pytest.mark.parametrize("place", range(5))
def test_whichever_model_is_used_one_person_equals_the_same_among_many(model, histories, place):
    with_it = msgspec.structs.replace(model, buying=model.contenders[place].buying)
    many = estimate_many(with_it, histories)
    assert read_value_model(to_json(with_it)) == with_it
    for person in range(0, 300, 23):
        single = estimate(with_it, one(histories, person))
        assert single.p_alive == pytest.approx(many.p_alive[person])
        expected = many.expected_purchases_90[person]
        assert single.expected_purchases_90 == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_a_model_of_before_there_were_several_is_bg_nbd():
    text = (
        b'{"buying":{"r":0.243,"alpha":30.9,"a":0.793,"b":2.426},"spending":null,"currency":"",'
        b'"fitted_at_ms":0,"observed_from_day":0,"observed_until_day":273,"people":9,'
        b'"repeaters":5,"log_likelihood":0,"usual_gap_days":48}'
    )
    assert read_value_model(text).buying == BgNbd(r=0.243, alpha=30.9, a=0.793, b=2.426)


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b"not json", b"\xff"])
def test_what_is_not_a_model_is_refused_with_a_hint(text):
    with pytest.raises(Invalid) as error:
        read_value_model(text)
    assert error.value.hint


def test_a_model_with_an_impossible_parameter_is_refused(model):
    broken = msgspec.structs.replace(
        model, buying=msgspec.structs.replace(model.buying, alpha=-1.0)
    )
    with pytest.raises(Invalid, match="alpha"):
        read_value_model(to_json(broken))
