"""Mappings: what is refused with its place, and how converted rows become one payload."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.events.assemble import Row, assemble
from customering.events.mapping_file import read_mapping
from customering.kernel.errors import InvalidDefinition, InvalidExpression

MINIMAL = """
name = "crm"
event = "Visit Booked"
id = ["booking"]
occurred_at = "booked_on"
identifiers.email = "mail"
"""

ORDERS = """
name = "shop/orders"
event = "Order Completed"
group_by = ["order"]
occurred_at = "at"
currency = "EUR"
identifiers.loyalty_card = "card"
properties.order_id = {column = "order", type = "string"}
properties.note = "note"
properties.revenue_minor = {sum = "amount_minor"}
products.product_id = "sku"
products.amount_minor = {column = "amount", unit = "major"}
"""


def row(number=1, *, fault="", line=None, **head):
    fields = {"id": ["1"], "at_ms": 0, "identifiers": {"loyalty_card": "7"}} | head
    return Row(
        number=number,
        fault=fault,
        raw='{"amount":"x"}' if fault else "",
        key="1",
        head="" if fault else json.dumps(fields),
        line=json.dumps(line or {}),
    )


def test_a_minimal_mapping_has_sensible_defaults():
    mapping = read_mapping(MINIMAL)
    assert (mapping.kind, mapping.zone, mapping.source) == ("track", "UTC", "import:crm")
    assert mapping.columns() == {
        "booking": "id",
        "mail": "identifiers.email",
        "booked_on": "occurred_at",
    }


def test_group_by_is_the_identity_unless_another_is_given():
    assert read_mapping(ORDERS).key == ("order",)
    assert read_mapping(ORDERS + "\n").key == ("order",)
    assert read_mapping('id = ["order", "till"]\n' + ORDERS).key == ("order", "till")


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ("currancy = 'EUR'", "currancy"),
        ("properties.total = {colum = 'x'}", "$.properties"),
        ("properties.total = {column = 'x', value = 1}", "properties.total"),
        ("properties.total = {}", "properties.total"),
        ("properties.total = {column = 'x', type = 'decimal'}", "$.properties"),
        ("properties.total = {column = 'x', unit = 'major'}", "properties.total"),
        ("properties.total_minor = {column = 'x', unit = 'major'}", "currency"),
        ("properties.total_minor = {sum = 'amount_minor'}", "properties.total_minor"),
        ("properties.total = {columns = ['x', 'y']}", "properties.total"),
        ("properties.total = {column = 'x', format = '%Y'}", "properties.total"),
        ("properties.when = {column = 'x', type = 'string', unit = 's'}", "properties.when"),
        (
            "properties.when = {column = 'x', type = 'instant', unit = 's', format = '%Y'}",
            "properties.when",
        ),
        ("traits.age = 'age'", "traits"),
        ("file.encoding = 'utf-99'", "file.encoding"),
        ("file.encoding = 'utf-16'", "file.encoding"),
        ("file.delimiter = '||'", "$.file.delimiter"),
        ("where = 'status == 1'", "status"),
        ("where = 'days_since(day) > 1'\nfilter.day = 'day'", "where"),
        ("where = 'open('\nfilter.day = 'day'", "expression"),
        ("joins.items = {file = '', on = {a = 'b'}}", "$.joins"),
        ("joins.items = {file = 'x.csv', on = {}}", "$.joins"),
    ],
)
def test_what_is_misspelt_or_contradicts_itself_is_named(more, place):
    with pytest.raises(InvalidDefinition) as raised:
        read_mapping(MINIMAL + more)
    assert place in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('event = "Visit Booked"', "", "event"),
        ('event = "Visit Booked"', "event = {value = 'x'}", "event"),
        ('id = ["booking"]', "", "id"),
        ('occurred_at = "booked_on"', "", "occurred_at"),
        (
            'occurred_at = "booked_on"',
            "occurred_at = {columns = ['a'], type = 'number'}",
            "occurred",
        ),
        ('occurred_at = "booked_on"', "occurred_at = {value = 'yesterday'}", "occurred_at"),
        ('occurred_at = "booked_on"', "occurred_at = {value = 2017}", "occurred_at"),
        ('identifiers.email = "mail"', "", "identifiers"),
        ('name = "crm"', 'name = "My CRM"', "name"),
        ('name = "crm"', 'name = "crm', "TOML"),
        ('event = "Visit Booked"', 'kind = "identify"\nproperties.age = "age"', "properties"),
        ('event = "Visit Booked"', 'kind = "identify"\nproducts.name = "age"', "products"),
        ('event = "Visit Booked"', 'kind = "alias"', "kind"),
    ],
)
def test_what_a_mapping_needs(old, new, place):
    assert old in MINIMAL
    with pytest.raises(InvalidDefinition, match=place):
        read_mapping(MINIMAL.replace(old, new))


def test_a_condition_may_not_do_more_than_compare():
    with pytest.raises(InvalidExpression):
        read_mapping(MINIMAL + "where = '__import__(\"os\")'\nfilter.day = 'day'")


def test_one_row_becomes_one_payload():
    mapped = assemble(
        read_mapping(MINIMAL),
        [row(event="Visit Booked", properties={"room": 3, "guest": None}, context={"ip": None})],
    )
    payload = mapped.payload
    assert payload.pop("messageId").startswith("imp_")
    assert payload == {
        "type": "track",
        "event": "Visit Booked",
        "timestamp": "1970-01-01T00:00:00.000Z",
        "identifiers": {"loyalty_card": "7"},
        "properties": {"room": 3},
    }


def test_a_page_has_a_name_and_an_identify_has_traits():
    page = read_mapping(MINIMAL.replace('event = "Visit Booked"', 'kind = "page"\nevent = "Home"'))
    payload = assemble(page, [row(event="Home")]).payload
    assert (payload["type"], payload["name"]) == ("page", "Home")
    identify = read_mapping(MINIMAL.replace('event = "Visit Booked"', 'kind = "identify"'))
    payload = assemble(identify, [row(traits={"age": "65+", "income": None})]).payload
    assert payload["traits"] == {"age": "65+"}
    assert "properties" not in payload


def test_the_rows_of_an_order_become_its_lines_and_totals():
    mapped = assemble(
        read_mapping(ORDERS),
        [
            row(3, line={"product_id": "a", "amount_minor": 150}, properties={"note": None}),
            row(4, line={"product_id": "b", "amount_minor": None}, properties={"note": "gift"}),
            row(9, line={"product_id": "null", "amount_minor": -50}, at_ms=1_000),
        ],
    )
    assert (mapped.number, mapped.rows, mapped.reason) == (3, 3, "")
    assert mapped.payload["timestamp"] == "1970-01-01T00:00:01.000Z"
    assert mapped.payload["properties"] == {
        "note": "gift",
        "products": [
            {"product_id": "a", "amount_minor": 150},
            {"product_id": "b"},
            {"product_id": "null", "amount_minor": -50},
        ],
        "revenue_minor": 100,
        "currency": "EUR",
    }


def test_one_bad_row_sets_the_whole_order_aside():
    mapped = assemble(
        read_mapping(ORDERS), [row(3), row(4, fault="column amount does not hold money"), row(5)]
    )
    assert mapped.payload is None
    assert (mapped.number, mapped.rows) == (4, 3)
    assert mapped.reason == "column amount does not hold money; the event's 3 rows are left out"
    assert mapped.raw == [{"amount": "x"}]


def test_rows_of_one_order_that_name_two_people_are_set_aside():
    mapped = assemble(read_mapping(ORDERS), [row(1), row(2, identifiers={"loyalty_card": "8"})])
    assert mapped.payload is None
    assert "same person" in mapped.reason


def test_a_row_that_names_nobody_is_set_aside():
    mapped = assemble(read_mapping(ORDERS), [row(1, identifiers={"loyalty_card": None})])
    assert mapped.payload is None
    assert mapped.reason == "it names nobody: card is missing"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(), min_size=1, max_size=4), st.lists(st.text(), min_size=1, max_size=4))
def test_event_ids_are_equal_exactly_when_the_identities_are(left, right):
    mapping = read_mapping(MINIMAL)
    ids = [assemble(mapping, [row(id=parts)]).payload["messageId"] for parts in (left, right, left)]
    assert ids[0] == ids[2]
    assert (ids[0] == ids[1]) == ("\x1f".join(left) == "\x1f".join(right))


def test_another_mapping_gives_other_ids():
    one, other = read_mapping(MINIMAL), read_mapping(MINIMAL.replace('"crm"', '"crm2"'))
    assert (
        assemble(one, [row()]).payload["messageId"] != assemble(other, [row()]).payload["messageId"]
    )
