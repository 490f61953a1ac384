"""The town: the same from the same seed, calibrated, and known to the last chance."""

import numpy as np
import pytest

from customering.decision.model import LEAVE_ALONE
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.errors import Invalid
from customering.testing.world import (
    BEST_SINGLE_RATE,
    FIRST_INSTANT_MS,
    ORACLE_RATE,
    UNIFORM_RATE,
    Circumstances,
    Town,
    town_day,
)

NOON = Circumstances(hour=12, weekday=3)
MAIL = NOON._replace(channel="email")


@pytest.fixture(scope="module")
def town() -> Town:
    return Town(1, people=300)


def test_the_same_seed_gives_the_same_town_and_another_seed_another(town: Town) -> None:
    again, other = Town(1, people=300), Town(2, people=300)
    assert again.actions == town.actions
    assert list(again.visits(5, 50)) == list(town.visits(5, 50)) != list(other.visits(5, 50))
    assert np.array_equal(again.rates(7, NOON, 5).accepted, town.rates(7, NOON, 5).accepted)
    assert not np.array_equal(other.rates(7, NOON, 5).accepted, town.rates(7, NOON, 5).accepted)
    action = town.actions[0].action_id
    answers = [town.respond(7, action, NOON, day) for day in range(50)]
    assert answers == [again.respond(7, action, NOON, day) for day in range(50)]


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_every_town_has_the_three_rates(seed: int) -> None:
    town = Town(seed)
    rates = [
        town.rates(visit.person, visit.circumstances, day).accepted[:30]
        for day in range(0, 90, 10)
        for visit in town.visits(day, 200)
    ]
    found = np.array(rates)
    assert found.mean() == pytest.approx(UNIFORM_RATE, rel=0.1)
    assert found.mean(axis=0).max() == pytest.approx(BEST_SINGLE_RATE, rel=0.15)
    assert found.max(axis=1).mean() == pytest.approx(ORACLE_RATE, rel=0.1)


def test_a_warm_town_accepts_more(town: Town) -> None:
    warm = Town(1, people=300, warmth=4.0)
    rates = [one.rates(7, NOON, 10).accepted[:30].mean() for one in (town, warm)]
    assert 2.5 < rates[1] / rates[0] < 6.0


def test_what_comes_of_an_action_has_the_chances_that_are_told(town: Town) -> None:
    action = town.actions[3].action_id
    place = town.place_of(action)
    told, came, anyway = 0.0, 0, 0
    for day in range(60):
        for person in range(0, 300, 3):
            rates = town.rates(person, NOON, day)
            response = town.respond(person, action, NOON, day)
            told += rates.accepted[place]
            came += response.accepted
            anyway += response.would_have_bought
            assert response.clicked >= response.accepted
            assert response.shown >= response.clicked
            assert response.would_have_bought <= response.accepted
            assert (response.margin_minor > 0) == response.accepted
            assert 0 <= response.delay_ms <= 3 * MS_PER_DAY
    assert came == pytest.approx(told, abs=4 * told**0.5)
    assert 0 < anyway < came


def test_the_best_is_the_best_and_leaving_alone_may_be_it(town: Town) -> None:
    left_alone = 0
    for person in range(60):
        rates = town.rates(person, MAIL, 10, contacts=8)
        ids = town.on_offer(10, "email")
        net = {one: rates.net_minor[town.place_of(one)] for one in ids}
        best = town.best(person, MAIL, 10, goal="net", contacts=8)
        left_alone += best.action_id == LEAVE_ALONE
        assert best.value == max(0.0, *net.values())
        if best.action_id != LEAVE_ALONE:
            assert net[best.action_id] == best.value
        assert town.best(person, NOON, 10, among=ids[:2]).action_id in ids[:2]
    assert 0 < left_alone < 60


def test_too_many_messages_cost_answers_and_people(town: Town) -> None:
    person = int(town.residents.tolerance.argmin())
    calm, weary = (town.rates(person, MAIL, 10, contacts=number) for number in (0, 20))
    assert (weary.accepted < calm.accepted).all()
    assert (weary.unsubscribed > calm.unsubscribed).all()
    on_a_page = town.rates(person, NOON, 10, contacts=20)
    assert not on_a_page.unsubscribed.any()
    assert np.array_equal(on_a_page.accepted, town.rates(person, NOON, 10).accepted)


def test_some_people_are_put_off_by_messages(town: Town) -> None:
    put_off = town.residents.put_off
    assert 0.03 < put_off.mean() < 0.2
    for person in (int(put_off.argmax()), int(put_off.argmin())):
        rates = town.rates(person, MAIL, 10)
        assert ((rates.accepted < rates.anyway) == put_off[person]).all()
        assert (town.rates(person, NOON, 10).accepted > town.rates(person, NOON, 10).anyway).all()


def test_leaving_alone_brings_nothing(town: Town) -> None:
    response = town.respond(0, LEAVE_ALONE, NOON, 0)
    assert not any(response)


def test_actions_arrive_and_retire(town: Town) -> None:
    first, last = set(town.on_offer(0)), set(town.on_offer(89))
    assert first - last
    assert last - first
    assert first < set(town.on_offer(0, "email"))
    messages = [one for one in town.actions if one.channel]
    assert {one.channel for one in messages} == {"email", "push"}
    assert not first & {one.action_id for one in messages}
    ends = next(one for one in town.actions if one.valid_until is not None)
    assert ends.valid_until is not None
    day = town_day(ends.valid_until)
    assert ends.action_id in town.on_offer(day - 1)
    assert ends.action_id not in town.on_offer(day)


def test_a_town_drifts_only_when_told(town: Town) -> None:
    def change(place: Town) -> float:
        now, then = (place.rates(7, NOON, day).accepted for day in (0, 30))
        return float(np.ptp(np.log(now / then)))

    assert change(town) < 0.1
    assert change(Town(1, people=300, drifts=True)) > 0.5


def test_visits_are_of_their_day_and_in_order(town: Town) -> None:
    visits = list(town.visits(3, 500))
    assert len(visits) == 500
    assert visits == sorted(visits, key=lambda visit: visit.at_ms)
    for visit in visits:
        assert town_day(visit.at_ms) == 3
        assert (visit.at_ms - FIRST_INSTANT_MS) // 3_600_000 % 24 == visit.circumstances.hour
        assert visit.circumstances.weekday == 4
    assert visits[0].circumstances.as_context()["part"] in ("night", "morning")


@pytest.mark.parametrize("wrong", [{"people": 0}, {"warmth": 0.1}, {"warmth": 7.0}])
def test_a_town_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(Invalid):
        Town(1, **wrong)
