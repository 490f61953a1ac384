"""Every journey that ships finds people of a town, and leaves others out with a reason."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from customering.app.deciding import request_for
from customering.app.engine import Engine
from customering.app.home import find, init
from customering.app.journeys import add_journeys
from customering.app.restocking import restock
from customering.decision.model import Considered
from customering.examples.journeys import NAMES, journeys, written
from customering.kernel.clock import MS_PER_DAY, MS_PER_HOUR
from customering.kernel.errors import Absent, Conflict, Invalid, InvalidDefinition
from customering.testing.days import events_of_day
from customering.testing.living import make_home, opened
from customering.testing.world import FIRST_INSTANT_MS, Town

OUT = "not_eligible"


class Seen(NamedTuple):
    """One person: what is known of them, what they have wished for, and what became of actions."""

    values: dict[str, Any]
    actions: dict[str, Considered]


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> list[Seen]:
    """Everybody of a small town, in the morning of day 0, with all journeys added."""
    folder, town = tmp_path_factory.mktemp("town") / "home", Town(3, people=250)
    make_home(folder, town)
    with opened(folder, town) as life:
        life.remember()
    with Engine(find(folder, environment={})) as engine:
        add_journeys(engine, NAMES)
        assert restock(engine, "bread-1") > 0
        assert restock(engine, "bread-1") == 0
    seen = []
    with Engine(find(folder, environment={}, overrides=["decision.control_share=0"])) as engine:
        engine.catch_up()
        request = request_for("mail", "email", 1)
        for person in list(engine.everybody()):
            decision = engine.decide(person.identifiers[0], request)
            actions = {one.action_id: one for one in decision.candidates}
            seen.append(Seen(person.values, actions))
    return seen


def days_ago(instant_ms: float) -> float:
    return (FIRST_INSTANT_MS + 10 * MS_PER_HOUR - instant_ms) / MS_PER_DAY


COMING = {(date(2026, 1, 5) + timedelta(days=ahead)).strftime("%m-%d") for ahead in range(4)}

EXPECTED = {
    "welcome": lambda of: of["orders_total"] == 0 and days_ago(of["first_seen_at"]) <= 14,
    "welcome_first_order": lambda of: (
        of["orders_total"] == 1 and days_ago(of["first_order_at"]) <= 14
    ),
    "abandoned_cart": lambda of: (
        "last_cart_add_at" in of
        and 0.0834 <= days_ago(of["last_cart_add_at"]) <= 5
        and of.get("last_order_at", 0) < of["last_cart_add_at"]
    ),
    "back_in_stock": lambda of: (
        "bread-1" in of.get("wished_products", []) and "bread-1" not in of.get("habits", {})
    ),
    "win_back": lambda of: (
        of["orders_total"] >= 3
        and max(30, 2 * of["mean_gap_days"]) < days_ago(of["last_order_at"]) <= 365
    ),
    "replenishment": lambda of: (
        of["orders_total"] >= 4
        and of["mean_gap_days"] >= max(5, of["sd_gap_days"])
        and 0.9 * of["mean_gap_days"] <= days_ago(of["last_order_at"]) <= 2 * of["mean_gap_days"]
    ),
    "post_purchase_care": lambda of: (
        of["orders_30d"] == 1 and 3 <= days_ago(of["last_order_at"]) <= 10
    ),
    "birthday": lambda of: of["declared"].get("birthday", "")[5:] in COMING,
}


@pytest.mark.parametrize("action_id", EXPECTED)
def test_a_journey_finds_its_people_and_no_others(everybody: list[Seen], action_id: str) -> None:
    inside = [one for one in everybody if one.actions[action_id].lost != OUT]
    outside = [one for one in everybody if one.actions[action_id].lost == OUT]
    assert inside
    assert outside
    assert all(EXPECTED[action_id](one.values) for one in inside)
    assert not any(EXPECTED[action_id](one.values) for one in outside)
    assert outside[0].actions[action_id].words.startswith("It is only for whom this holds: ")


def test_people_are_written_to_by_the_journeys(everybody: list[Seen]) -> None:
    chosen = {one.action_id for seen in everybody for one in seen.actions.values() if one.rank == 1}
    assert {"abandoned_cart", "replenishment", "back_in_stock"} <= chosen


@pytest.fixture
def home(tmp_path: Path) -> Path:
    init(tmp_path / "home")
    return tmp_path / "home"


def add(home: Path, *names: str, **options: Any) -> Any:
    with Engine(find(home, environment={})) as engine:
        return add_journeys(engine, names, **options)


def test_what_is_added_is_text_to_edit(home: Path) -> None:
    added = add(home, "win_back", "abandoned_cart")
    assert [one.actions for one in added] == [("win_back", "win_back_offer"), ("abandoned_cart",)]
    text = (home / "actions.toml").read_text()
    assert text.startswith("# What you may do")
    assert "# Lapses: With a purchase, or a year after the last one." in text
    with Engine(find(home, environment={})) as engine:
        assert [one.channel for one in engine.actions] == ["email"] * 3


@pytest.mark.parametrize(
    ("names", "options", "error"),
    [
        (["nothing"], {}, Absent),
        (["welcome"], {"channel": "pigeon"}, InvalidDefinition),
        (["welcome"], {"channel": "e-mail"}, Invalid),
    ],
)
def test_what_cannot_be_added_leaves_the_home_as_it_was(
    home: Path, names: list[str], options: dict[str, Any], error: type[Exception]
) -> None:
    before = (home / "actions.toml").read_text()
    with pytest.raises(error):
        add(home, "abandoned_cart", *names, **options)
    assert (home / "actions.toml").read_text() == before


def test_nothing_is_added_twice(home: Path) -> None:
    add(home, "welcome")
    with pytest.raises(Conflict, match="welcome"):
        add(home, "welcome")


def test_every_journey_says_when_it_begins_and_lapses() -> None:
    assert [one.name for one in journeys()] == list(NAMES)
    for one in journeys():
        assert one.when.endswith(".")
        assert one.lapses.endswith(".")
        assert "{" not in written(one.name, "push").actions


def test_the_town_has_what_the_journeys_read() -> None:
    names = {
        payload.get("event", payload["type"])
        for day in range(-90, 0, 3)
        for payload in events_of_day(Town(3, people=60), day)
    }
    assert {"Product Added", "Product Added to Wishlist", "Order Completed", "identify"} <= names
