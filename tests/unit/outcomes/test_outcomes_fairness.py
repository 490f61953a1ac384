"""How groups fared: counted by hand on few decisions, and differences that are planted or not."""

import numpy as np
import pytest

from customering.decision.fairness import NOT_SAID
from customering.decision.model import LEAVE_ALONE, Considered, Decision
from customering.outcomes.fairness import Dealt, fared
from customering.outcomes.model import Attributed


def decision(
    number: int, *, value: int = 200, chance: float = 0.3, quiet: bool = False
) -> Decision:
    action = LEAVE_ALONE if quiet else "bread"
    first = Considered(
        action_id=action, kind="leave_alone" if quiet else "make_offer", found_by="catalogue",
        propensity=0.0 if quiet else chance, value_minor=0 if quiet else value, lever=1.0,
        score=1.0, probability=1.0, rank=1, lost=None, words="",
    )  # fmt: skip
    return Decision(
        decision_id=f"dec_{number}", person_id="per", placement="home", purpose="p", channel="",
        decided_at=number, expires_at=number + 1, candidates=(first,), chosen=(action,),
        propensity=1.0, choice="best", policy_version="v", seed=1, reasons=(),
    )  # fmt: skip


def came(number: int, *outcomes: str) -> list[Attributed]:
    return [
        Attributed(
            decision_id=f"dec_{number}", action_id="bread", outcome=outcome, occurred_at=number,
            event_id=f"{outcome}-{number}", how="named", words="",
        )  # type: ignore[arg-type]
        for outcome in outcomes
    ]  # fmt: skip


def test_what_a_group_got_is_counted_as_by_hand() -> None:
    dealt = [
        Dealt(decision(1, value=100, chance=0.2), "ada", "young", came(1, "shown", "accepted")),
        Dealt(decision(2, value=300, chance=0.4), "bo", "young", came(2, "shown")),
        Dealt(decision(3, quiet=True), "bo", "young", []),
        Dealt(decision(4), "cy", NOT_SAID, []),
        Dealt(decision(5), "di", NOT_SAID, []),
    ]
    found = fared(dealt, least_people=2)
    young, silent = found.groups
    assert (young.group, young.people, young.decisions) == ("young", 2, 3)
    told = [young.of(name) for name in ("offered", "seen", "value_minor", "expected", "accepted")]
    assert [round(one.value, 6) for one in told if one is not None] == [
        pytest.approx(2 / 3), 1.0, 200.0, pytest.approx(0.3), 0.5,
    ]  # fmt: skip
    assert all(one is not None and one.low <= one.value <= one.high for one in told)
    assert silent.group == NOT_SAID
    assert found.differences == (), "one group that said something is not compared with silence"


def test_groups_that_are_too_small_are_not_told_of() -> None:
    dealt = [Dealt(decision(n), f"p{n}", "many" if n < 60 else "few", []) for n in range(70)]
    found = fared(dealt)
    assert [one.group for one in found.groups] == ["many"]
    assert found.too_small == 10


def test_without_an_offer_nothing_is_said_of_offers() -> None:
    dealt = [Dealt(decision(n, quiet=True), f"p{n}", "a", []) for n in range(60)]
    (found,) = fared(dealt).groups
    assert found.accepted is None
    assert found.offered is not None
    assert found.offered.value == 0.0


def lived(seed: int, rates: dict[str, float]) -> list[Dealt]:
    chance = np.random.default_rng(seed)
    dealt = []
    for number in range(3_000):
        group = list(rates)[number % len(rates)]
        outcomes = ("shown", "accepted") if chance.random() < rates[group] else ("shown",)
        person = f"{group}-{number % 300}"
        dealt.append(Dealt(decision(number), person, group, came(number, *outcomes)))
    return dealt


def test_a_planted_difference_is_told_and_one_by_chance_is_not() -> None:
    (found, *rest) = fared(lived(1, {"young": 0.3, "middle": 0.3, "old": 0.15})).differences
    assert (found.group, found.measure, found.is_far) == ("old", "accepted", True)
    assert found.high < 0.0
    assert all(one.measure == "accepted" for one in rest)
    even = {"young": 0.25, "middle": 0.25, "old": 0.25}
    assert sum(bool(fared(lived(seed, even)).differences) for seed in range(10)) <= 2
