"""What contact does to whom is learned from who is left alone, and used: from log to status."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from customering.app.arms import contact_groups, first_fed_day, habits_before
from customering.app.decided import open_decided
from customering.app.deciding import request_for
from customering.app.deciding_all import decide_for_all
from customering.app.engine import Engine
from customering.app.glance import VALUE_PURPOSE
from customering.app.home import find, init
from customering.app.model_registry import ModelRegistry
from customering.app.persuaded import CONTACT, Persuaded
from customering.app.persuading import DAYS, learn_persuasion
from customering.decision.explore import is_control
from customering.decision.model import LEAVE_ALONE, DecisionRequest
from customering.events.model import Event
from customering.kernel.chance import draw
from customering.kernel.clock import MS_PER_DAY, day_of, format_instant, parse_instant
from customering.kernel.ids import Identifier, stable_id
from customering.outcomes.habits import features_of
from customering.outcomes.persuasion import is_never_applied

BEGAN = parse_instant("2026-03-01T12:00:00Z")
NOW = BEGAN + 40 * MS_PER_DAY
PEOPLE, SHARE, SEED = 700, 0.4, 3
PERMITTED = (
    "analytics.product", "personalize.web", "personalize.offers", "profile.value_scoring",
    "marketing.email",
)  # fmt: skip
MAIL = request_for("letter", "email", 1)
ACTIONS = """
[[action]]
action_id = "letter"
kind = "send_message"
title = "A letter"
purpose = "marketing.email"
channel = "email"
value_minor = 2000
base_propensity = 0.2
"""


def name_of(person: int) -> Identifier:
    return Identifier(f"user_id:p{person}")


def held(person: int) -> bool:
    return is_control(SEED, stable_id("per", name_of(person)), SHARE)


def rate(person: int, day: int, *, planted: bool) -> float:
    """Chance to buy on a day: who comes often is put off by letters, who stayed away comes back."""
    if day == -80:
        return 1.0
    is_regular = person % 2 == 0
    usual = 0.06 if is_regular else (0.05 if day < -50 else 0.004)
    if day < 0 or held(person) or not planted:
        return usual
    return 0.012 if is_regular else 0.02


def bought(planted: bool) -> Iterator[Event]:
    for person in range(PEOPLE):
        for day in range(-80, 38):
            if draw(5, "buys", str(person), str(day)) < rate(person, day, planted=planted):
                at = BEGAN + day * MS_PER_DAY + 1
                yield Event(
                    event_id=stable_id("evt", str(person), str(day)),
                    kind="track",
                    name="Order Completed",
                    identifiers=(name_of(person),),
                    occurred_at=at,
                    recorded_at=at,
                    properties={
                        "order_id": f"{person}-{day}",
                        "revenue_minor": 1_000 + person,
                        "currency": "EUR",
                    },
                    source="test",
                )


def lived(folder: Path, *, planted: bool) -> Engine:
    """A shop that wrote to everybody but its control group once, and saw what they did."""
    init(folder)
    stated = "".join(
        f'[consent.defaults."{key}"]\nanswer = "allow"\nground = "a test"\n' for key in PERMITTED
    )
    (folder / "customering.toml").write_text(
        "[history]\nbuckets = 4\n[decision]\n"
        f"seed = {SEED}\ncontrol_share = {SHARE}\nexploration_share = 0.0\n{stated}"
    )
    (folder / "actions.toml").write_text(ACTIONS)
    clock = {"now": BEGAN}
    engine = Engine(find(folder, environment={}), clock=lambda: clock["now"])
    events = sorted(bought(planted), key=lambda event: event.occurred_at)
    before = [event for event in events if event.occurred_at < BEGAN]
    engine.append(before)
    decide_for_all(engine, MAIL, folder / "letters.parquet")
    clock["now"] = NOW
    engine.append(events[len(before) :])
    return engine


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with lived(tmp_path_factory.mktemp("persuasion") / "shop", planted=True) as engine:
        learn_persuasion(engine)
        yield engine


def told(engine: Engine, person: int) -> str:
    """The kind of a person by the model, whether or not it is applied to them."""
    known = engine.people.read(name_of(person), now_ms=NOW)
    found = known.persuasions.get(CONTACT)
    return "" if found is None else found.kind


def test_it_is_learned_from_who_was_left_alone(shop: Engine) -> None:
    open_decided(shop, purpose=VALUE_PURPOSE)
    groups = contact_groups(shop)
    assert set(groups) == {"", "email"}
    assert len(groups[""]) == PEOPLE
    share = np.mean([one.group == "control" for one in groups[""]])
    assert share == pytest.approx(SHARE, abs=0.06)
    model = shop.models.persuasion
    assert model is not None
    assert model.is_fed
    (scope,) = model.scopes
    assert scope.name == CONTACT
    assert scope.judged.verdict == "usable"
    assert scope.runs[0].is_put_off
    assert scope.runs[0].high < 0.0
    assert scope.runs[-1].is_moved


def test_it_is_a_version_with_its_window_and_figures(shop: Engine) -> None:
    registry = ModelRegistry(shop.models.folder)
    version = registry.champion("persuasion")
    assert version is not None
    assert version.first_day == day_of(BEGAN)
    assert version.through_day >= day_of(BEGAN) + DAYS
    assert version.metrics["contact qini"] > version.metrics["contact qini by chance"]
    assert "applied" in version.verdict
    again = learn_persuasion(shop)
    assert again.version is None, "the same log gives the same model"
    assert registry.champion("persuasion") == version


def test_who_is_put_off_is_not_that_into_us_and_is_told_so(shop: Engine) -> None:
    kinds = [told(shop, person) for person in range(0, 200, 2)]
    assert kinds.count("put off") > 20
    person = 2 * kinds.index("put off")
    found = shop.people.read(name_of(person), now_ms=NOW)
    assert found.status.name == "not_that_into_you"
    assert found.status.set_by == "facts"
    said = " ".join(found.status.facts)
    assert "bought within 28 days when we got in touch" in said
    assert "So hearing from us puts them off." in said
    assert "bother people like you" in found.status.person_words
    fact = shop.people.facts(found)["persuasion"]
    assert (fact.value, fact.provenance) == ("put off", "inferred")
    decision = shop.decide(name_of(person), MAIL)
    assert decision.chosen == (LEAVE_ALONE,)


def test_acceptance_counts_by_what_would_not_have_come_anyway(shop: Engine) -> None:
    free = [person for person in range(1, 200, 2) if not held(person)]
    person = next(one for one in free if told(shop, one) == "persuadable")
    decision = shop.decide(name_of(person), MAIL)
    letter = next(one for one in decision.candidates if one.action_id == "letter")
    assert 0.0 < letter.effect < 1.0
    assert letter.score == pytest.approx(letter.propensity * 2_000 * letter.effect)
    ignoring = DecisionRequest(placement="home", purpose="personalize.web")
    shown = shop.decide(name_of(person), ignoring)
    assert all(one.effect == 1.0 for one in shown.candidates), "they are here already"


def test_on_some_it_is_never_applied_and_they_are_measured_again(shop: Engine) -> None:
    share = shop.settings.relationship.persuasion_measured_share
    unapplied = [
        person
        for person in range(100)
        if is_never_applied(SEED, stable_id("per", name_of(person)), share)
    ]
    assert 2 <= len(unapplied) <= 25
    assert {told(shop, person) for person in unapplied} == {""}
    open_decided(shop, purpose=VALUE_PURPOSE)
    assert first_fed_day(shop) == day_of(NOW)
    assert (
        Persuaded(shop.models, shop.settings.relationship, SEED).of(
            stable_id("per", name_of(1)), {}, NOW
        )
        == {}
    ), "who may not be judged is not"


def test_who_does_not_want_it_used_is_not_judged_by_it(shop: Engine) -> None:
    person = next(one for one in range(1, 200, 2) if told(shop, one) == "persuadable")
    shop.ingest(
        [
            {
                "type": "identify",
                "userId": f"p{person}",
                "messageId": "hide",
                "timestamp": format_instant(NOW),
                "traits": {"hidden_facts": ["persuasion"]},
            }
        ]
    )
    assert told(shop, person) == ""
    names = [name_of(person)]
    glance = shop.people.glance(
        stable_id("per", names[0]), names, shop.folding.states_of(names), NOW
    )
    assert glance.persuasions == {}


def test_the_profile_has_the_features_that_were_learned_from(shop: Engine) -> None:
    open_decided(shop, purpose=VALUE_PURPOSE)
    entered = [one._replace(day=day_of(NOW) + 1) for one in contact_groups(shop)[""][:40]]
    rows = habits_before(shop.purchases(VALUE_PURPOSE), entered)
    today = day_of(NOW)
    for one, row in zip(entered, rows, strict=True):
        known = shop.people.read(Identifier(one.person), now_ms=NOW).values
        days = known["shopping_days"]
        live = features_of(
            known["order_days"],
            sum(day > today - 90 for day in days),
            float(today - days[-1]),
            float(today - days[0]),
            known["spend_total_minor"] / known["order_days"],
        )
        assert np.allclose(row, live, atol=1e-5)


def test_where_contact_does_the_same_to_all_nothing_is_applied(tmp_path: Path) -> None:
    with lived(tmp_path / "even", planted=False) as engine:
        found = learn_persuasion(engine)
        assert found.model is not None
        assert not found.model.is_fed
        assert "no usable heterogeneity" in found.words
        assert told(engine, 0) == ""
        status = engine.people.read(name_of(0), now_ms=NOW).status
        assert status.name != "not_that_into_you"


def test_without_a_control_group_nothing_is_learned(tmp_path: Path) -> None:
    init(tmp_path / "new")
    with Engine(find(tmp_path / "new", environment={}), clock=lambda: NOW) as engine:
        found = learn_persuasion(engine)
        assert found.model is None
        assert "Nobody was left alone" in found.words
