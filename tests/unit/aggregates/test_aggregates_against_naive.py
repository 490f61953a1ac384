"""Every aggregate against its definition, computed the slow way over the whole list of inputs."""

import itertools
import math
import statistics
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.aggregates.registry import KINDS, build

DAY = 86_400_000
Entry = tuple[Any, int, int]
INPUTS = st.lists(
    st.tuples(
        st.integers(-9, 9),
        st.integers(1, 5),
        st.integers(0, 15 * 4).map(lambda quarter: quarter * DAY // 4),
    ),
    max_size=40,
)


def totals_of(inputs: list[Entry]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for key in {str(value) for value, _, _ in inputs}:
        totals[key] = sum(weight for value, weight, _ in inputs if str(value) == key)
    return totals


def top(k: int) -> Callable[[list[Entry], int], Any]:
    def naive(inputs: list[Entry], now_ms: int) -> Any:
        left, best = totals_of(inputs), []
        while left and len(best) < k:
            most = max(left.values())
            key = min(key for key, total in left.items() if total == most)
            best.append([key, left.pop(key)])
        return best or None

    return naive


def days_of(inputs: list[Entry]) -> list[int]:
    return sorted({at_ms // DAY for _, _, at_ms in inputs})


def gaps_of(inputs: list[Entry], last: int) -> list[int]:
    days = days_of(inputs)[-last:]
    return [days[i + 1] - days[i] for i in range(len(days) - 1)]


def bins(inputs: list[Entry], edges: list[float]) -> list[int] | None:
    bounds = [-math.inf, *edges, math.inf]
    counts = [
        sum(low <= value < high for value, _, _ in inputs)
        for low, high in itertools.pairwise(bounds)
    ]
    return counts if inputs else None


def habits(inputs: list[Entry], last: int) -> dict[str, list[int]] | None:
    keys = {str(value) for value, _, _ in inputs}
    found = {key: days_of([e for e in inputs if str(e[0]) == key])[-last:] for key in keys}
    return found or None


def decayed(inputs: list[Entry], now_ms: int, half_life: float, counting: bool) -> float | None:
    if not inputs:
        return None
    return sum(
        (1 if counting else value) * 2 ** ((at_ms - now_ms) / DAY / half_life)
        for value, _, at_ms in inputs
    )


def by_time(inputs: list[Entry]) -> list[Any]:
    ordered = sorted((at_ms, value) for value, _, at_ms in inputs)
    return [value for _, value in ordered]


NAIVE: list[tuple[str, dict[str, Any], Callable[[list[Entry], int], Any]]] = [
    ("count", {}, lambda inputs, now: len(inputs)),
    ("sum", {}, lambda inputs, now: sum(value for value, _, _ in inputs)),
    ("min", {}, lambda inputs, now: min((v for v, _, _ in inputs), default=None)),
    ("max", {}, lambda inputs, now: max((v for v, _, _ in inputs), default=None)),
    ("mean", {}, lambda i, now: statistics.fmean(v for v, _, _ in i) if i else None),
    ("variance", {}, lambda i, now: statistics.variance(e[0] for e in i) if i[1:] else None),
    ("sd", {}, lambda i, now: statistics.stdev(e[0] for e in i) if i[1:] else None),
    ("first", {}, lambda inputs, now: next(iter(by_time(inputs)), None)),
    ("last", {}, lambda inputs, now: next(iter(by_time(inputs)[::-1]), None)),
    ("last_k", {"k": 3}, lambda inputs, now: by_time(inputs)[::-1][:3] or None),
    ("distinct", {}, lambda inputs, now: len({value for value, _, _ in inputs})),
    ("top_k", {"k": 3}, top(3)),
    ("histogram", {"edges": [-3, 0.5]}, lambda inputs, now: bins(inputs, [-3, 0.5])),
    ("habits", {"last_days": 2}, lambda inputs, now: habits(inputs, 2)),
    ("decayed_sum", {"half_life_days": 3}, lambda i, now: decayed(i, now, 3, False)),
    ("decayed_count", {"half_life_days": 3}, lambda i, now: decayed(i, now, 3, True)),
    ("rhythm", {"statistic": "days", "last": 4}, lambda i, now: days_of(i)[-4:] or None),
    ("rhythm", {"statistic": "days_active", "last": 4}, lambda i, now: len(days_of(i)[-4:])),
    (
        "rhythm",
        {"statistic": "days_since_last"},
        lambda i, now: now // DAY - days_of(i)[-1] if i else None,
    ),
    (
        "rhythm",
        {"statistic": "mean_gap_days", "last": 4},
        lambda i, now: statistics.fmean(gaps_of(i, 4)) if gaps_of(i, 4) else None,
    ),
    (
        "rhythm",
        {"statistic": "sd_gap_days", "last": 4},
        lambda i, now: statistics.stdev(gaps_of(i, 4)) if gaps_of(i, 4)[1:] else None,
    ),
]
WINDOWLESS = ("rhythm", "decayed_sum", "decayed_count")
every = pytest.mark.parametrize(
    ("kind", "parameters", "naive"), NAIVE, ids=[f"{kind} {given}" for kind, given, _ in NAIVE]
)
every_windowed = pytest.mark.parametrize(
    ("kind", "parameters", "naive"), [entry for entry in NAIVE if entry[0] not in WINDOWLESS]
)


def equal(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, (int, float)):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    return type(left) is type(right) and bool(left == right)


def finished(kind: str, parameters: dict[str, Any], inputs: list[Entry], now_ms: int) -> Any:
    aggregate = build(kind, **parameters)
    state = aggregate.zero()
    for value, weight, at_ms in inputs:
        state = aggregate.step(state, value, weight, at_ms)
    return aggregate.finish(state, now_ms)


def test_every_kind_has_a_definition() -> None:
    assert {kind for kind, _, _ in NAIVE} == set(KINDS)


@every
@settings(max_examples=25, deadline=None)
@given(inputs=INPUTS, later=st.integers(0, 5 * DAY))
def test_value_is_what_the_definition_says(
    kind: str, parameters: dict[str, Any], naive: Any, inputs: list[Entry], later: int
) -> None:
    now_ms = max((at_ms for _, _, at_ms in inputs), default=0) + later
    assert equal(finished(kind, parameters, inputs, now_ms), naive(inputs, now_ms))


@pytest.mark.parametrize("window_days", [1, 4, 100])
@every_windowed
@settings(max_examples=10, deadline=None)
@given(inputs=INPUTS, later=st.integers(-DAY, 5 * DAY))
def test_value_in_a_window_is_the_value_of_the_inputs_of_its_days(
    kind: str,
    parameters: dict[str, Any],
    naive: Any,
    window_days: int,
    inputs: list[Entry],
    later: int,
) -> None:
    now_ms = max((at_ms for _, _, at_ms in inputs), default=DAY) + later
    today = now_ms // DAY
    days = range(today - window_days + 1, today + 1)
    inside = [entry for entry in inputs if entry[2] // DAY in days]
    value = finished(kind, {**parameters, "window_days": window_days}, inputs, now_ms)
    assert equal(value, naive(inside, now_ms))
