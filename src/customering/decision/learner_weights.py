"""The names of what a learner gives weights to, and what is expected of a weight beforehand."""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from customering.decision.features import BIAS

SLOPE, RANK, FOUND_BY, MATCH = "its prior", "its rank", "its found_by=", "its match in "
"""Columns beside the features; no feature begins like that."""

USUAL_LOGIT = -4.0
"""The logit of an unlikely thing: centres the column of the prior."""

SLOPE_UNIT = 4.0

_AT = " at "
OWN_MOST, MATCHES_MOST = 8, 8
"""How many columns of an outcome are no features: its own, and those of matches."""

# Prior variances, found in simulated towns: tastes differ by group, and little by action of one
# group beside how well each is liked by all.
_COMMON_BIAS, _COMMON_FEATURE, _COMMON_OWN, _COMMON_MATCH = 1.0, 0.05, 0.1, 2.0
_PLACE_BIAS, _PLACE_OWN = 0.5, 0.05
_GROUP_BIAS, _GROUP_FEATURE = 0.05, 0.05
ARM_VARIANCE = 0.3


class Example(NamedTuple):
    """One action that somebody saw.

    Parameters
    ----------
    place
        The placement and the channel, as `place_of` writes them.
    group, action_id, found_by
        The action.
    prior
        The chance that was expected without learning, in [0, 1].
    rank
        Its place among the chosen, from 1.
    features
        Features of the person and the circumstances.
    """

    place: str
    group: str
    action_id: str
    found_by: str
    prior: float
    rank: int
    features: Mapping[str, float]


def place_of(placement: str, channel: str) -> str:
    """Name what weights of a place belong to."""
    return f"{channel}:{placement}"


@lru_cache(maxsize=65_536)
def match_of(feature: str, group: str) -> str | None:
    """Name the column of a feature that says how much there is of an action's own group.

    It is the same for all groups, so that what one group teaches holds for the others.

    Examples
    --------
    >>> match_of("top_departments=Bakery", "bakery"), match_of("weekend", "bakery")
    ('its match in top_departments', None)
    """
    name, is_said, value = feature.partition("=")
    is_own = is_said and group and value.casefold() == group.casefold()
    return MATCH + name if is_own else None


@lru_cache(maxsize=4_096)
def names_at(place: str, found_by: str) -> tuple[str, ...]:
    """Name the columns of what is not a feature: way, slope and rank, and those of a place.

    Examples
    --------
    >>> names_at(":home", "popular")[:3]
    ('its found_by=popular', 'its prior', 'its rank')
    """
    everywhere = (FOUND_BY + found_by, SLOPE, RANK)
    return (*everywhere, *(name + _AT + place for name in (*everywhere, BIAS)))


def name_at(name: str, place: str) -> str:
    """Name the column that a column has at one place."""
    return name + _AT + place


def own_values(rank: int, offset: float) -> tuple[float, ...]:
    """Give what is in the columns of `names_at`.

    Parameters
    ----------
    rank
        Place among the chosen, from 1.
    offset
        The logit of what was expected.
    """
    slope = (offset - USUAL_LOGIT) / SLOPE_UNIT
    lower = 0.0 if rank == 1 else math.log2(rank)
    return (1.0, slope, lower, 1.0, slope, lower, 1.0)


class Variances(NamedTuple):
    """What a weight may be without anything learned: its variance, for all and for a group.

    Parameters
    ----------
    common
        That of the weight all have in common.
    group
        That of how far a group departs from it; None where no group does.
    """

    common: float
    group: float | None


def variances_of(column: str) -> Variances:
    """Give the prior variances of the weights of a column."""
    name, is_placed, _ = column.partition(_AT)
    if is_placed and name.startswith((BIAS, "its ")):
        return Variances(_PLACE_BIAS if name == BIAS else _PLACE_OWN, None)
    if column == BIAS:
        return Variances(_COMMON_BIAS, _GROUP_BIAS)
    if column.startswith(MATCH):
        return Variances(_COMMON_MATCH, None)
    if column.startswith("its "):
        return Variances(_COMMON_OWN, None)
    return Variances(_COMMON_FEATURE, _GROUP_FEATURE)
