import pytest

from customering.kernel.clock import MS_PER_DAY
from customering.relationship.model import StatusFacts
from customering.relationship.rhythm import patience_before, rhythm_of
from customering.relationship.settings import StatusSettings

SETTINGS = StatusSettings()


def shopper(**changes) -> StatusFacts:
    known = {
        "now_ms": 1000 * MS_PER_DAY,
        "order_days": 41,
        "first_order_at": 710 * MS_PER_DAY,
        "last_order_at": 990 * MS_PER_DAY,
        "mean_gap_days": 7.0,
        "sd_gap_days": 0.0,
        "usual_gap_days": 7.0,
    }
    return StatusFacts(**{**known, **changes})


def test_who_has_not_bought_has_no_rhythm():
    assert rhythm_of(StatusFacts(now_ms=0), SETTINGS) is None
    assert rhythm_of(shopper(last_order_at=None), SETTINGS) is None


def test_silence_is_counted_in_patiences():
    rhythm = rhythm_of(shopper(), SETTINGS)
    assert rhythm.silence_days == 10
    assert rhythm.lateness == pytest.approx(10 / rhythm.patience_days)


def test_a_regular_person_is_missed_before_an_irregular_one():
    monthly = {"mean_gap_days": 30.0, "usual_gap_days": 30.0}
    regular = rhythm_of(shopper(**monthly, sd_gap_days=1.0), SETTINGS)
    irregular = rhythm_of(shopper(**monthly, sd_gap_days=30.0), SETTINGS)
    assert regular.patience_days < 50
    assert irregular.patience_days == pytest.approx(90, abs=1)


def test_few_gaps_are_drawn_towards_what_is_usual():
    quick = {"mean_gap_days": 2.0, "sd_gap_days": 0.0, "usual_gap_days": 40.0}
    few = rhythm_of(shopper(order_days=2, **quick), SETTINGS)
    many = rhythm_of(shopper(order_days=200, **quick), SETTINGS)
    assert few.gap_days == pytest.approx((1 * 2 + 2 * 40) / 3)
    assert many.gap_days == pytest.approx(2.4, abs=0.05)


def test_one_purchase_is_judged_by_what_is_usual_for_all():
    once = shopper(order_days=1, mean_gap_days=None, sd_gap_days=None, usual_gap_days=20.0)
    rhythm = rhythm_of(once, SETTINGS)
    assert (rhythm.gap_days, rhythm.spread_days) == (20, 20)
    assert rhythm.patience_days == 60


def test_without_a_model_the_setting_says_what_is_usual():
    once = shopper(order_days=1, mean_gap_days=None, sd_gap_days=None, usual_gap_days=None)
    assert rhythm_of(once, SETTINGS).gap_days == SETTINGS.usual_gap_days


def test_a_missing_mean_follows_from_first_last_and_count():
    given = rhythm_of(shopper(sd_gap_days=None), SETTINGS)
    derived = rhythm_of(shopper(mean_gap_days=None, sd_gap_days=None), SETTINGS)
    assert derived == given


def test_patience_stays_within_its_bounds():
    quick = rhythm_of(shopper(mean_gap_days=0.5, usual_gap_days=0.5), SETTINGS)
    slow = rhythm_of(shopper(mean_gap_days=900.0, usual_gap_days=900.0), SETTINGS)
    assert quick.patience_days == SETTINGS.patience_days_min
    assert slow.patience_days == SETTINGS.patience_days_max


def test_a_purchase_later_than_now_is_no_negative_silence():
    assert rhythm_of(shopper(last_order_at=1005 * MS_PER_DAY), SETTINGS).silence_days == 0


def test_the_last_gap_does_not_judge_itself():
    # Gaps 10, 10, 10 and then 130: mean 40, spread 51.96; without the last one 10 and 0.
    facts = shopper(order_days=5, mean_gap_days=40.0, sd_gap_days=51.9615, last_gap_days=130.0)
    settings = StatusSettings(patience_days_min=1)
    alone = shopper(order_days=4, mean_gap_days=10.0, sd_gap_days=0.0)
    before = patience_before(facts, settings)
    assert before == pytest.approx(rhythm_of(alone, settings).patience_days, rel=1e-3)
    assert before < rhythm_of(facts, settings).patience_days / 3


def test_the_only_gap_is_judged_by_what_is_usual():
    facts = shopper(order_days=2, mean_gap_days=90.0, last_gap_days=90.0, usual_gap_days=20.0)
    assert patience_before(facts, SETTINGS) == 60


def test_an_unknown_last_gap_has_no_patience_before():
    assert patience_before(shopper(last_gap_days=None), SETTINGS) is None
