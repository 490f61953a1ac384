"""What a person says they look for stops what would follow them, until it ends."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.app.purchases import Item
from customering.app.wanting import outranked_by
from customering.decision.model import Action, Decision, DecisionRequest
from customering.events.model import CONSENT_UPDATED, FACT_CORRECTED
from customering.kernel.clock import MS_PER_DAY, format_instant, parse_instant
from customering.kernel.ids import Identifier
from customering.taste.intents import Intent
from town import OpenShop, order

NOW = parse_instant("2026-06-01T12:00:00Z")
ITEMS = {
    "b1": Item("b1", title="City bicycle, blue", category="sports"),
    "b2": Item("b2", title="Racing bicycle", category="sports"),
    "m1": Item("m1", title="Milk", category="dairy"),
    "n1": Item("n1"),
}
CATEGORIES = ("sports", "dairy", "toys")
WORDS = ("a bicycle", "fresh milk", "a present", "bicycle lamp")
products = st.lists(st.sampled_from([*ITEMS, "unknown"]), max_size=3)


class Kept:
    """Stands for a person's trait values: the products of the cart and those looked at."""

    def __init__(self, cart: list[str], views: list[str]) -> None:
        self._of = {"cart_products": cart, "last_viewed_products": views}

    def observed(self, name: str) -> Any:
        return self._of[name] or None


def intent(number: int = 0, **told: Any) -> Intent:
    letters = "abcdefgh"[number] * 16
    usual: dict[str, Any] = {"what": "a bicycle", "cast_at": 0, "expires_at": NOW + 1}
    return Intent(intent_id=f"int_{letters}", **usual | told)


def declared(*intents: Intent) -> dict[str, Any]:
    return {f"intent:{one.intent_id}": msgspec.to_builtins(one) for one in intents}


def reminder(of: str, **told: Any) -> Action:
    usual: dict[str, Any] = {"action_id": of, "kind": "ask_question", "title": "Still there?"}
    return Action(reminds_of=of, **usual | told)  # type: ignore[arg-type]


def outranked(
    intents: tuple[Intent, ...], *actions: Action, cart: Any = (), views: Any = ()
) -> Any:
    kept: Any = Kept(list(cart), list(views))
    return outranked_by(declared(*intents), actions, kept, ITEMS, NOW)


@pytest.mark.parametrize(
    ("action", "cart", "views", "yields"),
    [
        (reminder("cart"), ["b1"], [], True),
        (reminder("cart"), ["m1"], [], False),
        (reminder("cart"), ["m1", "b2"], [], True),
        (reminder("cart"), ["m1"], ["b1"], False),
        (reminder("views"), ["m1"], ["b1"], True),
        # What cannot be told might be just that.
        (reminder("cart"), [], [], True),
        (reminder("cart"), ["unknown"], [], True),
        (reminder("own"), ["m1"], ["m1"], True),
        (reminder("own", products=("m1",)), ["b1"], ["b1"], False),
        (reminder("own", products=("b2",)), [], [], True),
        (reminder("own", categories=("dairy",)), [], [], False),
        (reminder("own", categories=("dairy",), title="Your bicycle waits"), [], [], True),
    ],
)
def test_a_reminder_yields_where_the_wish_fits_what_it_reminds_of(
    action: Action, cart: list[str], views: list[str], yields: bool
) -> None:
    assert outranked((intent(),), action, cart=cart, views=views) == (
        {action.action_id} if yields else set()
    )


def test_a_wish_of_a_category_reaches_all_of_it() -> None:
    wish = intent(what="something for the trip", category="Sports")
    assert outranked((wish,), reminder("cart"), cart=["b2"]) == {"cart"}
    assert outranked((wish,), reminder("cart"), cart=["m1"]) == set()


def test_it_dies_at_its_end_and_when_it_is_taken_back() -> None:
    ended = intent(expires_at=NOW)
    assert outranked((ended,), reminder("cart"), cart=["b1"]) == set()
    assert outranked((), reminder("cart"), cart=["b1"]) == set()


intents = st.lists(
    st.builds(
        lambda number, what, category, ends: intent(
            number, what=what, category=category, expires_at=NOW + ends
        ),
        st.integers(0, 7),
        st.sampled_from(WORDS),
        st.sampled_from(["", *CATEGORIES]),
        st.integers(-1, 1),
    ),
    max_size=3,
    unique_by=lambda one: one.intent_id,
)
reminders = st.builds(
    lambda of, named, categories: reminder(of, products=named, categories=categories),
    st.sampled_from(["cart", "views", "own"]),
    products.map(tuple),
    st.lists(st.sampled_from(CATEGORIES), max_size=2).map(tuple),
)


@settings(max_examples=200, deadline=None)
@given(intents, reminders, products, products)
def test_what_is_left_reminds_of_nothing_that_is_wished_for(
    said: list[Intent], action: Action, cart: list[str], views: list[str]
) -> None:
    found = outranked(tuple(said), action, cart=cart, views=views)
    live = [one for one in said if one.expires_at > NOW]
    if not live:
        assert not found
    named = {"cart": cart, "views": views, "own": action.products}[action.reminds_of]
    about = [ITEMS[product] for product in named if product in ITEMS]
    fits = any(wish.fits(item.category, item.words) for wish in live for item in about)
    if fits:
        assert found
    if found:
        blind = len(about) < len(named) or not (named or action.categories)
        of_own = action.reminds_of == "own" and action.categories
        assert fits or blind or of_own or not named


# Through a whole home

ACTIONS = """
[[action]]
action_id = "left_in_cart"
kind = "ask_question"
title = "Can we help with what is in your cart?"
purpose = "marketing.email"
channel = "email"
placements = ["mail"]
reminds_of = "cart"
value_minor = 90000
base_propensity = 0.9

[[action]]
action_id = "news"
kind = "send_message"
title = "News"
purpose = "marketing.email"
channel = "email"
placements = ["mail"]
value_minor = 60000
base_propensity = 0.5
"""
MAIL = DecisionRequest(placement="mail", purpose="marketing.email", channel="email", slots=1)
ADA = Identifier("user_id:ada")


def test_a_live_wish_stops_the_reminder_of_the_cart_until_it_ends(open_shop: OpenShop) -> None:
    shop = open_shop(
        present="2026-06-01T12:00:00Z",
        overrides=("decision.control_share=0", "decision.exploration_share=0", "decision.caps=[]"),
    )
    (shop.home.folder / "actions.toml").write_text(ACTIONS)
    added: Any = order({"userId": "ada"}, 90, "b1") | {
        "event": "Product Added", "properties": {"product_id": "b1"}, "messageId": "added",
        "timestamp": format_instant(NOW - 3 * 3_600_000),
    }  # fmt: skip
    shop.ingest([order({"userId": "ada"}, 0, "m1"), added])
    allowed = {"purposes": {"marketing.email": "allow"}}
    shop.note(CONSENT_UPDATED, [ADA], allowed)

    def ask() -> Decision:
        person = shop.people.read(ADA, now_ms=shop.present)
        glance = shop.people.glance(
            person.person_id, person.identifiers, [person.state], shop.present
        )
        return shop.deciding.decide(glance, MAIL, shop.present)

    def say(fact: Any) -> None:
        wish = intent(0, expires_at=NOW + MS_PER_DAY)
        name = f"intent:{wish.intent_id}"
        facts = {name: declared(wish)[name] if fact else None}
        shop.note(FACT_CORRECTED, [ADA], {"facts": facts})

    assert ask().chosen == ("left_in_cart",)
    say(True)  # we need no permission to answer it, to stop what follows the person
    made = ask()
    assert made.chosen == ("news",)
    lost = next(one for one in made.candidates if one.action_id == "left_in_cart")
    assert lost.lost == "outranked"
    assert lost.words == "You told us what you look for, so we do not remind you of it."
    say(False)
    assert ask().chosen == ("left_in_cart",)
