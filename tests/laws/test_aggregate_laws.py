"""The laws of `Aggregate`, for every aggregate there is."""

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.aggregates import registry
from customering.aggregates.base import Aggregate
from customering.aggregates.registry import build
from customering.kernel.clock import MS_PER_DAY
from customering.profile.days import Days

NUMBERS = st.integers(-1_000, 1_000)
AMOUNTS = st.floats(0.5, 1_000)
TEXTS = st.sampled_from(["milk", "bread", "Äpfel", "", 'a "b"\n', "10", "9"])
KEYS = st.one_of(TEXTS, st.integers(0, 5), st.booleans())

# Each with a second one of a shorter reach that shares its state, or with itself.
PLAIN = [
    (build("count"), NUMBERS, build("count")),
    (build("sum"), NUMBERS, build("sum")),
    (build("min"), NUMBERS, build("min")),
    (build("max"), TEXTS, build("max")),
    (build("mean"), NUMBERS, build("mean")),
    (build("variance"), NUMBERS, build("sd")),
    (build("sd"), NUMBERS, build("variance")),
    (build("first"), TEXTS, build("first")),
    (build("last"), NUMBERS, build("last")),
    (build("last_k", k=4), TEXTS, build("last_k", k=2)),
    (build("distinct", bound=20), st.integers(0, 60), build("distinct", bound=16)),
    (build("top_k", k=3), KEYS, build("top_k", k=1)),
    (build("histogram", edges=[-10, 0, 0.5]), NUMBERS, build("histogram", edges=[-10, 0, 0.5])),
    (build("habits", last_days=4), KEYS, build("habits", last_days=2)),
]
STATISTICS = ("days", "mean_gap_days", "sd_gap_days", "days_active", "days_since_last")
RHYTHMS = [
    (build("rhythm", statistic=name, last=6), TEXTS, build("rhythm", statistic=name, last=3))
    for name in STATISTICS
]
RHYTHMS.append((Days(6), TEXTS, Days(3)))
DECAYED = [
    (build("decayed_sum", half_life_days=3), AMOUNTS, build("decayed_sum", half_life_days=3.0)),
    (build("decayed_count", half_life_days=0.5), TEXTS, build("decayed_count", half_life_days=0.5)),
]
WINDOWED = [
    (registry.Windowed(aggregate, 9), values, registry.Windowed(aggregate, 2))
    for aggregate, values, _ in PLAIN
]
INVENTORY = PLAIN + RHYTHMS + DECAYED + WINDOWED
every = pytest.mark.parametrize(
    ("aggregate", "values", "smaller"), INVENTORY, ids=[str(entry[0]) for entry in INVENTORY]
)
bounded = settings(max_examples=10, deadline=None)

# Few days and few instants a day, so that ties, late arrivals and full windows are frequent.
INSTANTS = st.builds(
    lambda day, ms: day * MS_PER_DAY + ms,
    st.integers(0, 25),
    st.sampled_from([0, 1, MS_PER_DAY // 2, MS_PER_DAY - 1]),
)


def inputs_of(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[tuple[Any, int, int]]]:
    return st.lists(st.tuples(values, st.integers(1, 5), INSTANTS), max_size=30)


def fold(aggregate: Aggregate[Any], inputs: list[tuple[Any, int, int]]) -> Any:
    state = aggregate.zero()
    for value, weight, at_ms in inputs:
        state = aggregate.step(state, value, weight, at_ms)
    return state


def same(left: Any, right: Any) -> bool:
    """Tell whether two states or values are equal, floats to 1e-9 relative."""
    match left, right:
        case ((list() | tuple()), (list() | tuple())):
            return len(left) == len(right) and all(map(same, left, right))
        case dict(), dict():
            return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
        case float(), (float() | int()):
            return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
        case _:
            return type(left) is type(right) and bool(left == right)


def written(state: Any) -> bytes:
    return msgspec.json.encode(state)


def concrete_subclasses(kind: type) -> set[type]:
    found = set() if getattr(kind, "__abstractmethods__", None) else {kind}
    return found.union(*(concrete_subclasses(below) for below in kind.__subclasses__()))


def test_every_aggregate_is_in_the_inventory() -> None:
    ours = {k for k in concrete_subclasses(Aggregate) if k.__module__.startswith("customering.")}
    assert ours == {type(aggregate) for aggregate, _, _ in INVENTORY}


def test_every_name_people_write_makes_an_aggregate_of_the_inventory() -> None:
    required = {"k": 3, "half_life_days": 7, "edges": [1], "statistic": "days"}
    kinds = {type(aggregate) for aggregate, _, _ in INVENTORY}
    for kind in registry.KINDS:
        parameters = {}
        for name in registry.parameters_of(kind):
            if name in required:
                parameters[name] = required[name]
        assert type(build(kind, **parameters)) in kinds


def test_aggregates_that_share_a_state_are_told_by_their_slot() -> None:
    for aggregate, _, smaller in INVENTORY:
        assert aggregate.slot_key == smaller.slot_key
        assert aggregate.reach >= smaller.reach
    kinds = {}
    for aggregate, _, _ in INVENTORY:
        kinds.setdefault(aggregate.slot_key, set()).add(str(aggregate.state_type))
    assert all(len(types) == 1 for types in kinds.values())


@every
@bounded
@given(data=st.data())
def test_merge_is_associative_and_commutative_and_zero_is_neutral(
    aggregate: Aggregate[Any], values: Any, smaller: Any, data: st.DataObject
) -> None:
    a, b, c = (fold(aggregate, data.draw(inputs_of(values))) for _ in range(3))
    merge = aggregate.merge
    assert same(merge(merge(a, b), c), merge(a, merge(b, c)))
    assert same(merge(a, b), merge(b, a))
    assert same(merge(a, aggregate.zero()), a)
    assert same(merge(aggregate.zero(), a), a)


@every
@bounded
@given(data=st.data())
def test_order_of_arrival_and_the_place_of_a_split_are_irrelevant(
    aggregate: Aggregate[Any], values: Any, smaller: Any, data: st.DataObject
) -> None:
    inputs = data.draw(inputs_of(values))
    whole = fold(aggregate, inputs)
    assert same(fold(aggregate, data.draw(st.permutations(inputs))), whole)
    cut = data.draw(st.integers(0, len(inputs)))
    assert same(
        aggregate.merge(fold(aggregate, inputs[:cut]), fold(aggregate, inputs[cut:])), whole
    )
    alone = [fold(aggregate, [entry]) for entry in inputs]
    joined = aggregate.zero()
    for state in alone:
        joined = aggregate.merge(joined, state)
    assert same(joined, whole)


@every
@bounded
@given(data=st.data())
def test_merge_changes_no_input_and_shares_nothing_with_it(
    aggregate: Aggregate[Any], values: Any, smaller: Any, data: st.DataObject
) -> None:
    left, right = (fold(aggregate, data.draw(inputs_of(values))) for _ in range(2))
    before = written(left), written(right)
    merged = aggregate.merge(left, right)
    assert (written(left), written(right)) == before
    for value, weight, at_ms in data.draw(inputs_of(values)):
        merged = aggregate.step(merged, value, weight, at_ms)
    assert (written(left), written(right)) == before
    after = written(merged)
    for state in (left, right):
        for value, weight, at_ms in data.draw(inputs_of(values)):
            state = aggregate.step(state, value, weight, at_ms)
    assert written(merged) == after


@every
@bounded
@given(data=st.data())
def test_a_state_survives_json(
    aggregate: Aggregate[Any], values: Any, smaller: Any, data: st.DataObject
) -> None:
    state = fold(aggregate, data.draw(inputs_of(values)))
    assert msgspec.json.decode(written(state), type=aggregate.state_type) == state
    assert msgspec.json.decode(written(aggregate.zero()), type=aggregate.state_type) == (
        aggregate.zero()
    )


@every
@bounded
@given(data=st.data())
def test_the_state_of_the_largest_reach_serves_the_smaller_one(
    aggregate: Aggregate[Any], values: Any, smaller: Any, data: st.DataObject
) -> None:
    inputs = data.draw(inputs_of(values))
    latest_ms = max((at_ms for _, _, at_ms in inputs), default=0)
    shared, own = fold(aggregate, inputs), fold(smaller, inputs)
    for now_ms in (latest_ms, latest_ms - MS_PER_DAY, latest_ms + 3 * MS_PER_DAY):
        before = written(shared)
        assert same(smaller.finish(shared, now_ms), smaller.finish(own, now_ms))
        assert written(shared) == before, "finish must not change the state"


@every
@bounded
@given(data=st.data())
def test_many_steps_at_once_are_as_many_steps(
    aggregate: Aggregate[Any], values: Any, smaller: Any, data: st.DataObject
) -> None:
    before = data.draw(inputs_of(values))
    one_by_one, at_once = fold(aggregate, before), fold(aggregate, before)
    for at_ms in data.draw(st.lists(INSTANTS, min_size=1, max_size=4)):
        rows = data.draw(st.lists(st.tuples(values, st.integers(1, 5)), max_size=30))
        for value, weight in rows:
            one_by_one = aggregate.step(one_by_one, value, weight, at_ms)
        at_once = aggregate.step_many(
            at_once, [value for value, _ in rows], [weight for _, weight in rows], at_ms
        )
        assert written(at_once) == written(one_by_one)


@pytest.mark.parametrize(
    ("left", "right"), [(1, 2), (1.0, 1.000001), ([1], [1, 2]), ({"a": 1}, {"b": 1}), (1, "1")]
)
def test_what_differs_is_not_the_same(left: Any, right: Any) -> None:
    assert not same(left, right)
