"""What deciding brought on a home in which people of one kind buy more because of it."""

from collections.abc import Iterator
from html.parser import HTMLParser

import numpy as np
import pytest

from customering.app.arms import HABITS, brought_by, habits_before, read_groups
from customering.app.decided import PURPOSE
from customering.app.effect_evaluation import evaluate_effect, evaluate_uplift
from customering.app.engine import Engine
from customering.app.report import make_report
from customering.app.report_page import page
from customering.decision.decide import decide
from customering.decision.model import Candidate, DecisionSettings, PersonFacts
from customering.decision.policy import compile_policy
from customering.decision.record import event_of
from customering.kernel.clock import day_of
from customering.kernel.errors import Absent
from customering.kernel.ids import Identifier, stable_id
from decided_shop import BEGAN, HOME, fill, filled
from town import OpenShop

HALF = DecisionSettings(exploration_share=0.2, control_share=0.4, seed=2)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("effect") / "shop"
    how = {"people": 500, "days": 30, "every": 15, "days_before": 60, "more": 0.15}
    with filled(folder, settings=HALF, **how) as engine:
        yield engine


def test_people_are_in_the_group_their_decisions_show(shop: Engine) -> None:
    entered = read_groups(shop)
    assert len(entered) == 500
    assert {one.day for one in entered} == {day_of(BEGAN)}
    assert {one.groups for one in entered} == {1}
    share = np.mean([one.group == "control" for one in entered])
    assert share == pytest.approx(0.4, abs=0.07)


def test_what_people_brought_is_counted_from_their_first_decision_on(shop: Engine) -> None:
    entered = read_groups(shop)[:50]
    found = brought_by(shop, entered)
    data = shop.purchases(PURPOSE)
    for row, one in enumerate(entered):
        mine = data.order_person == data.people.index(one.person)
        since = int(np.count_nonzero(data.order_day[mine] >= one.day))
        before = int(np.count_nonzero(data.order_day[mine] < one.day))
        assert (found.orders[row], found.orders_before[row]) == (since, before)
        assert found.margin[row] == pytest.approx(since * 250)
    features = habits_before(data, entered)
    assert features.shape == (50, len(HABITS))
    assert np.allclose(np.expm1(features[:, 0]), found.orders_before, atol=1e-3)
    early = brought_by(shop, entered, until_day=day_of(BEGAN) - 1)
    assert not early.orders.any()


def test_what_deciding_brought_is_found(shop: Engine) -> None:
    (found,) = evaluate_effect(shop)
    assert found.missing == ""
    orders, margin = (one.effect for one in found.measured)
    # People of one kind in two buy 0.15 times more a day, for thirty days.
    assert orders.effect == pytest.approx(0.5 * 0.15 * 30, abs=0.6)
    assert orders.verdict == "more"
    assert margin.effect == pytest.approx(orders.effect * 250, rel=0.01)
    assert orders.variance_kept < 0.95


def test_groups_of_another_size_than_is_set_are_not_trusted(shop: Engine) -> None:
    (found,) = evaluate_effect(shop, since_ms=BEGAN + 10**12)
    assert "No decision" in found.missing
    with pytest.raises(Absent, match="nothing"):
        evaluate_effect(shop, action_id="nothing")


def test_whom_it_changes_is_found(shop: Engine) -> None:
    done = evaluate_uplift(shop)
    assert done.uplift is not None
    assert done.uplift.people == 500
    assert done.features == HABITS
    assert done.uplift.verdict in ("usable", "no_usable_heterogeneity")
    assert done.uplift.effect > 0


def test_without_a_control_group_it_says_what_is_missing(open_shop: OpenShop) -> None:
    engine = open_shop(overrides=("decision.control_share=0",))
    (none,) = evaluate_effect(engine)
    assert "control_share" in none.missing
    assert evaluate_uplift(engine).uplift is None
    other = open_shop(folder="other", overrides=("decision.control_share=0.9",))
    fill(other, people=30, days=2, settings=HALF)
    (found,) = evaluate_effect(other)
    assert "not of the size that is set" in found.missing


class Tags(HTMLParser):
    """Notes what a page refers to, and whether its elements are closed in order."""

    void = frozenset({"meta", "line", "circle", "polyline", "polygon", "rect"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.images_without_words = 0
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.outside += [v for n, v in attrs if n in ("src", "href") and v and v[0] != "#"]
        if named.get("role") == "img" and not named.get("aria-label"):
            self.images_without_words += 1
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.void

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_report_is_one_page_that_needs_nothing_else(shop: Engine) -> None:
    told: list[str | None] = []
    report = make_report(shop, held_out_days=14, tell=lambda done, what: told.append(what))
    assert len(told) == 9
    titles = [section.title for section in report.sections]
    assert "What deciding brings" in titles
    assert all(section.command.startswith("customering evaluate") for section in report.sections)
    told_of = [section for section in report.sections if section.charts]
    assert len(told_of) >= 4
    text = page(report)
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert tags.outside == []
    assert tags.images_without_words == 0
    assert "prefers-color-scheme: dark" in text
    assert "<script" not in text
    for loss in report.losses:
        assert loss.split("(")[0].split("'")[0][:20] in text


BREAD = """
[[action]]
action_id = "bread"
kind = "make_offer"
title = "Bread"
purpose = "personalize.offers"
base_propensity = 0.5
value_minor = 100
holdout_share = 0.5
"""


def test_one_action_is_compared_with_those_from_whom_it_is_held_out(open_shop: OpenShop) -> None:
    engine = open_shop(overrides=("decision.control_share=0",))
    (engine.home.folder / "actions.toml").write_text(BREAD)
    rules = compile_policy(engine.settings.decision, engine.consent)
    (bread,) = engine.actions
    found = [Candidate(action=bread, propensity=0.5, value_minor=100)]
    events = []
    for number in range(200):
        name = Identifier(f"user_id:p{number}")
        facts = PersonFacts(person_id=stable_id("per", name))
        events.append(event_of(decide(HOME, found, facts, rules, BEGAN), (name,), BEGAN))
    engine.append(events)
    (compared,) = evaluate_effect(engine, action_id="bread")
    assert compared.missing == ""
    orders = compared.measured[0].effect
    assert orders.treated + orders.control == 200
    assert 60 <= orders.control <= 140
    assert compared.share_by_design == 0.5


def test_people_for_whom_chance_chooses_are_a_group_of_their_own(open_shop: OpenShop) -> None:
    overrides = ("decision.control_share=0.3", "decision.random_share=0.5", "decision.seed=2")
    engine = open_shop(overrides=overrides)
    fill(engine, people=150, days=10, every=5, settings=engine.settings.decision)
    against_control, against_chance = evaluate_effect(engine)
    assert against_chance.title.endswith("chosen by chance")
    for one in (against_control, against_chance):
        assert one.missing == ""
        effect = one.measured[0].effect
        assert effect.treated == against_control.measured[0].effect.treated
    # 30 % are in the control group; of the others chance chooses for half.
    assert against_control.share_by_design == pytest.approx(0.35 / 0.65)
    assert against_chance.share_by_design == 0.5
