"""The best channel and hour: of somebody known, of somebody hardly known, and of many at once."""

import numpy as np
import pytest

from customering.taste.answering import HOURS, Everybody, best_channel, best_hour

TODAY = 20_000
EVERYBODY = Everybody(
    rates={"email": 0.3, "push": 0.1},
    hours=tuple(4 / 27 if hour == 9 else 1 / 27 for hour in range(HOURS)),
    people=50,
)


def days(*ago: int) -> list[int]:
    return sorted(TODAY - one for one in ago)


def test_who_answers_by_push_is_reached_by_push() -> None:
    answered = {"push": days(1, 3, 8, 20), "email": days(90)}
    contacted = {"push": days(1, 3, 8, 20, 30), "email": days(2, 4, 6, 9, 12, 90)}
    best = best_channel(answered, contacted, ["email", "push"], TODAY, EVERYBODY)
    assert (best.channel, best.is_known) == ("push", True)
    assert 0.4 < best.rate < 0.8
    assert best.words == "You answer most by push."


def test_without_answers_it_is_what_everybody_answers_and_says_so() -> None:
    best = best_channel({}, {"email": days(1)}, ["push", "email"], TODAY, EVERYBODY)
    assert (best.channel, best.is_known) == ("email", False)
    assert best.words.startswith("We do not know yet")


def test_one_answer_among_many_unanswered_outdoes_nothing() -> None:
    contacted = {"push": days(*range(1, 30)), "email": []}
    best = best_channel({"push": days(1)}, contacted, ["push", "email"], TODAY, EVERYBODY)
    assert best.channel == "email"


def test_where_one_channel_is_left_it_is_that() -> None:
    best = best_channel({"email": days(1, 2, 3, 4)}, {}, ["push"], TODAY, EVERYBODY)
    assert best.words == "You may be reached by push only."


def test_of_the_allowed_hours_the_best_is_taken() -> None:
    answered = {"22": days(1, 2, 3, 5, 8), "18": days(4, 6, 7)}
    assert best_hour(answered, TODAY, EVERYBODY).hour == 22
    evening = best_hour(answered, TODAY, EVERYBODY, allowed=range(7, 20))
    assert (evening.hour, evening.is_known) == (18, True)
    there = best_hour(answered, TODAY, EVERYBODY, clock={hour: hour + 1 for hour in range(HOURS)})
    assert there.words == "You answer most around 23:00."


@pytest.mark.parametrize(
    "answered",
    [
        {},
        {"9": days(1, 2)},
        {"9": days(*range(600, 660))},
        {str(hour): days(1, 9) for hour in range(HOURS)},
        {"no hour": days(1, 2, 3, 4)},
    ],
)
def test_too_little_or_no_clear_hour_is_said_to_be_unknown(answered: dict[str, list[int]]) -> None:
    flat = Everybody(rates={})
    best = best_hour(answered, TODAY, flat)
    assert (best.hour, best.is_known) == (None, False)
    assert best.words == "We do not know yet at which hour you answer most."


def test_the_past_counts_less() -> None:
    long_ago = {"8": days(*range(300, 330)), "20": days(1, 5, 9, 14)}
    assert best_hour(long_ago, TODAY).hour == 20


def test_of_many_made_people_the_hour_they_like_is_found() -> None:
    """People who answer mostly in an hour of their own, among answers at any hour."""
    chance = np.random.default_rng(5)
    found = dict.fromkeys((5, 40), 0)
    for _ in range(200):
        liked = int(chance.integers(7, 22))
        for answers in found:
            hours = np.where(
                chance.random(answers) < 0.6, liked, chance.integers(7, 22, answers)
            ).tolist()
            answered: dict[str, list[int]] = {}
            for ago, hour in enumerate(hours, start=1):
                answered.setdefault(str(hour), []).insert(0, TODAY - ago)
            best = best_hour(answered, TODAY, EVERYBODY, allowed=range(7, 22))
            found[answers] += best.hour == liked
    assert found[40] >= 190
    assert found[5] >= 130
    assert found[40] > found[5]
