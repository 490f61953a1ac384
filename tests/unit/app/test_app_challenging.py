"""A challenger takes the place of the champion only when it did better on days unseen by both."""

import msgspec
import numpy as np
import pytest

from customering.app.challenging import compare_taste, compare_value, judge_challenger
from customering.app.model_settings import ModelsSettings
from customering.app.model_version import Comparison, ModelVersion
from customering.relationship.histories import summarise
from customering.relationship.model import Purchases
from customering.relationship.parameters import MbgCnbd
from customering.relationship.value import fit_value
from customering.taste.history import gather
from customering.taste.model import TasteSettings
from customering.taste.train import train

SETTINGS = ModelsSettings()


def version(through_day: int, **more) -> ModelVersion:
    facts = {"name": "BG/NBD", "first_day": 0, "people": 50, "settings": {"among": ["BG/NBD"]}}
    return ModelVersion(
        model_id=f"mdl_{through_day}", kind="value", made_at=through_day, through_day=through_day,
        **{**facts, **more},
    )  # fmt: skip


def outcome(gain: float, low: float) -> Comparison:
    return Comparison(
        measure="something", first_day=1, through_day=28, people=99, champion=1.0,
        challenger=1.0 + gain, gain=gain, low=low, high=2 * gain - low,
    )  # fmt: skip


def judged(challenger, champion, found=None, *, by_hand=False, settings=SETTINGS):
    asked = []

    def compare(cut: int) -> Comparison | None:
        asked.append(cut)
        return found

    verdict = judge_challenger(
        challenger, champion, by_hand=by_hand, settings=settings, compare=compare
    )
    return verdict, asked


def test_the_first_is_used_without_a_comparison():
    verdict, asked = judged(version(100), None)
    assert (verdict.is_kept, verdict.is_used, asked) == (True, True, [])


def test_the_same_data_and_recipe_bring_nothing_new():
    verdict, asked = judged(version(100), version(100))
    assert (verdict.is_kept, verdict.is_used, asked) == (False, False, [])


def test_the_same_recipe_with_newer_days_is_the_same_model_brought_up_to_date():
    verdict, asked = judged(version(103), version(100))
    assert (verdict.is_used, asked) == (True, [])
    assert "3 newer days" in verdict.words


def test_what_was_chosen_by_hand_is_not_replaced_without_proof():
    verdict, _ = judged(version(103), version(100), by_hand=True)
    assert (verdict.is_kept, verdict.is_used) == (True, False)
    better, asked = judged(version(200), version(100), outcome(0.1, 0.05), by_hand=True)
    assert (better.is_used, asked) == (True, [200 - 28])


@pytest.mark.parametrize(
    ("gain", "low", "surely", "used"),
    [
        (0.1, 0.05, False, True),
        (0.1, 0.05, True, True),
        (0.1, -0.05, False, True),
        (0.1, -0.05, True, False),
        (0.0, -0.1, False, False),
        (-0.1, -0.2, False, False),
    ],
)
def test_only_better_is_used_and_by_how_much_is_said(gain, low, surely, used):
    settings = ModelsSettings(surely_better=surely, compared_days=14)
    found = outcome(gain, low)
    verdict, asked = judged(version(200), version(100), found, settings=settings)
    assert (verdict.is_kept, verdict.is_used, asked) == (True, used, [186])
    assert f"{gain:+.4f} ({low:+.4f} to" in verdict.words
    assert "99 people and 28 days" in verdict.words
    assert verdict.comparison == found


def test_another_recipe_is_compared_although_both_know_the_days():
    other = version(103, settings={"among": ["BG/NBD", "Pareto/NBD"]})
    verdict, asked = judged(other, version(100), outcome(0.1, 0.05))
    assert (verdict.is_used, asked) == (True, [75])


def test_where_nothing_can_be_compared_the_one_in_use_stays():
    verdict, _ = judged(version(200), version(100), None)
    assert (verdict.is_kept, verdict.is_used) == (True, False)


@pytest.fixture(scope="module")
def orders() -> Purchases:
    """Give what people bought who come every week or so, and some of whom stop."""
    chance = np.random.default_rng(4)
    person, day = [], []
    for who in range(400):
        stops = int(chance.integers(60, 900))
        at = float(chance.integers(0, 20))
        while at < min(200, stops):
            person.append(who)
            day.append(int(at))
            at += chance.gamma(3.0, 7 / 3)
    return Purchases(
        person=np.array(person), day=np.array(day), amount_minor=np.full(len(day), 500.0)
    )


def test_a_value_model_that_expects_nonsense_loses(orders):
    sound = fit_value(summarise(orders, 140), until_day=140, fitted_at_ms=0)
    assert isinstance(sound.buying, MbgCnbd)
    wild = msgspec.structs.replace(
        sound, buying=msgspec.structs.replace(sound.buying, alpha=sound.buying.alpha / 5)
    )
    found = compare_value(orders, wild, cut=171, through_day=199)
    assert found is not None
    assert found.low > 0
    assert (found.first_day, found.through_day) == (172, 199)
    assert found.gain == pytest.approx(found.challenger - found.champion)
    fair = compare_value(orders, sound, cut=171, through_day=199)
    assert fair is not None
    assert abs(fair.gain) < found.gain / 10


def test_a_value_model_that_knows_the_days_is_asked_as_it_would_have_been(orders):
    knows = fit_value(summarise(orders, 199), until_day=199, fitted_at_ms=0)
    found = compare_value(orders, knows, cut=171, through_day=199)
    assert found is not None
    assert (found.gain, found.low, found.high) == (0.0, 0.0, 0.0)


def test_too_young_a_shop_has_nothing_to_compare(orders):
    sound = fit_value(summarise(orders, 140), until_day=140, fitted_at_ms=0)
    assert compare_value(orders, sound, cut=2, through_day=30) is None


def test_taste_is_compared_in_the_product_numbers_of_either():
    chance = np.random.default_rng(1)
    person = chance.integers(0, 60, 6_000)
    # Everybody has three favourites; what they buy tells what they will.
    item = (person * 3 + chance.integers(0, 3, 6_000)) % 30
    lines = gather(person, item, chance.integers(0, 200, 6_000), people=60, items=30)
    products = [f"p{number}" for number in range(30)]
    settings = TasteSettings(discovery_items_max=20, neighbours_kept=4)
    known = lines.where(lines.day <= 150)
    old = train(known, products, through_day=150, settings=settings)
    backwards = gather(known.person, 29 - known.item, known.day, people=60, items=30)
    turned = train(backwards, products[::-1], through_day=150, settings=settings)
    new = train(lines, products, through_day=199, settings=settings)
    for champion in (old, turned):
        found = compare_taste(lines, products, champion, cut=171, through_day=199, now=new)
        assert found is not None
        assert found.champion > 0.7
        assert abs(found.gain) < 0.1
    names = [f"other{number}" for number in range(30)]
    stranger = train(known, names, through_day=150, settings=settings)
    found = compare_taste(lines, products, stranger, cut=171, through_day=199, now=new)
    assert found is not None
    assert (found.champion, found.low > 0) == (0.0, True)
