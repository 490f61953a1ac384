"""The aggregates by the names and parameters that people write in TOML."""

from collections.abc import Callable
from difflib import get_close_matches
from inspect import Parameter, signature
from typing import Any

from customering.aggregates.base import Aggregate
from customering.aggregates.counts import Count
from customering.aggregates.decayed import Decayed
from customering.aggregates.distinct import Distinct
from customering.aggregates.extremes import Maximum, Minimum
from customering.aggregates.habits import Habits
from customering.aggregates.histogram import Histogram
from customering.aggregates.moments import Mean, StandardDeviation, Variance
from customering.aggregates.order import First, Last, LastK
from customering.aggregates.rhythm import Rhythm
from customering.aggregates.sums import Sum
from customering.aggregates.top import TopK
from customering.aggregates.windowed import Windowed
from customering.kernel.errors import InvalidDefinition


def _decayed_sum(half_life_days: float) -> Decayed:
    return Decayed(half_life_days)


def _decayed_count(half_life_days: float) -> Decayed:
    return Decayed(half_life_days, counting=True)


def _histogram(edges: list[float]) -> Histogram:
    return Histogram(tuple(edges))


_KINDS: dict[str, Callable[..., Aggregate[Any]]] = {
    "count": Count,
    "sum": Sum,
    "min": Minimum,
    "max": Maximum,
    "mean": Mean,
    "variance": Variance,
    "sd": StandardDeviation,
    "first": First,
    "last": Last,
    "last_k": LastK,
    "distinct": Distinct,
    "top_k": TopK,
    "decayed_sum": _decayed_sum,
    "decayed_count": _decayed_count,
    "histogram": _histogram,
    "rhythm": Rhythm,
    "habits": Habits,
}

KINDS = tuple(_KINDS)
"""The names `build` knows."""


def parameters_of(kind: str) -> tuple[str, ...]:
    """Give the names of the parameters of an aggregate; ``window_days`` is not among them."""
    return tuple(signature(_KINDS[kind]).parameters)


def build(kind: str, **parameters: Any) -> Aggregate[Any]:
    """Make an aggregate from its name and parameters.

    Parameters
    ----------
    kind
        One of `KINDS`.
    parameters
        What the aggregate takes: ``k`` (last_k, top_k), ``bound`` (distinct), ``half_life_days``
        (decayed_sum, decayed_count), ``edges`` (histogram), ``statistic`` and ``last`` (rhythm),
        ``last_days`` (habits); and ``window_days`` to look only at the last so many days (all but
        the decayed ones and rhythm; None is no window).

    Raises
    ------
    InvalidDefinition
        When the name or a parameter is unknown, missing, of the wrong type or out of range.

    Examples
    --------
    >>> build("count", window_days=30)
    Windowed(inner=Count(), days=30)
    """
    if kind not in _KINDS:
        raise InvalidDefinition(
            f"there is no aggregate {kind!r}", hint=_suggestion(kind, KINDS), kind=kind
        )
    window_days = parameters.pop("window_days", None)
    make = _KINDS[kind]
    _check_names(kind, parameters, signature(make).parameters)
    try:
        aggregate = make(**parameters)
        return aggregate if window_days is None else Windowed(aggregate, window_days)
    except TypeError as error:
        raise InvalidDefinition(
            f"a parameter of {kind} is of the wrong type: {error}",
            hint="Write numbers without quotes, and edges as a list of numbers.",
            kind=kind,
        ) from error


def _check_names(kind: str, given: dict[str, Any], taken: Any) -> None:
    """Refuse parameters that an aggregate does not take, and the lack of one it needs."""
    for name in given:
        if name not in taken:
            raise InvalidDefinition(
                f"{kind} has no parameter {name!r}",
                hint=_suggestion(name, (*taken, "window_days")),
                kind=kind,
                parameter=name,
            )
    for name, parameter in taken.items():
        if parameter.default is Parameter.empty and name not in given:
            raise InvalidDefinition(
                f"{kind} lacks its parameter {name!r}",
                hint=f"Add {name} to the parameters.",
                kind=kind,
                parameter=name,
            )


def _suggestion(name: str, known: tuple[str, ...]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"Did you mean {close[0]}?" if close else f"Known are {', '.join(known)}."
