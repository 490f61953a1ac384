"""Compiled traits: which states are kept, and what each event does."""

from typing import Any

import msgspec
import pytest

from customering.aggregates.registry import build
from customering.events.model import Event
from customering.kernel.errors import InvalidDefinition
from customering.kernel.ids import Identifier
from customering.profile.days import Days
from customering.profile.definitions import read_traits, shipped_traits
from customering.profile.fold import fold_events, values
from customering.profile.traits import CONSENT, DECLARED, FIRST_SUM, TraitSet

DAY_MS = 86_400_000
BASE = 'purpose = "p"\nwords = "w"\n'


def trait_set(*texts: str) -> TraitSet:
    parts = [
        f'[[trait]]\nname = "trait_{number}"\n{BASE if "purpose" not in text else ""}{text}\n'
        for number, text in enumerate(texts)
    ]
    return TraitSet(read_traits("".join(parts), file="x.toml"))


def event(name: str = "Order Completed", day: float = 0, kind: Any = "track", **rest: Any) -> Event:
    at_ms = int(day * DAY_MS)
    given: dict[str, Any] = {"recorded_at": at_ms, **rest}
    return Event(
        event_id="e", kind=kind, name=name, identifiers=(Identifier("user_id:1"),),
        occurred_at=at_ms, **given,
    )  # fmt: skip


def worth(traits: TraitSet, *events: Event, day: float = 400) -> list[Any]:
    found = values(traits, fold_events(traits, events), int(day * DAY_MS))
    return [found.get(name) for name in traits.traits]


def test_windows_of_one_source_share_the_longest() -> None:
    traits = trait_set(*(f'aggregate = "count"\nwindow_days = {d}' for d in (7, 30, 14)))
    assert len(traits.slots) == 1
    assert traits.slots[0].aggregate == build("count", window_days=30)
    assert worth(traits, event(day=0), event(day=20), event(day=28), day=29) == [1, 3, 2]


@pytest.mark.parametrize(
    "other",
    [
        'aggregate = "sum"',
        'aggregate = "count"\nevents = ["A"]',
        'aggregate = "count"\nkind = "page"',
        'aggregate = "count"\nwhere = "store_id == channel"',
        'aggregate = "count"\neach = "products"',
        'aggregate = "count"\nfield = "store_id"',
        'aggregate = "count"\nweight = "revenue_minor"',
        'aggregate = "count"\npurpose = "another"\nwords = "w"',
    ],
)
def test_what_differs_in_its_inputs_or_purpose_is_kept_apart(other: str) -> None:
    assert len(trait_set('aggregate = "count"', other).slots) == 2


def test_the_fingerprint_follows_what_is_kept() -> None:
    short, long = 'aggregate = "count"\nwindow_days = 7', 'aggregate = "count"\nwindow_days = 30'
    assert trait_set(short, long).fingerprint == trait_set(long, short).fingerprint
    assert trait_set(short).fingerprint != trait_set(long).fingerprint
    assert trait_set(long + '\nunit = "x"').fingerprint == trait_set(long).fingerprint


def test_named_events_are_tracked_ones() -> None:
    traits = trait_set('aggregate = "count"\nevents = ["Home"]', 'aggregate = "count"')
    home, page = event("Home"), event("Home", kind="page")
    assert worth(traits, home, page, page) == [1, 3]
    assert traits.program("page", "Home").slots == {FIRST_SUM + 1}
    assert traits.program("identify", "").slots == {DECLARED, FIRST_SUM + 1}
    assert traits.program("track", "Fact Corrected").slots == {DECLARED, FIRST_SUM + 1}
    assert traits.program("track", "Consent Updated").slots == {CONSENT, FIRST_SUM + 1}


def test_the_first_field_that_is_there_counts() -> None:
    traits = trait_set('aggregate = "sum"\nfield = ["revenue_minor", "properties.total_minor", 5]')
    given = ({"revenue_minor": 1, "total_minor": 10}, {"total_minor": 100}, {"revenue_minor": 0.5})
    assert worth(traits, *(event(properties=each) for each in given)) == [106]


def test_a_value_may_be_calculated() -> None:
    traits = trait_set(
        'aggregate = "sum"\ncalculated = "number(properties.a) * 2 + days_since(occurred_at)"',
        "aggregate = \"last\"\ncalculated = \"first(text(properties.b), when(name == 'X', 'x'))\"",
    )
    seen = [
        event("X", properties={"a": "1.5"}, recorded_at=DAY_MS),
        event("Y", day=2, properties={"a": True, "b": "told"}),
    ]
    assert worth(traits, *seen) == [4.0, "told"]
    assert worth(traits, seen[0]) == [4.0, "x"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('calculated = "number(properties.a)"\nfield = "store_id"', "in the place of field"),
        ('calculated = "number(quantity)"\neach = "products"', "product lines"),
        ('calculated = "properties.a"', "a number or a text"),
        ('calculated = "properties.a > 1"', "a number or a text"),
        ('calculated = "number(proprties.a)"', "proprties"),
    ],
)
def test_what_cannot_be_calculated_is_refused(text: str, named: str) -> None:
    with pytest.raises(InvalidDefinition, match="trait_0, calculated: ") as caught:
        trait_set(f'aggregate = "sum"\n{text}')
    assert named in caught.value.message


def test_product_lines_are_inputs_of_their_own() -> None:
    traits = trait_set(
        'aggregate = "top_k"\neach = "products"\nfield = "name"\nweight = ["quantity", 1]\n'
        'parameters = { k = 2 }\nwhere = \'category != "toy" and store_id == "s"\''
    )
    lines = [
        {"name": "wine", "category": "drink", "quantity": 3},
        {"name": "bear", "category": "toy", "quantity": 9},
        {"name": "tea", "category": "drink"},
        "no line",
    ]
    order = event(properties={"products": lines, "store_id": "s"})
    elsewhere = event(properties={"products": lines, "store_id": "t"})
    alone = event("Product Viewed", properties={**lines[0], "product_id": "w", "store_id": "s"})  # type: ignore[dict-item]
    assert worth(traits, order, elsewhere, alone) == [[["wine", 6], ["tea", 1]]]


def test_parts_of_an_instant() -> None:
    traits = trait_set(*(f'aggregate = "last"\nfield = "{f}"' for f in ("day", "weekday", "hour")))
    assert worth(traits, event(day=4.5)) == [4, 1, 12]
    assert worth(traits, event(day=-0.5)) == [-1, 3, 12]


def test_values_of_the_wrong_type_do_not_count() -> None:
    traits = trait_set(
        'aggregate = "sum"\nfield = "properties.x"\ntype = "number"',
        'aggregate = "sum"\nfield = "properties.x"\ntype = "integer"',
        'aggregate = "last"\nfield = "properties.x"',
    )
    given = (2, 2.5, True, "7", None, [1], 2**70)
    found = worth(traits, *(event(properties={"x": each}) for each in given))
    assert found == [4.5 + float(2**70), 2, "7"]


def test_nothing_seen_counts_zero_and_lists_nothing() -> None:
    traits = trait_set('aggregate = "count"', 'aggregate = "days"', 'aggregate = "mean"')
    assert worth(traits) == [0, None, None]


def test_names_from_outside_do_not_fill_the_memory() -> None:
    traits = TraitSet(shipped_traits())
    for number in range(5_000):
        traits.program("track", f"invented {number}")
    assert len(traits._programs) <= 4_096


def test_a_state_of_other_traits_is_refused() -> None:
    one, two = (
        trait_set('aggregate = "count"'),
        trait_set('aggregate = "count"', 'aggregate = "sum"'),
    )
    with pytest.raises(msgspec.ValidationError):
        two.decode(one.encode(one.zero()))
    with pytest.raises(msgspec.ValidationError):
        one.decode('[null,null,"many"]')


def test_a_mask_has_a_bit_for_each_purpose() -> None:
    traits = TraitSet(shipped_traits())
    assert traits.mask_of(["nobody knows it"]) == 0
    masks = [traits.mask_of([purpose]) for purpose in traits.purposes]
    assert sum(masks) == traits.mask_of(traits.purposes)


def test_days_share_the_state_of_a_rhythm() -> None:
    days, rhythm = Days(3), build("rhythm", statistic="days_active", last=3)
    assert days.slot_key == rhythm.slot_key
    state = days.zero()
    for day in (5, 1, 5, 9, 7):
        state = days.step(state, 1, 1, day * DAY_MS)
    assert days.finish(state, 0) == [5, 7, 9]
    assert days.finish(days.merge(state, [8]), 0) == [7, 8, 9]
