"""Laws of the fold: order does not matter, splitting does not matter, packing changes nothing."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from customering.events.model import Event, products_of
from customering.profile.definitions import shipped_traits
from customering.profile.fields import type_of
from customering.profile.fold import finish, fold_event, fold_events, merge_states, values
from customering.profile.model import State, TraitDefinition
from customering.profile.traits import CONSENT, DECLARED, EVERYTHING, FIRST_SUM, TraitSet

DAY_MS = 86_400_000
START_MS = 19_700 * DAY_MS
NOW_MS = START_MS + 45 * DAY_MS
TRAITS = TraitSet(shipped_traits())
NAMES = sorted({name for trait in shipped_traits() for name in trait.events})

words = st.sampled_from(["a", "b", "c", "é"])
lines = st.fixed_dictionaries(
    {},
    optional={
        "product_id": words,
        "category": words,
        "brand": words,
        "quantity": st.integers(1, 3),
        "discount_minor": st.integers(0, 50),
    },
)
orders = st.fixed_dictionaries(
    {},
    optional={
        "products": st.lists(lines, max_size=3),
        "product_id": words,
        "revenue_minor": st.integers(0, 10_000),
        "store_id": words,
        "query": words,
    },
)
facts = st.dictionaries(words, st.none() | words | st.integers(0, 2), max_size=2)
choices = st.dictionaries(st.sampled_from(["ads", "marketing"]), st.sampled_from(["allow", "deny"]))
shapes = st.one_of(
    st.tuples(st.just("track"), st.sampled_from(NAMES), orders),
    st.tuples(st.just("page"), words, st.just({})),
    st.tuples(st.just("identify"), st.just(""), facts),
    st.tuples(st.just("track"), st.just("Fact Corrected"), st.builds(dict, facts=facts)),
    st.tuples(st.just("track"), st.just("Consent Updated"), st.builds(dict, purposes=choices)),
)


@st.composite
def events(draw: st.DrawFn) -> Event:
    kind, name, properties = draw(shapes)
    at_ms = START_MS + draw(st.integers(0, 40 * 24)) * (DAY_MS // 24)
    return Event(
        event_id="e",
        kind=kind,
        name=name,
        identifiers=("user_id:1",),  # type: ignore[arg-type]
        occurred_at=at_ms,
        recorded_at=at_ms + draw(st.integers(-2, 2)) * DAY_MS,
        properties=properties,
        source=draw(st.sampled_from(["web", "till"])),
    )


histories = st.lists(events(), max_size=25)

# One trait that reads lines beside each way of reading them: with a condition, with a field of the
# event, and with several fields of which the first that is there counts.
READINGS = TraitSet(
    [
        *shipped_traits(),
        *(
            TraitDefinition(
                name=f"reading_{number}",
                events=tuple(NAMES),
                each="products",
                purpose="analytics",
                words="a reading",
                aggregate="top_k",
                parameters={"k": 3},
                **reading,
            )
            for number, reading in enumerate(
                [
                    {"field": "product_id", "where": "quantity >= 2 and recorded_at > 0"},
                    {"field": ("brand", "category"), "weight": ("discount_minor", "revenue_minor")},
                    {"field": "store_id", "where": 'category == "a" and source == "web"'},
                    {"field": ("product_id", "properties.query", "source"), "weight": 2},
                ]
            )
        ),
    ]
)


def calculate(run: Callable[[Event, int], Any], event: Event) -> Any:
    return run(event, event.recorded_at)


def one_by_one(traits: TraitSet, history: list[Event]) -> State:
    """Fold the slow way: every slot by itself, row by row, every field by its own getter."""
    state = traits.zero()
    for event in history:
        for slot in traits.slots:
            source = slot.source
            if not source.takes(event.kind, event.name):
                continue
            trait, fields, where = source.definition, source.fields, source.condition()
            value = fields.reading(trait.field, type_of(trait.field, trait.type))
            if source.calculated is not None:
                value = partial(calculate, source.calculated.compile(fields.getter))
            weight = fields.reading(trait.weight, type_of(trait.weight, "number"))
            lines = products_of(event.properties)
            for row in [(event, line) for line in lines] if source.is_line else [event]:
                if where is not None and where(row, event.recorded_at) is not True:
                    continue
                inputs = [1 if read is None else read(row) for read in (value, weight)]
                if None not in inputs:
                    kept = state[slot.index]
                    begun = slot.aggregate.zero() if kept is None else kept
                    state[slot.index] = slot.aggregate.step(begun, *inputs, event.occurred_at)
    return state


def alike(left: Any, right: Any) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(alike(left[k], right[k]) for k in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(alike, left, right))
    if isinstance(left, float) and isinstance(right, int | float):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    return bool(left == right)


def copied(state: State) -> State:
    return TRAITS.decode(TRAITS.encode(state))


@settings(max_examples=60, deadline=None)
@given(history=histories, data=st.data())
def test_the_order_of_arrival_does_not_matter(history: list[Event], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(history))
    assert alike(fold_events(TRAITS, history), fold_events(TRAITS, shuffled))


@settings(max_examples=60, deadline=None)
@given(history=histories)
def test_lines_taken_at_once_are_lines_taken_one_by_one(history: list[Event]) -> None:
    at_once = fold_events(READINGS, history)
    assert at_once[FIRST_SUM:] == one_by_one(READINGS, history)[FIRST_SUM:]


@settings(max_examples=60, deadline=None)
@given(left=histories, right=histories)
def test_the_fold_of_two_is_the_merge_of_their_folds(left: list[Event], right: list[Event]) -> None:
    apart = fold_events(TRAITS, left), fold_events(TRAITS, right)
    before = [copied(state) for state in apart]
    merged = merge_states(TRAITS, apart)
    assert alike(merged, fold_events(TRAITS, left + right))
    assert alike(merged, merge_states(TRAITS, reversed(apart)))
    assert all(map(alike, apart, before))


@settings(max_examples=40, deadline=None)
@given(first=histories, second=histories, third=histories)
def test_merge_is_associative_and_nothing_is_neutral(
    first: list[Event], second: list[Event], third: list[Event]
) -> None:
    a, b, c = (fold_events(TRAITS, history) for history in (first, second, third))
    left = merge_states(TRAITS, [merge_states(TRAITS, [a, b]), c])
    right = merge_states(TRAITS, [a, merge_states(TRAITS, [b, c])])
    assert alike(left, right)
    assert alike(merge_states(TRAITS, [a, TRAITS.zero()]), a)
    assert alike(merge_states(TRAITS, []), TRAITS.zero())


@settings(max_examples=60, deadline=None)
@given(history=histories, more=histories)
def test_packing_changes_nothing(history: list[Event], more: list[Event]) -> None:
    whole = fold_events(TRAITS, history)
    resumed = copied(whole)
    assert alike(whole, resumed)
    for event in more:
        fold_event(TRAITS, resumed, event)
    assert alike(resumed, fold_events(TRAITS, history + more))


@settings(max_examples=40, deadline=None)
@given(history=histories)
def test_values_are_those_of_finish(history: list[Event]) -> None:
    state = fold_events(TRAITS, history)
    known = finish(TRAITS, state, NOW_MS)
    bare = values(TRAITS, state, NOW_MS)
    declared = bare.pop("declared")
    assert {name: value.value for name, value in known.items()} == {**declared, **bare}
    assert {name for name, value in known.items() if value.provenance == "declared"} == set(
        declared
    )
    assert all(value.words and value.purpose for value in known.values() if value.source == "")
    wanted = ["orders_total", "top_products", "absent"]
    some = values(TRAITS, state, NOW_MS, wanted)
    assert some.pop("declared") == declared
    assert some == {name: bare[name] for name in wanted if name in bare}


@pytest.mark.parametrize("purpose", TRAITS.purposes)
@settings(max_examples=15, deadline=None)
@given(history=histories)
def test_without_permission_nothing_is_kept_or_shown(purpose: str, history: list[Event]) -> None:
    allowed = TRAITS.mask_of([purpose])
    state = fold_events(TRAITS, history, allowed)
    whole = fold_events(TRAITS, history)
    for slot in TRAITS.slots:
        expected = whole[slot.index] if slot.purpose == purpose else None
        assert alike(state[slot.index], expected)
    assert alike(state[DECLARED], whole[DECLARED])
    assert alike(state[CONSENT], whole[CONSENT])
    shown = finish(TRAITS, whole, NOW_MS, allowed)
    assert all(value.purpose in (purpose, "") for value in shown.values())
    nothing = finish(TRAITS, whole, NOW_MS, 0)
    assert all(value.provenance == "declared" for value in nothing.values())
    assert alike(whole, fold_events(TRAITS, history, EVERYTHING))
