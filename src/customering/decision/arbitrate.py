"""Fills the places: the best first, with variety, room for discovery, and quiet above all."""

from bisect import bisect_left
from collections.abc import Sequence
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
    count = worth = len(order)
    if count and not scores.item(order.item(-1)) > quiet_score:
        worth -= int(scores[order][::-1].searchsorted(quiet_score, "right"))
    news = _NONE_NEW
    fresh: Sequence[bool] = _NONE_NEW
    if discovery_slots and slots > 1 and offer.has_discoveries:
        are_new = offer.discoveries[order[:worth]]
        fresh, news = are_new.tolist(), are_new.nonzero()[0].tolist()
    taken = _Taken(offer, slots, most_per_group)
    if first is not None:
        taken.add(first, offer.group_of(first))
    kept_back: list[int] = []
    owed = min(discovery_slots, slots - 1, len(news))
    if owed and first is not None:
        owed -= bool(offer.discoveries[first])
    at = 0
    while at < worth and taken.left:
        place = order.item(at)
        group = offer.group_of(place)
        if place == first:
            at += 1
        elif fate := taken.objection(place, group):
            fates[place] = fate
            at += 1
        elif taken.left <= owed and not fresh[at]:
            # Only what is new can have the places that are left: go on to the next of these.
            after = bisect_left(news, at)
            until = news[after] if after < len(news) else worth
            codes[order[at:until]] = _ROOM
            kept_back += taken.passed_over(order[at:until].tolist(), first, fates)
            at = until
        else:
            taken.add(place, group)
            owed -= bool(news) and fresh[at]
            at += 1
    codes[order[at:worth]] = _OUTSCORED
    if worth < count:
        codes[order[max(at, worth) :]] = _QUIET_BETTER
    for place in kept_back:
        if not taken.left:
            break
        group = offer.group_of(place)
        if not taken.objection(place, group):
            taken.add(place, group)
    if taken.barred:
        codes[list(taken.barred.intersection(kept_back).difference(taken.chosen))] = _EXCLUDED
    codes[taken.chosen] = 0
    return Slate(taken.chosen, codes)


class _Taken:
    """The places that are taken, and what they keep others from.

    Attributes
    ----------
    chosen
        Who has a place, the first one first.
    left
        How many places are left.
    barred
        Who must not be chosen beside them.
    """

    __slots__ = ("_excluding", "_group_of", "_most", "_of_group", "barred", "chosen", "left")

    def __init__(self, offer: Offer, slots: int, most_per_group: int) -> None:
        self._group_of, self._excluding = offer.group_of, offer.excluding
        self._most = most_per_group
        self._of_group: dict[str, int] = {}
        self.chosen: list[int] = []
        self.left = slots
        self.barred: set[int] = set()

    def add(self, place: int, group: str) -> None:
        """Give the next place to a candidate of a group."""
        self.chosen.append(place)
        self.left -= 1
        self.barred |= self._excluding.get(place, _NOBODY)
        self._of_group[group] = self._of_group.get(group, 0) + 1

    def objection(self, place: int, group: str) -> int:
        """Give the code of what keeps a candidate of a group from a place now; 0 for nothing."""
        if place in self.barred:
            return _EXCLUDED
        return _VARIETY if group and self._of_group.get(group, 0) >= self._most else 0

    def passed_over(self, places: list[int], first: int | None, fates: bytearray) -> list[int]:
        """Note what objects to those that give way to what is new; give those that lack the room.

        They are some hundreds: where no group is full and nothing excluded, none is looked at.
        """
        is_any_full = any(name and count >= self._most for name, count in self._of_group.items())
        if not (is_any_full or self.barred):
            return places if first is None else [one for one in places if one != first]
        kept_back = []
        for place in places:
            if place == first:
                continue
            if fate := self.objection(place, self._group_of(place)):
                fates[place] = fate
            else:
                kept_back.append(place)
        return kept_back


def displaced(best: Slate, drawn: Slate) -> Slate:
    """Name chance as the reason of whatever would have been chosen without it."""
    codes = drawn.codes.copy()
    codes[list(set(best.chosen) - set(drawn.chosen))] = CODE_OF["exploration"]
    return Slate(drawn.chosen, codes)
