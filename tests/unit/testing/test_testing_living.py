"""The town through the whole product: events in, decisions out, outcomes back, and it learns."""

import math
from pathlib import Path

import pytest

from customering.app.deciding import request_for
from customering.app.engine import Engine
from customering.app.home import find
from customering.events.model import DECISION_MADE
from customering.kernel.errors import Conflict
from customering.kernel.ids import Identifier
from customering.outcomes.model import ACTION_SHOWN
from customering.testing.living import LivedDay, captured, make_home, opened
from customering.testing.world import Town

DAYS, VISITS = 6, 50


@pytest.fixture(scope="module")
def town() -> Town:
    return Town(1, people=80, warmth=4.0)


@pytest.fixture(scope="module")
def lived(town: Town, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[LivedDay]]:
    folder = tmp_path_factory.mktemp("town") / "home"
    make_home(folder, town)
    with opened(folder, town) as life:
        life.remember()
        days = [life.live(day, VISITS) for day in range(DAYS)]
    return folder, days


def test_every_decision_and_what_came_of_it_is_in_the_log(
    lived: tuple[Path, list[LivedDay]],
) -> None:
    folder, days = lived
    with Engine(find(folder, environment={})) as engine:
        names = [event.name for block in engine.reading_log.read() for event in block.events()]
    made = sum(day.decisions for day in days)
    assert made == names.count(DECISION_MADE)
    assert DAYS * VISITS * 0.7 < made <= DAYS * VISITS
    assert made * 0.9 < names.count(ACTION_SHOWN) <= made


def test_what_is_told_of_a_day_fits_together(lived: tuple[Path, list[LivedDay]]) -> None:
    for day in lived[1]:
        assert 0 <= day.accepted <= day.decisions
        assert 0.0 < day.uniform_minor < day.best_minor
        assert 0.0 < day.chosen_minor < day.best_minor
    assert 0.0 < captured(lived[1]) < 1.0
    assert math.isnan(captured([]))


def test_the_home_learned_how_willing_the_town_is(
    lived: tuple[Path, list[LivedDay]], town: Town
) -> None:
    folder, days = lived
    with Engine(find(folder, environment={})) as engine:
        engine.catch_up()
        engine.learner.catch_up(engine.reading_log)
        counts = engine.learner.feedback.counts
        assert counts.successes > 0
        request = request_for("home", "", 1)
        decision = engine.decide(Identifier("user_id:t1"), request)
        made = sum(day.decisions for day in days[:-2])
        assert counts.successes + counts.failures >= 0.8 * made
    told = {one.action_id: one.propensity for one in decision.candidates}
    offers = [one for one in town.actions if not one.channel]
    # Uniformly drawn offers are accepted or at least followed by far more than was guessed.
    learned = sum(told[one.action_id] for one in offers if one.action_id in told) / len(offers)
    assert learned > 2 * max(one.base_propensity for one in offers)


def test_a_town_takes_the_place_of_a_town_and_of_nothing_else(town: Town, tmp_path: Path) -> None:
    make_home(tmp_path / "a", town)
    make_home(tmp_path / "a", town)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "letter.txt").write_text("mine")
    with pytest.raises(Conflict):
        make_home(tmp_path / "b", town)
    assert (tmp_path / "b" / "letter.txt").read_text() == "mine"


def test_the_home_offers_what_the_town_has(town: Town, tmp_path: Path) -> None:
    make_home(tmp_path / "home", town)
    with Engine(find(tmp_path / "home", environment={})) as engine:
        assert engine.actions == town.actions
