"""What is read from decisions and their outcomes, and policies that weigh otherwise."""

from typing import Any

import numpy as np
import pytest

from customering.decision.model import LEAVE_ALONE, Considered, Decision
from customering.kernel.errors import Invalid, InvalidDefinition
from customering.outcomes.evidence import Evidence, Success, evidence_of
from customering.outcomes.model import Attributed, Outcome
from customering.outcomes.trials import trials_of
from customering.outcomes.what_if import BUILT_IN, WhatIf, built_in, read_what_if, rescored

BREAD, WINE, QUIET = "bread", "wine", LEAVE_ALONE


def considered(action_id: str, probability: float, **more: Any) -> Considered:
    known: dict[str, Any] = {
        "kind": "leave_alone" if action_id == QUIET else "make_offer",
        "found_by": "catalogue",
        "propensity": 0.2,
        "value_minor": 300,
        "lever": 1.0,
        "score": 60.0,
        "rank": None,
        "lost": "outscored",
        "words": "",
    }
    return Considered(action_id=action_id, probability=probability, **{**known, **more})


def decision(number: int, first: str, *candidates: Considered, **more: Any) -> Decision:
    known: dict[str, Any] = {
        "person_id": "per_x",
        "placement": "home",
        "purpose": "personalize.web",
        "channel": "",
        "decided_at": number,
        "expires_at": number + 1,
        "propensity": 0.5,
        "choice": "best",
        "policy_version": "policy_x",
        "seed": 1,
        "reasons": (),
    }
    return Decision(
        decision_id=f"dec_{number}", candidates=candidates, chosen=(first,), **{**known, **more}
    )


def came(outcome: Outcome, action_id: str = BREAD, paid: int | None = None) -> Attributed:
    return Attributed(
        decision_id="dec_1",
        action_id=action_id,
        outcome=outcome,
        occurred_at=2,
        event_id="e",
        how="named",
        revenue_minor=paid,
        words="",
    )


BOTH = (considered(BREAD, 0.5), considered(WINE, 0.5), considered("eggs", 0.0))


def reward(*outcomes: Attributed, kind: str = "make_offer", by: str = "") -> tuple[bool, float]:
    candidates = (considered(BREAD, 0.5, kind=kind), *BOTH[1:])
    success = Success(margin_share=0.5)
    if by == "clicked":
        success = Success(outcomes=("clicked",))
    found = evidence_of([(decision(1, BREAD, *candidates), "ada", outcomes)], success)
    return bool(found.happened[0]), float(found.trials.rewards[0])


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((), (False, 0.0)),
        ((came("shown"), came("clicked")), (False, 0.0)),
        ((came("accepted"),), (True, 300.0)),
        ((came("bought", paid=1_000),), (True, 300.0)),
        ((came("bought", paid=1_000), came("returned", paid=400)), (True, 0.0)),
        ((came("accepted", WINE),), (False, 0.0)),
        ((came("accepted", ""),), (False, 0.0)),
    ],
)
def test_what_the_first_place_brought(
    outcomes: tuple[Attributed, ...], expected: tuple[bool, float]
) -> None:
    assert reward(*outcomes) == expected


@pytest.mark.parametrize(
    ("outcomes", "margin"),
    [
        ((came("bought", paid=1_000),), 500.0),
        ((came("bought", paid=1_000), came("returned", paid=400)), 300.0),
        ((came("accepted"), came("bought", paid=100)), 50.0),
        ((came("accepted"),), 300.0),
    ],
)
def test_what_a_shown_product_brought_is_its_margin(
    outcomes: tuple[Attributed, ...], margin: float
) -> None:
    assert reward(*outcomes, kind="show_item") == (True, margin)


def test_what_counts_as_success_can_be_said() -> None:
    assert reward(came("clicked"), by="clicked")[0]


def test_what_was_not_possible_is_no_candidate() -> None:
    found = evidence_of([(decision(1, WINE, *BOTH), "ada", ())], Success())
    assert found.names == (BREAD, WINE)
    assert found.trials.at_chosen(found.trials.actions).tolist() == [1]
    assert np.diff(found.trials.begins).tolist() == [2]


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (decision(1, BREAD, *BOTH, choice="control"), "nothing was chosen for this person"),
        (decision(1, BREAD, *BOTH, choice="common"), "nothing was chosen for this person"),
        (decision(1, BREAD, *BOTH, arm="control"), "nothing was chosen for this person"),
        (decision(1, BREAD, considered(BREAD, 1.0)), "nothing was to be chosen"),
        (decision(1, "eggs", *BOTH), "what was done had no chance in the record"),
    ],
)
def test_what_says_nothing_is_left_out_and_counted(made: Decision, why: str) -> None:
    found = evidence_of([(made, "ada", ())], Success())
    assert len(found.trials) == 0
    assert found.left_out == {why: 1}


@pytest.fixture
def evidence() -> Evidence:
    rows = []
    for number in range(30):
        quiet = considered(QUIET, 0.2, propensity=0.0, value_minor=0, score=50.0)
        bread = considered(BREAD, 0.5, score=60.0)
        silenced = considered(WINE, 0.3, lever=0.0, score=0.0, propensity=0.4)
        first = (BREAD, WINE, QUIET)[number % 3]
        rows.append((decision(number, first, bread, silenced, quiet), f"p{number}", ()))
    return evidence_of(rows, Success())


def chosen(evidence: Evidence, target: np.ndarray) -> dict[str, float]:
    """The chance of each action in the first row; all rows are alike."""
    return dict(zip((BREAD, WINE, QUIET), target[:3].round(6).tolist(), strict=True))


@pytest.mark.parametrize(
    ("what_if", "expected"),
    [
        (WhatIf(), {BREAD: 1, WINE: 0, QUIET: 0}),
        (WhatIf(exploration_share=0.3), {BREAD: 0.8, WINE: 0.1, QUIET: 0.1}),
        (WhatIf(levers={BREAD: 0.5}), {BREAD: 0, WINE: 0, QUIET: 1}),
        (WhatIf(levers={"wi*": 1.0}), {BREAD: 0, WINE: 1, QUIET: 0}),
        (WhatIf(use_lever=False), {BREAD: 0, WINE: 1, QUIET: 0}),
        (WhatIf(exclude=("*",)), {BREAD: 0, WINE: 0, QUIET: 1}),
        (WhatIf(exclude=(BREAD,), exploration_share=1.0), {BREAD: 0, WINE: 0.5, QUIET: 0.5}),
        (WhatIf(use_value=False), {BREAD: 0, WINE: 0, QUIET: 1}),
    ],
)
def test_candidates_are_weighed_otherwise(
    evidence: Evidence, what_if: WhatIf, expected: dict[str, float]
) -> None:
    assert chosen(evidence, rescored(what_if, evidence)) == pytest.approx(expected)


def test_the_built_in_policies_do_what_they_say(evidence: Evidence) -> None:
    known = {name: chosen(evidence, built_in(name, evidence)) for name in BUILT_IN}
    assert known["uniform"] == pytest.approx(dict.fromkeys((BREAD, WINE, QUIET), 1 / 3), abs=1e-5)
    assert known["greedy"][BREAD] == 1
    assert known["quiet"][QUIET] == 1
    with pytest.raises(InvalidDefinition, match="no policy"):
        built_in("clever", evidence)


def test_quiet_is_predicted_to_earn_nothing(evidence: Evidence) -> None:
    chance, margin = evidence.predictions()
    assert not chance[evidence.is_quiet].any()
    assert not margin[evidence.is_quiet].any()


def test_a_policy_is_read_from_text() -> None:
    text = 'title = "x"\nexclude = ["a"]\n[levers]\nb = 2\n'
    assert read_what_if(text, file="x.toml") == WhatIf(title="x", exclude=("a",), levers={"b": 2.0})
    with pytest.raises(InvalidDefinition, match="unknown field"):
        read_what_if("lever = 2", file="x.toml")


@pytest.mark.parametrize(
    ("chances", "chosen_at", "words"),
    [
        ([[0.5, 0.4]], [0], "sum to 0.9"),
        ([[1.0, 0.0]], [1], "had no chance"),
        ([[]], [0], "no candidate"),
        ([[1.0]], [0, 0], "differ in length"),
    ],
)
def test_columns_that_cannot_be_judged_are_refused(
    chances: list[list[float]], chosen_at: list[int], words: str
) -> None:
    rows = [np.array(one) for one in chances]
    with pytest.raises(Invalid, match=words):
        trials_of(rows, chosen_at if len(chosen_at) == len(rows) else [0], [0.0] * len(chosen_at))
