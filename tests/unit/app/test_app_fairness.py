"""How groups fared in a home: only of who permits it, by what they declared themselves."""

from collections.abc import Iterator

import pytest

from customering.app.engine import Engine
from customering.app.fairness_evaluation import evaluate_fairness
from customering.cli.evaluate_fairness import print_fairness
from customering.decision.fairness import NOT_SAID
from customering.decision.model import DecisionSettings
from customering.events.model import CONSENT_UPDATED
from customering.kernel.ids import Identifier
from decided_shop import filled

PEOPLE = 160


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("fairness") / "shop"
    settings = DecisionSettings(exploration_share=0.2, control_share=0.0, seed=2)
    with filled(folder, settings=settings, people=PEOPLE, days=12) as engine:
        engine.ingest(
            [
                {
                    "type": "identify",
                    "userId": f"p{person}",
                    "messageId": f"said-{person}",
                    "timestamp": "2026-03-02T00:00:00Z",
                    "traits": {
                        "age_group": "young" if person % 4 < 2 else "old",
                        "name": f"P{person}",
                    },
                }
                for person in range(120)
            ]
        )
        yield engine


def test_groups_are_what_people_declared(shop: Engine) -> None:
    done = evaluate_fairness(shop, "declared.age_group", least_people=20)
    assert [one.group for one in done.found.groups] == ["old", "young", NOT_SAID]
    assert [one.people for one in done.found.groups] == [60, 60, 40]
    assert done.decisions == PEOPLE * 12
    for one in done.found.groups:
        assert one.expected is not None
        assert one.accepted is not None
        # What the test shop expects is what happens there.
        assert one.accepted.value == pytest.approx(one.expected.value, abs=0.08)
    assert done.actions, "the share of each action in each group is compared"
    assert done.missing == ""


def test_a_fact_that_tells_people_apart_gives_no_figures(shop: Engine) -> None:
    done = evaluate_fairness(shop, "name")
    assert [one.group for one in done.found.groups] in ([], [NOT_SAID])
    assert done.found.too_small >= 120


def test_a_fact_that_nobody_declared_is_told_with_those_that_are(
    shop: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    done = evaluate_fairness(shop, "shoe_size")
    assert "age_group" in done.missing
    assert "name" not in done.missing.partition("Declared")[2]
    print_fairness(done)
    assert "shoe_size" in capsys.readouterr().out


def test_it_is_printed_with_intervals(shop: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    print_fairness(evaluate_fairness(shop, "age_group"))
    out = capsys.readouterr().out
    assert "±" in out
    assert "young" in out


def test_who_does_not_permit_to_be_counted_is_not(shop: Engine) -> None:
    before = evaluate_fairness(shop, "age_group").decisions
    shop.note(CONSENT_UPDATED, [Identifier("user_id:p0")], {"purposes": {"analytics": "deny"}})
    done = evaluate_fairness(shop, "age_group")
    assert (done.decisions, done.withheld) == (before - 12, 12)
