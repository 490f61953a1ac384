"""The contest is fair, and its figures are what they say."""

import numpy as np
import pytest

from customering.decision.model import LEAVE_ALONE
from customering.testing.contest import DAYS, Choice, Turn, compete, compete_by_mail, standing
from customering.testing.facts import facts_of
from customering.testing.ours import Ours
from customering.testing.rivals import Flood, Popularity, Random, Rules, Thompson
from customering.testing.world import Response, Town

DECISIONS = 900


@pytest.fixture(scope="module")
def town() -> Town:
    return Town(1, people=100)


@pytest.fixture(scope="module")
def facts(town: Town) -> list[dict[str, object]]:
    return facts_of(town)


class Knowing:
    """A policy that knows the town."""

    name = "knowing"

    def __init__(self, town: Town, goal: str = "margin") -> None:
        self.town, self.goal = town, goal
        self.told: list[tuple[int, bool]] = []

    def choose(self, turn: Turn) -> Choice:
        best = self.town.best(
            turn.person,
            turn.circumstances,
            turn.day,
            goal=self.goal,
            among=turn.ids,
            contacts=len(turn.contacts),
        )
        return Choice(best.action_id)

    def learn(self, turn: Turn, choice: Choice, response: Response) -> None:
        self.told.append((turn.day, response.accepted))

    def end_day(self, day: int) -> None:
        assert all(told <= day for told, _ in self.told)


def test_who_knows_everything_misses_nothing(town: Town, facts: list[dict[str, object]]) -> None:
    policy = Knowing(town)
    result = compete(town, facts, policy, DECISIONS)
    assert result.captured() == pytest.approx(1.0)
    assert standing(town, facts, policy, visits=50) == pytest.approx((1.0, 1.0))
    assert result.regret_minor == pytest.approx(0.0, abs=1e-9)
    assert len(result.rows) == len(policy.told) == DECISIONS
    assert {row.day for row in result.rows} == set(range(DAYS))
    assert result.column("accepted").sum() == sum(accepted for _, accepted in policy.told)


def test_drawing_is_the_zero_of_the_scale(town: Town, facts: list[dict[str, object]]) -> None:
    result = compete(town, facts, Random(town), DECISIONS)
    assert abs(result.captured()) < 0.1
    assert result.column("rate").mean() == pytest.approx(0.035, rel=0.25)


@pytest.mark.parametrize("policy", [Popularity, Rules, Thompson, Ours])
def test_everybody_lies_between_and_repeats(
    town: Town, facts: list[dict[str, object]], policy: type
) -> None:
    result = compete(town, facts, policy(town), DECISIONS)
    assert -0.2 < result.captured() < 1.0
    assert compete(town, facts, policy(town), DECISIONS).rows[-1].place == result.rows[-1].place
    for row in result.rows:
        if len(row.chances):
            assert row.chances.sum() == pytest.approx(1.0)
            assert row.chances[row.place] > 0.0


def test_ours_learns_through_the_real_decision_and_fold(
    town: Town, facts: list[dict[str, object]]
) -> None:
    ours = Ours(town)
    compete(town, facts, ours, DECISIONS)
    counts = ours.feedback.counts
    assert counts.successes > 0
    # Decisions of the last day still wait, and those before the first success taught nothing.
    assert counts.successes + counts.failures + counts.unanswered > 0.97 * DECISIONS
    assert counts.unseen == 0


def test_ours_is_better_in_the_end_than_in_the_beginning() -> None:
    town = Town(5, people=100, warmth=4.0)
    result = compete(town, facts_of(town), Ours(town), 3_000)
    begin = result._replace(rows=result.rows[:750])
    assert result.captured(last_quarter=True) > begin.captured() + 0.15


def test_by_mail_nobody_is_written_to_after_leaving(
    town: Town, facts: list[dict[str, object]]
) -> None:
    result = compete_by_mail(town, facts, Flood(town), 6_000)
    gone: set[int] = set()
    for row in result.rows:
        assert row.person not in gone
        if row.unsubscribed:
            gone.add(row.person)
    assert gone


def test_writing_to_everybody_costs_more_than_knowing_when_to_be_quiet(
    town: Town, facts: list[dict[str, object]]
) -> None:
    flood, capped, knowing = (
        compete_by_mail(town, facts, policy, DECISIONS)
        for policy in (Flood(town), Random(town), Knowing(town, "net"))
    )
    assert knowing.column("net").sum() > capped.column("net").sum() > flood.column("net").sum()
    assert capped.column("contacted").mean() < flood.column("contacted").mean() == 1.0
    assert any(row.place == len(town.on_offer(row.day, "email")) for row in knowing.rows)
    assert knowing.column("net").min() >= 0.0
    assert LEAVE_ALONE not in town.on_offer(0)
    assert np.all(knowing.column("margin")[knowing.column("contacted") == 0.0] == 0.0)


def test_a_policy_stands_where_its_chances_say(town: Town, facts: list[dict[str, object]]) -> None:
    stands = standing(town, facts, Random(town), visits=50)
    assert stands.drawn == pytest.approx(0.0, abs=1e-12)


def test_ours_tells_the_chances_it_keeps(town: Town, facts: list[dict[str, object]]) -> None:
    ours = Ours(town)
    rows = compete(town, facts, ours, DECISIONS).rows
    assert all(row.chances.sum() == 1.0 for row in rows)
    assert min(row.chances.min() for row in rows) > 0.0
    assert max(row.chances.max() for row in rows) < 1.0
