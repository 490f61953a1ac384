"""Where a person is named: mentions are found, and what means something else is left alone."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.app.erasing_match import MARK, Naming, is_telling
from customering.events.model import IDENTIFIERS_JOINED, Event
from customering.identity.rules import IdentityRules
from customering.kernel.ids import Identifier
from customering.kernel.records import to_json

MAIL, PHONE = Identifier("email:ada@example.org"), Identifier("phone:+4930901820")
SHORT, NUMBER = Identifier("user_id:ada"), Identifier("loyalty_card:10293847")
NAMING = Naming([MAIL, PHONE, SHORT, NUMBER], IdentityRules())
BEN = Identifier("user_id:ben")


def event(*identifiers: Identifier, name: str = "Seen", **properties: Any) -> Event:
    return Event(
        event_id="e",
        kind="track",
        name=name,
        identifiers=identifiers,
        occurred_at=1,
        recorded_at=1,
        properties=properties,
    )


@pytest.mark.parametrize(
    ("value", "mended"),
    [
        ({"note": "for ada@example.org, soon"}, {"note": f"for {MARK}, soon"}),
        ({"note": "Met ADA@Example.Org."}, {"note": f"Met {MARK}."}),
        ({"url": "/?m=ada%40example.org&x=1"}, {"url": f"/?m={MARK}&x=1"}),
        ({"ada@example.org": 1}, {MARK: 1}),
        ({"who": ["user_id:ada", "user_id:ben"]}, {"who": [MARK, "user_id:ben"]}),
        ({"friend_user_id": "ada"}, {"friend_user_id": MARK}),
        ({"userId": "ada", "userid": "ada"}, {"userId": MARK, "userid": MARK}),
        ({"loyaltyCard": 10293847}, {"loyaltyCard": MARK}),
        ({"call": "+4930901820"}, {"call": MARK}),
    ],
)
def test_a_mention_is_blotted_out(value: Any, mended: Any) -> None:
    assert NAMING.lines_in(to_json(value))
    assert NAMING.mended(value) == mended
    assert NAMING.is_named_in(to_json(value))


@pytest.mark.parametrize(
    "value",
    [
        {"from": "lovelace.ada@example.org", "to": "ada@example.org.uk", "x": "nada@example.org"},
        {"id": "user_id:ada-lovelace", "other": "superuser_id:adam"},
        {"name": "ada", "product": "ada"},
        {"product_id": 10293847, "price": 10293847, "sku": "10293847"},
        {"user_id": "adam", "flag": True, "share": 0.5, "none": None},
    ],
)
def test_what_means_somebody_or_something_else_is_left_alone(value: Any) -> None:
    assert NAMING.mended(value) == value
    assert not NAMING.is_named_in(to_json(value))


def test_an_event_goes_with_its_anchor_and_stays_with_somebody_elses() -> None:
    assert NAMING.judged(event(SHORT)) is None
    assert NAMING.judged(event(SHORT, Identifier("device:till"))) is None
    assert NAMING.judged(event(BEN, MAIL, name=IDENTIFIERS_JOINED)) is None
    kept = NAMING.judged(event(BEN, MAIL))
    assert kept is not None
    assert kept.identifiers == (BEN,)
    same = event(BEN, text="nothing")
    assert NAMING.judged(same) is same


@pytest.mark.parametrize(
    ("value", "telling"),
    [
        ("ada@example.org", True),
        ("+4930901820", True),
        ("a1b2c3d4", True),
        ("10293847", False),
        ("grandmother", False),
        ("a@b.c", False),
    ],
)
def test_a_value_tells_when_it_can_mean_nothing_else(value: str, telling: bool) -> None:
    assert is_telling(value) is telling


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("ada@example.org"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=6) | st.just("user_id"), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(PLAIN)
@settings(max_examples=150, deadline=None)
def test_what_was_mended_names_nobody_and_what_is_not_searched_was_not_named(value: Any) -> None:
    mended = NAMING.mended(value)
    assert NAMING.mended(mended) == mended
    if not NAMING.lines_in(to_json(value)):
        assert mended == value
