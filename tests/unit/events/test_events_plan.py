from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.events.commerce import shipped_plan, tracking_plan
from customering.events.model import Event, Kind
from customering.events.plan import TrackingPlan
from customering.events.plan_file import merge_plans, parse_plan
from customering.kernel.errors import InvalidDefinition

OWN = """
[defaults]
unknown_events = "quarantine"

[events."Order Completed".fields]
shop = { type = "string", required = true, allowed = ["a", "b"] }
coupon = { type = "any" }

[events."Tasting Joined"]
description = "Somebody tasted wine."
purpose = "events"
like = ["product"]
fields = { guests = { type = "integer", unit = "people" } }

[traits]
age = { type = "integer", unit = "years", personal = true }
"""


def event(name: str, kind: Kind = "track", **properties: Any) -> Event:
    return Event(
        event_id="m1",
        kind=kind,
        name=name,
        identifiers=("user_id:1",),  # type: ignore[arg-type]
        occurred_at=0,
        recorded_at=0,
        properties=properties,
    )


def violations(plan: TrackingPlan, checked: Event) -> dict[str, str]:
    return {violation.path: violation.reason for violation in plan.check(checked)}


PLAN = tracking_plan()


def conformed(name: str, **properties: Any) -> dict[str, Any]:
    result, found = PLAN.conform(event(name, **properties), "USD")
    assert found == []
    return result


def test_money_gets_minor_units_beside_what_was_sent() -> None:
    sent = {"order_id": 7, "revenue": 39.95, "tax": "1.10", "total": None, "coupon": "X"}
    assert conformed("Order Completed", **sent) == sent | {
        "order_id": "7",
        "revenue_minor": 3995,
        "tax_minor": 110,
        "currency": "USD",
    }


def test_the_currency_of_the_event_counts() -> None:
    assert conformed("Order Completed", revenue="1200", currency="jpy") == {
        "revenue": "1200",
        "revenue_minor": 1200,
        "currency": "JPY",
    }
    bad = event("Order Completed", revenue=1, currency="Euro")
    assert violations(PLAN, bad) == {"properties.currency": "is not a currency of ISO 4217"}
    assert violations(PLAN, event("Anything", currency="Euro")) == {}
    assert violations(PLAN, event("Anything", products=[], currency="Euro"))


def test_lines_get_amounts() -> None:
    lines = [
        {"product_id": "a", "price": "2.50", "quantity": "3"},
        {"product_id": "b", "price": 1.99, "quantity": 0.5},
        {"product_id": "c", "price": 4},
        {"product_id": "d", "price": 4, "quantity": 2, "amount": 7},
        {"product_id": "e", "price_minor": 100, "quantity": 2},
        {"product_id": "f", "amount_minor": 5, "price_minor": 100},
        {"product_id": "g"},
    ]
    result = conformed("Store Purchase Completed", products=lines)
    amounts = [line.get("amount_minor") for line in result["products"]]
    assert amounts == [750, 100, 400, 700, 200, 5, None]
    assert result["products"][0]["quantity"] == 3
    assert result["products"][6] is lines[6]
    assert result["currency"] == "USD"
    assert "amount_minor" not in lines[0]


def test_an_event_that_is_itself_the_line_gets_an_amount() -> None:
    assert conformed("Product Added", product_id="a", price=2, quantity=3)["amount_minor"] == 600
    assert "amount_minor" not in conformed("Order Completed", price=2, quantity=3)
    # Unknown events too, and they are otherwise untouched.
    assert conformed("Wine Tasted", product_id="a", price=2, mood="good") == {
        "product_id": "a",
        "price": 2,
        "mood": "good",
        "price_minor": 200,
        "amount_minor": 200,
        "currency": "USD",
    }


def test_unknown_events_are_never_refused_for_their_fields() -> None:
    sent = {"price": "free", "value": True, "products": [{"price": "x"}, 3], "quantity": []}
    unknown = event("Wine Tasted", **sent)
    assert PLAN.conform(unknown, "USD") == (sent, [])
    assert PLAN.conform(event("Wine Tasted", products="none"), "USD")[1] == []


def test_minor_units_of_the_sender_win_and_must_be_whole() -> None:
    assert conformed("Order Completed", revenue=1.5, revenue_minor=149)["revenue_minor"] == 149
    assert violations(PLAN, event("Order Completed", revenue_minor=1.5))
    assert violations(PLAN, event("Anything", revenue_minor="much"))


def test_a_field_of_the_plan_is_not_money_because_of_its_name() -> None:
    assert conformed("Device Reading", metric="°C", value=21.5) == {"metric": "°C", "value": 21.5}


@pytest.mark.parametrize(
    ("name", "field", "value", "expected"),
    [
        ("Checkout Step Viewed", "step", "2", 2),
        ("Checkout Step Viewed", "step", 2.0, 2),
        ("Checkout Step Viewed", "step", "-2", -2),
        ("Product Viewed", "product_id", 12, "12"),
        ("Product Viewed", "product_id", 12.0, "12"),
        ("Product Reviewed", "rating", "4.5", 4.5),
        ("Product Reviewed", "rating", 4.0, 4),
        ("Appointment Booked", "starts_at", "2024-05-01T10:00", "2024-05-01T10:00"),
        ("Appointment Booked", "starts_at", 1_714_564_800_000, 1_714_564_800_000),
        ("Call Started", "direction", "inbound", "inbound"),
        ("Survey Answered", "answer", ["a"], ["a"]),
        ("Product List Viewed", "products", None, None),
    ],
)
def test_values_take_the_type_of_the_plan(name: str, field: str, value: Any, expected: Any) -> None:
    result = conformed(name, **{field: value})[field]
    assert (result, type(result)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("name", "field", "value", "path"),
    [
        ("Checkout Step Viewed", "step", "two", "step"),
        ("Checkout Step Viewed", "step", 2.5, "step"),
        ("Checkout Step Viewed", "step", True, "step"),
        ("Checkout Step Viewed", "step", 2**63, "step"),
        ("Checkout Step Viewed", "step", "9" * 30, "step"),
        ("Product Viewed", "product_id", ["a"], "product_id"),
        ("Product Viewed", "product_id", 1.5, "product_id"),
        ("Product Viewed", "product_id", True, "product_id"),
        ("Product Reviewed", "rating", "nan", "rating"),
        ("Product Reviewed", "rating", float("inf"), "rating"),
        ("Product Reviewed", "rating", "1_0.5", "rating"),
        ("Product Reviewed", "rating", "good", "rating"),
        ("Product Reviewed", "rating", 2**64, "rating"),
        ("Appointment Booked", "starts_at", "soon", "starts_at"),
        ("Appointment Booked", "starts_at", 5, "starts_at"),
        ("Call Started", "direction", "sideways", "direction"),
        ("Call Started", "direction", 7, "direction"),
        ("Order Completed", "revenue", "much", "revenue"),
        ("Order Completed", "revenue", True, "revenue"),
        ("Order Completed", "revenue", [], "revenue"),
        ("Order Completed", "revenue", 1e300, "revenue"),
        ("Order Completed", "products", {"a": 1}, "products"),
        ("Order Completed", "products", [{}, 3], "products[1]"),
        ("Order Completed", "products", [{}, {"price": "x"}], "products[1].price"),
        ("Order Completed", "products", [{"price": 9e13, "quantity": 9e9}], "products[0].quantity"),
        ("Product List Filtered", "filters", "x", "filters"),
        ("Products Searched", "query", None, "query"),
    ],
)
def test_violations_name_their_place(name: str, field: str, value: Any, path: str) -> None:
    assert list(violations(PLAN, event(name, **{field: value}))) == [f"properties.{path}"]


def test_what_is_required() -> None:
    assert list(violations(PLAN, event("Products Searched"))) == ["properties.query"]
    assert list(violations(PLAN, event("Order Refunded", order_id=""))) == ["properties.order_id"]


def test_the_operators_plan_wins_field_by_field() -> None:
    plan = tracking_plan(parse_plan(OWN))
    assert violations(plan, event("Order Completed", shop="a", coupon=[1], revenue=1)) == {}
    assert violations(plan, event("Order Completed", shop="c", revenue="x")) == {
        "properties.shop": "is none of the values allowed",
        "properties.revenue": "is not an amount of money",
    }
    assert violations(plan, event("Order Completed")) == {"properties.shop": "is missing"}
    assert violations(plan, event("Wine Tasted")) == {"event": "is not in the tracking plan"}
    assert violations(plan, event("Tasting Joined", guests=2, price=3)) == {}
    assert violations(plan, event("", "identify", age="old")) == {
        "traits.age": "is not a whole number of 64 bits"
    }
    assert violations(plan, event("Home", "page", age="old")) == {}
    assert (plan.purpose("Tasting Joined"), plan.purpose("Order Completed")) == (
        "events",
        "personalisation",
    )
    assert plan.fields("Tasting Joined")["guests"].unit == "people"
    assert plan.fields("Tasting Joined")["brand"].type == "string"
    assert plan.fields("Nothing") == {}
    shipped = tracking_plan()
    assert violations(shipped, event("Order Completed", coupon=[1]))


def test_merging_with_nothing_changes_nothing() -> None:
    assert merge_plans(shipped_plan(), parse_plan("")) == shipped_plan()
    assert merge_plans(parse_plan(""), shipped_plan()) == shipped_plan()


def test_objects_records_and_booleans() -> None:
    plan = TrackingPlan(
        parse_plan(
            """
            [records.seat.fields]
            row = { type = "integer", required = true }
            aisle = { type = "boolean" }
            [events.Sat.fields]
            seat = { type = "object", of = "seat" }
            note = { type = "object" }
            """
        )
    )
    assert plan.conform(event("Sat", seat={"row": "3", "aisle": "TRUE"}), "USD") == (
        {"seat": {"row": 3, "aisle": True}},
        [],
    )
    assert list(violations(plan, event("Sat", seat={}))) == ["properties.seat.row"]
    assert list(violations(plan, event("Sat", seat=1, note=[]))) == [
        "properties.seat",
        "properties.note",
    ]
    assert list(violations(plan, event("Sat", seat={"row": 1, "aisle": "maybe"}))) == [
        "properties.seat.aisle"
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[events", "TOML"),
        ('[events.X.fields]\na = { typ = "string" }', "typ"),
        ('[events.X.fields]\na = { type = "text" }', "type"),
        ("[event.X]", "event"),
        ('[defaults]\nunknown_events = "drop"', "unknown_events"),
    ],
)
def test_a_plan_that_cannot_be_read_says_where(text: str, says: str) -> None:
    with pytest.raises(InvalidDefinition, match=says) as caught:
        parse_plan(text, file="plan.toml")
    assert caught.value.facts["file"] == "plan.toml"


@pytest.mark.parametrize(
    "text",
    [
        '[events.X]\nlike = ["nothing"]',
        '[events.X.fields]\na = { type = "list", of = "nothing" }',
        '[records.a.fields]\nb = { type = "object", of = "b" }\n'
        '[records.b.fields]\na = { type = "list", of = "a" }',
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(text: str) -> None:
    with pytest.raises(InvalidDefinition):
        TrackingPlan(parse_plan(text))


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["price", "quantity", "product_id", "x"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@given(
    name=st.sampled_from([*shipped_plan().events, "Unknown"]),
    properties=st.dictionaries(
        st.sampled_from(
            [
                *("products", "price", "quantity", "revenue", "revenue_minor", "currency"),
                *("order_id", "product_id", "value", "direction", "starts_at", "query"),
            ]
        ),
        _VALUES,
        max_size=6,
    ),
)
@settings(max_examples=200, deadline=None)
def test_conforming_never_raises_and_is_done_once(name: str, properties: dict[str, Any]) -> None:
    before = repr(properties)
    result, found = PLAN.conform(event(name, **properties), "EUR")
    assert repr(properties) == before
    if not found:
        again, found_again = PLAN.conform(event(name, **result), "EUR")
        assert found_again == []
        assert again is result or repr(again) == repr(result)


def test_every_shipped_event_and_field_is_described() -> None:
    plan = shipped_plan()
    assert len(plan.events) >= 40
    for name, definition in plan.events.items():
        assert definition.description.endswith("."), name
        assert all(field.description for field in PLAN.fields(name).values()), name


def test_a_known_shape_hides_no_value_that_must_be_read() -> None:
    plan = tracking_plan()
    line = {"product_id": "p", "quantity": 2, "amount_minor": 5}
    good = event("Order Completed", products=[line] * 3)
    for _ in range(2):  # the second time the shape of the line is known
        properties, violations = plan.conform(good, "EUR")
        assert not violations
        assert properties["products"] is good.properties["products"]
    too_large = event("Order Completed", products=[line, line | {"quantity": 2**63}])
    assert [violation.path for violation in plan.check(too_large)] == [
        "properties.products[1].quantity"
    ]
    unlike = event("Order Completed", products=[line, line | {"amount_minor": None, "price": 3}])
    properties, _ = plan.conform(unlike, "EUR")
    assert properties["products"][1]["amount_minor"] == 600
    assert properties["products"][0] is line


def test_a_required_text_of_a_known_shape_may_not_be_empty() -> None:
    plan = tracking_plan()
    assert not plan.check(event("Products Searched", query="tea"))
    assert plan.check(event("Products Searched", query=""))


def test_shapes_that_senders_make_up_are_forgotten() -> None:
    plan = tracking_plan()
    for number in range(3_000):
        unknown = event("Order Completed", products=[{f"field_{number}": 1, "quantity": 1}])
        assert not plan.check(unknown)
    assert plan.check(event("Order Completed", products=[{"field_1": 1, "quantity": "many"}]))
