"""What a learner looks at of a person and the circumstances: a few named numbers.

A feature has a readable name and a number of the size of 1; those that are 0 are left out. They
come from the profile and the request alone, so that a page, a nightly run and a replay see the same
ones, and what the person does not permit to be known is simply not there.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any

from customering.kernel.clock import MS_PER_DAY, MS_PER_SECOND
from customering.kernel.ids import stable_id

BIAS = "bias"
"""The feature that is always 1."""

_VERSION = 1  # of the way in which values become numbers
_LARGEST = 0.6
_SCALE = 5.0  # numbers are always there: large ones would do the work of the bias
_ENORMOUS = 1e15  # nothing that is counted comes near it
_MOST_OF_A_LIST = 5
_TEXT_MOST = 40
_PARTS = ("night", "morning", "midday", "evening")
_PART_OF = tuple(f"part={_PARTS[hour // 6]}" for hour in range(24))
_NUMBERED = ("context.weekday", "context.hour", "context.month")
_CONTEXT, _DECLARED = "context.", "declared."


class FeatureSpec:
    """Which features are read.

    Parameters
    ----------
    names
        Names of traits, ``declared.NAME`` and ``context.NAME``. Beside these there are always
        `BIAS`, ``weekend`` and ``part=night|morning|midday|evening`` by the local hour.

    Notes
    -----
    A number v becomes ``asinh(v / 2) / 5``, at most 0.6 either way, which is about linear for small
    and logarithmic for large ones; of amounts (``_minor``) the hundredth is taken, of instants
    (``_at``) the days that have passed. A text t of the name n becomes ``n=t``, 1, and so does the
    number of a weekday, hour or month among the circumstances. A list of pairs of name and count
    becomes the share of each of its first five names; another list one feature an entry.
    """

    def __init__(self, names: Iterable[str]) -> None:
        stated = tuple(names)
        self._traits = [name for name in stated if not name.startswith((_DECLARED, _CONTEXT))]
        self._declared = _inside(stated, _DECLARED)
        self._context = _inside(stated, _CONTEXT)
        self.version = stable_id("features", str(_VERSION), *stated)

    def of(
        self,
        traits: Mapping[str, Any],
        context: Mapping[str, Any],
        now_ms: int,
        zone: tzinfo = UTC,
    ) -> dict[str, float]:
        """Give the features of one person in one situation.

        Parameters
        ----------
        traits
            Trait values by name, as far as they may be used; ``declared`` holds what was declared.
        context
            The circumstances; a whole number ``hour`` in them takes the place of the clock's.
        now_ms
            The present, milliseconds since 1970.
        zone
            The person's time zone.
        """
        found = {BIAS: 1.0}
        _tell_time(found, context, now_ms, zone)
        get = traits.get
        for name in self._traits:
            value = get(name)
            if value:
                _take(found, name, value, now_ms)
        declared = get("declared") if self._declared else None
        for inside, named in ((declared, self._declared), (context, self._context)):
            if inside:
                for key, name in named:
                    value = inside.get(key)
                    if value:
                        _take(found, name, value, now_ms)
        return found


def _inside(names: Iterable[str], prefix: str) -> list[tuple[str, str]]:
    return [(name.removeprefix(prefix), name) for name in names if name.startswith(prefix)]


def _tell_time(
    found: dict[str, float], context: Mapping[str, Any], now_ms: int, zone: tzinfo
) -> None:
    hour, is_weekend = _local_time(now_ms // MS_PER_SECOND, zone)
    said = context.get("hour")
    if isinstance(said, int) and 0 <= said < 24:
        hour = said
    found[_PART_OF[hour]] = 1.0
    if is_weekend:
        found["weekend"] = 1.0


@lru_cache(maxsize=64)
def _local_time(second: int, zone: tzinfo) -> tuple[int, bool]:
    """Give the hour of the day, and whether it is a weekend; the same for all in a zone."""
    local = datetime.fromtimestamp(second, zone)
    return local.hour, local.isoweekday() >= 6


def _take(found: dict[str, float], name: str, value: Any, now_ms: int) -> None:
    """Turn one value, which is neither missing nor 0, into features."""
    if isinstance(value, str) or (name in _NUMBERED and isinstance(value, int)):
        found[f"{name}={str(value)[:_TEXT_MOST]}"] = 1.0
    elif isinstance(value, int | float):
        found[name] = squashed(name, value, now_ms)
    elif isinstance(value, list | tuple):
        _take_list(found, name, value[:_MOST_OF_A_LIST])


def _take_list(found: dict[str, float], name: str, values: Iterable[Any]) -> None:
    pairs = [
        (one[0], one[1])
        for one in values
        if isinstance(one, list | tuple) and len(one) == 2 and _is_amount(one[1])
    ]
    whole = sum(count for _, count in pairs)
    for key, count in pairs:
        found[f"{name}={str(key)[:_TEXT_MOST]}"] = count / whole
    for one in values:
        if isinstance(one, str) and one:
            found[f"{name}={one[:_TEXT_MOST]}"] = 1.0


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and 0 < value < _ENORMOUS


def squashed(name: str, value: float, now_ms: int) -> float:
    """Bring a number to a small size; see `FeatureSpec`.

    Examples
    --------
    >>> squashed("orders_90d", 0, 0), round(squashed("orders_90d", 4, 0), 3)
    (0.0, 0.289)
    >>> squashed("average_order_minor", 10_000_000, 0)
    0.6
    """
    if value is True:
        return 1.0
    if not -_ENORMOUS < value < _ENORMOUS:
        return 0.0
    if name.endswith("_at"):
        value = (now_ms - value) / MS_PER_DAY
    elif name.endswith("_minor"):
        value = value / 100
    return max(-_LARGEST, min(math.asinh(value / 2) / _SCALE, _LARGEST))
