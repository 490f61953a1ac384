"""Fills the places: the best first, with variety, room for discovery, and quiet above all."""

from bisect import bisect_left
from collections.abc import Callable, Sequence, Set
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from customering.decision.losses import CODE_OF, Codes
from customering.decision.offer import Offer
from customering.decision.table import Floats

_QUIET_BETTER = CODE_OF["quiet_better"]
_OUTSCORED = CODE_OF["outscored"]
_VARIETY = CODE_OF["variety"]
_EXCLUDED = CODE_OF["excluded"]
_NOBODY: frozenset[int] = frozenset()
_NONE_NEW: list[Any] = []
_ROOM = CODE_OF["room_for_discovery"]


class Slate(NamedTuple):
    """The chosen, first place first, by place in the offer; and what became of all."""

    chosen: list[int]
    codes: Codes


def fill(
    order: NDArray[np.intp],
    offer: Offer,
    scores: Floats,
    codes: Codes,
    *,
    slots: int,
    quiet_score: float,
    most_per_group: int,
    discovery_slots: int,
    first: int | None = None,
) -> Slate:
    """Fill the places from the best score down.

    Parameters
    ----------
    order
        Places of the candidates that remain, best first.
    offer, scores
        All candidates and their scores, shape (candidates,).
    codes
        What became of each so far; 0 for those that remain.
    slots
        Number of places, at least 1.
    quiet_score
        A score must be above it; the score of leaving the person alone.
    most_per_group
        Most candidates of one group; candidates without a group are not limited.
    discovery_slots
        Places kept for candidates found by discovery, as far as there are any; never the first.
    first
        The candidate that has the first place whatever its score; None for the best.
    """
    fates = bytearray(codes.tobytes())
    codes = np.frombuffer(fates, dtype=np.uint8)  # the same bytes, for many at once
    group_of, ordered = offer.group_of, scores[order]
    worth = len(order) - int(ordered[::-1].searchsorted(quiet_score, "right"))
    places, news = order.tolist(), _NONE_NEW
    fresh: Sequence[bool] = _NONE_NEW
    if discovery_slots and slots > 1 and offer.has_discoveries:
        are_new = offer.discoveries[order[:worth]]
        fresh, news = are_new.tolist(), are_new.nonzero()[0].tolist()
    chosen = [] if first is None else [first]
    taken = {group_of(place): 1 for place in chosen}
    excluding = offer.excluding
    barred = {other for place in chosen for other in excluding.get(place, ())}
    kept_back: list[int] = []
    left = slots - len(chosen)
    owed = min(discovery_slots, slots - 1, len(news))
    if owed:
        owed -= sum(bool(offer.discoveries[place]) for place in chosen)
    at = 0
    while at < worth and left:
        place = places[at]
        group = group_of(place)
        if place == first:
            at += 1
        elif barred and place in barred:
            fates[place] = _EXCLUDED
            at += 1
        elif group and taken.get(group, 0) >= most_per_group:
            fates[place] = _VARIETY
            at += 1
        elif left <= owed and not fresh[at]:
            # Only what is new can have the places that are left: go on to the next of these.
            after = bisect_left(news, at)
            until = news[after] if after < len(news) else worth
            full = {name for name, count in taken.items() if name and count >= most_per_group}
            codes[order[at:until]] = _ROOM
            for one in barred.intersection(places[at:until]) if barred else ():
                fates[one] = _EXCLUDED
            passed = places[at:until]
            if first is not None or barred:
                passed = [one for one in passed if one != first and one not in barred]
            kept_back += _pass_over(passed, group_of, full, fates) if full else passed
            at = until
        else:
            chosen.append(place)
            barred |= excluding.get(place, _NOBODY)
            taken[group] = taken.get(group, 0) + 1
            owed -= bool(news) and fresh[at]
            left -= 1
            at += 1
    codes[order[at:]] = _OUTSCORED
    codes[order[max(at, worth) :]] = _QUIET_BETTER
    for place in kept_back:
        if len(chosen) == slots:
            break
        group = group_of(place)
        if place in barred:
            continue
        if not (group and taken.get(group, 0) >= most_per_group):
            chosen.append(place)
            barred |= excluding.get(place, _NOBODY)
            taken[group] = taken.get(group, 0) + 1
    if barred:
        codes[list(barred.intersection(kept_back).difference(chosen))] = _EXCLUDED
    codes[chosen] = 0
    return Slate(chosen, codes)


def _pass_over(
    passed: Sequence[int], group_of: Callable[[int], str], full: Set[str], fates: bytearray
) -> list[int]:
    """Of those that give way to what is new, note whose group is full; give the others."""
    kept_back = []
    for place in passed:
        if group_of(place) in full:
            fates[place] = _VARIETY
        else:
            kept_back.append(place)
    return kept_back


def displaced(best: Slate, drawn: Slate) -> Slate:
    """Name chance as the reason of whatever would have been chosen without it."""
    codes = drawn.codes.copy()
    codes[list(set(best.chosen) - set(drawn.chosen))] = CODE_OF["exploration"]
    return Slate(drawn.chosen, codes)
