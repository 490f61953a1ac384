"""What other policies would have earned, on a home whose people are known to the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from customering.app.engine import Engine
from customering.app.policy_evaluation import AS_DONE, PolicyRow, Question, evaluate_policies
from customering.decision.model import DecisionSettings
from customering.kernel.errors import InvalidDefinition, InvalidFile
from decided_shop import fill, filled
from town import OpenShop

OFTEN = DecisionSettings(exploration_share=0.5, control_share=0.05, seed=3)


def by_name(engine: Engine, **asked: object) -> dict[str, PolicyRow]:
    done = evaluate_policies(engine, Question(**asked))  # type: ignore[arg-type]
    return {row.policy: row for row in done.rows}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("decided") / "shop"
    with filled(folder, people=40, days=30, settings=OFTEN) as engine:
        yield engine


def test_other_policies_are_worth_what_they_would_have_earned(shop: Engine) -> None:
    rows = by_name(shop)
    # Truth, a decision: who suits takes 1 in 2, worth 200; at random (0.5 + 0.1 + 0.05) / 3.
    truth = {"greedy": 100.0, "uniform": (100 + 20 + 15) / 3}
    for name, value in truth.items():
        found = rows[name].margin.best
        assert found is not None
        assert found.low <= value <= found.high, name
        rate = rows[name].success.best
        assert rate is not None
        assert rate.value == pytest.approx({"greedy": 0.5, "uniform": 0.65 / 3}[name], abs=0.08)
    assert rows["greedy"].margin.verdict == "better"
    assert rows["uniform"].margin.verdict == "worse"
    # Bread for all suits one in two: (100 + 20) / 2.
    assert rows["best-single"].margin.estimates["DR"].value == pytest.approx(60, abs=20)
    assert rows[AS_DONE].margin.verdict == "level"


def test_everything_that_is_left_out_is_counted(shop: Engine) -> None:
    done = evaluate_policies(shop, Question(policies=("uniform",), window_days=0))
    assert done.decisions + sum(done.left_out.values()) == 40 * 30
    control = done.left_out["nothing was chosen for this person"]
    assert control % 30 == 0
    assert done.people == 40 - control // 30
    few = evaluate_policies(shop, Question(policies=("uniform",), most=100))
    assert few.left_out["older than the newest"] == 40 * 30 - 100
    none = evaluate_policies(shop, Question(placement="till"))
    assert none.decisions == 0
    assert none.gate is None
    assert none.missing


def test_the_policy_that_knows_people_passes_the_gate(shop: Engine) -> None:
    done = evaluate_policies(shop, Question(policies=()))
    assert done.gate is not None
    assert done.gate.passes


def test_a_policy_in_a_file_is_scored_anew(shop: Engine, tmp_path: Path) -> None:
    path = tmp_path / "no-wine.toml"
    path.write_text('title = "No wine"\nexclude = ["wi*"]\nexploration_share = 0.1\n')
    same = tmp_path / "same.toml"
    same.write_text("exploration_share = 0.0\n")
    cards = tmp_path / "cards.toml"
    cards.write_text("[levers]\ncards = 100\n")
    rows = by_name(shop, policies=(str(path), str(same), str(cards), "greedy"))
    assert rows[str(path)].title == "No wine"
    estimates = {name: row.success.best for name, row in rows.items()}
    assert all(estimates.values())
    assert estimates[str(same)] == estimates["greedy"]
    found = {name: one.value for name, one in estimates.items() if one is not None}
    # Without wine half of the people get bread, which does not suit them; cards suit nobody.
    assert found[str(path)] == pytest.approx(0.3, abs=0.07)
    assert found[str(cards)] == pytest.approx(0.05, abs=0.05)


@pytest.mark.parametrize("text", ["levers = 3", "excludes = []", "exploration_share = 2", "="])
def test_a_policy_that_makes_no_sense_is_refused(shop: Engine, tmp_path: Path, text: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(InvalidDefinition, match=r"wrong\.toml"):
        evaluate_policies(shop, Question(policies=(str(path),)))
    with pytest.raises(InvalidFile):
        evaluate_policies(shop, Question(policies=("absent.toml",)))
    with pytest.raises(InvalidDefinition, match="no policy 'best'"):
        evaluate_policies(shop, Question(policies=("best",)))


def test_without_chance_it_says_what_is_missing(open_shop: OpenShop) -> None:
    engine = open_shop()
    assert "Ask for decisions" in evaluate_policies(engine, Question()).missing[0]
    fill(engine, people=3, days=3, settings=DecisionSettings(exploration_share=0, control_share=0))
    done = evaluate_policies(engine, Question(policies=("uniform",)))
    assert done.decisions == 0
    assert done.left_out == {"nothing was to be chosen": 9}


def test_few_decisions_leave_no_verdict(open_shop: OpenShop) -> None:
    engine = open_shop()
    fill(engine, people=3, days=5, settings=OFTEN)
    rows = by_name(engine)
    for row in rows.values():
        assert row.margin.verdict == "too_little"


def test_who_does_not_permit_to_be_counted_is_not(open_shop: OpenShop) -> None:
    engine = open_shop(permitted=("personalize.web", "personalize.offers"))
    fill(engine, people=3, days=5, settings=OFTEN)
    done = evaluate_policies(engine, Question())
    assert done.decisions == 0
    assert done.left_out == {"their people do not permit to be counted": 15}
