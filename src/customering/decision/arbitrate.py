"""Fills the places: the best first, with variety, room for discovery, and quiet above all."""

from collections.abc import Sequence
from typing import NamedTuple

from customering.decision.model import Candidate, Loss

_QUIET_BETTER = Loss("quiet_better", "It is worth less to us than leaving you alone.")
_OUTSCORED = Loss("outscored", "Others fit you better, and there is no place left.")
_ROOM = Loss("room_for_discovery", "Its place was kept for something new to you.")
_EXPLORATION = Loss("exploration", "Its place went to something that was drawn by chance.")


class Slate(NamedTuple):
    """The chosen, first place first, and the reason of every other candidate, both by index."""

    chosen: list[int]
    losses: dict[int, Loss]


def fill(
    order: Sequence[int],
    candidates: Sequence[Candidate],
    scores: Sequence[float],
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
        Indices of the candidates, best first.
    candidates, scores
        The candidates and their scores, shape (candidates,).
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
    chosen = [] if first is None else [first]
    kept_back: list[int] = []
    losses: dict[int, Loss] = {}
    groups = [candidates[index].action.group for index in chosen]
    owed = _owed(order, candidates, scores, slots, quiet_score, discovery_slots)
    owed -= sum(_is_discovery(candidates[index]) for index in chosen)
    for index in order:
        candidate = candidates[index]
        group = candidate.action.group
        if index == first:
            continue
        if scores[index] <= quiet_score:
            losses[index] = _QUIET_BETTER
        elif len(chosen) == slots:
            losses[index] = _OUTSCORED
        elif group and groups.count(group) >= most_per_group:
            losses[index] = _of_one_kind(group)
        elif slots - len(chosen) <= owed and not _is_discovery(candidate):
            losses[index] = _ROOM
            kept_back.append(index)
        else:
            chosen.append(index)
            groups.append(group)
            owed -= _is_discovery(candidate)
    for index in kept_back:
        group = candidates[index].action.group
        if len(chosen) < slots and not (group and groups.count(group) >= most_per_group):
            chosen.append(index)
            groups.append(group)
            del losses[index]
    return Slate(chosen, losses)


def displaced(best: Slate, drawn: Slate) -> Slate:
    """Name chance as the reason of whatever would have been chosen without it."""
    pushed_out = set(best.chosen) - set(drawn.chosen)
    return Slate(drawn.chosen, drawn.losses | dict.fromkeys(pushed_out, _EXPLORATION))


def _owed(
    order: Sequence[int],
    candidates: Sequence[Candidate],
    scores: Sequence[float],
    slots: int,
    quiet_score: float,
    discovery_slots: int,
) -> int:
    """Count the places kept for discovery: no more than there are discoveries worth showing."""
    there = sum(_is_discovery(candidates[index]) and scores[index] > quiet_score for index in order)
    return min(discovery_slots, slots - 1, there)


def _is_discovery(candidate: Candidate) -> bool:
    """Tell whether a candidate is new to the person."""
    return candidate.found_by == "discover"


def _of_one_kind(group: str) -> Loss:
    """Give the loss of a candidate whose group has its places already."""
    return Loss("variety", f"There is enough of {group} already.")
