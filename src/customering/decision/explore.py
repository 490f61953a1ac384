"""Chance in decisions: who is in which group, and what gets the first place how likely.

All chance is a function of the seed and names, so it is repeatable and needs no storage. A person
meets the same chance at one placement all day, so a retry or a reload changes nothing.

Chances of the first place are whole numbers of `UNIT`: they sum to exactly 1 in whatever order, and
what is kept in the log is what was drawn from.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from customering.kernel.chance import draw

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]

WHOLE = 1 << 31
UNIT = 2.0**-31
CLOSE_MOST = 64
"""How many, the best first, can have more than the floor by closeness to the best."""

PRIOR_OUTCOMES = 1_000
"""What is expected without learning counts as much as so many outcomes."""

_POINTS = 128
_TAILS = 4.0  # standard errors beyond which nothing is the best
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11))


def is_control(seed: int, person_id: str, share: float) -> bool:
    """Tell whether a person is in the control group; the same for all placements and all days."""
    return draw(seed, "control", person_id) < share


def is_random(seed: int, person_id: str, share: float) -> bool:
    """Tell whether the first place is always drawn uniformly for a person."""
    return draw(seed, "random", person_id) < share


def is_held_out(seed: int, action_id: str, person_id: str, share: float) -> bool:
    """Tell whether a person never gets an action; the same at all placements and on all days."""
    return draw(seed, "holdout", action_id, person_id) < share


@lru_cache(maxsize=65_536)
def hash_of(text: str) -> int:
    """Give a number of 64 bits that stands for a text."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


class FirstPlace(NamedTuple):
    """The chances of the first place; candidates are named by their place in the offer.

    Parameters
    ----------
    best
        The best one by score.
    best_units, other_units
        Its chance in `UNIT`, and that of each other participant that is not listed.
    listed, units
        Those with a chance of their own, the best first, and these chances; None where all but the
        best have the same.
    """

    best: int
    best_units: float
    other_units: float
    listed: Ints | None = None
    units: Ints | None = None

    def chance_of(self, place: int) -> float:
        """Give the chance of one participant."""
        if place == self.best:
            return self.best_units * UNIT
        if self.listed is not None and self.units is not None:
            at = np.flatnonzero(self.listed == place)
            if len(at):
                return float(self.units[at[0]]) * UNIT
        return self.other_units * UNIT


def flat(best: int, count: int, share: float) -> FirstPlace:
    """Give the best one all but a uniform share of the first place.

    With exploration share e and K participants the best has ``1 - e + e/K``, the others ``e/K``.

    Examples
    --------
    >>> first = flat(2, 4, 0.2)
    >>> round(first.best_units * UNIT, 3), round(first.other_units * UNIT, 3)
    (0.85, 0.05)
    """
    other = int(share / count * WHOLE)
    return FirstPlace(best, WHOLE - other * (count - 1), other)


def by_gap(ranked: Ints, scores: Floats, count: int, share: float, sharpness: float) -> FirstPlace:
    """Give the chances of the first place by inverse gap weighting above a uniform floor.

    With exploration share e and K participants each has at least ``e/K``. Of the rest those that
    are close to the best have ``(1 - e) / (W + g d)``, where W counts them, d is how far the score
    is from the best as a share of the best, and g is the sharpness; the best has what remains.

    Parameters
    ----------
    ranked
        Those that are close to the best, the best first, at most `CLOSE_MOST`.
    scores
        Their scores in this order; that of the best is above 0.
    count
        Number of participants K.
    share
        The exploration share e, in [0, 1].
    sharpness
        The sharpness g.

    References
    ----------
    Foster & Rakhlin, "Beyond UCB: Optimal and Efficient Contextual Bandits with Regression Oracles"
    (2020), algorithm 1, with gaps of scores divided by the best.
    """
    gaps = 1.0 - scores / scores[0]
    return _listed(ranked, (1.0 - share) / (len(ranked) + sharpness * gaps), count, share)


def _listed(ranked: Ints, chances: Floats, count: int, share: float) -> FirstPlace:
    """Turn chances above the floor into units; the first one has what remains of the whole."""
    other = int(share / count * WHOLE)
    units = (chances * WHOLE).astype(np.int64)
    units += other
    units[0] = 0
    best = units[0] = WHOLE - int(units.sum()) - other * (count - len(ranked))
    return FirstPlace(int(ranked[0]), best, other, ranked, units)


def sharpness_of(constant: float, count: int, taught: float) -> float:
    """Give the sharpness of inverse gap weighting.

    It grows with the root of what is known: the outcomes of the place, and `PRIOR_OUTCOMES` that
    the expectation without learning counts for.

    Parameters
    ----------
    constant
        The operator's constant.
    count
        Participants that are worth it.
    taught
        Outcomes of the place that were learned.
    """
    return constant * math.sqrt(count * (PRIOR_OUTCOMES + taught))


def by_thompson(
    ranked: Ints,
    scales: Floats,
    logits: Floats,
    errors: Floats,
    share: float,
    quiet_score: float,
) -> FirstPlace:
    """Give the chances of the first place by Thompson sampling above a uniform floor.

    The chance of each is that of having the highest score ``scale x sigmoid(logit)`` when logits
    are drawn from their Gaussians, by a sum over 128 cells of scores. What is drawn is drawn from
    these chances, so that they are exact whatever the sum leaves out.

    Parameters
    ----------
    ranked
        The participants, the best first, which has what rounding leaves.
    scales
        What the chance of acceptance of each is multiplied with; 0 or less is drawn by the floor
        alone.
    logits, errors
        Means and standard errors of the logits; an error of 0 stands for leaving the person alone,
        whose score is `quiet_score`.
    share
        The exploration share, in [0, 1].
    """
    usable = (scales > 0.0) | (errors == 0.0)
    won = np.zeros(len(ranked))
    if usable.any():
        won[usable] = _chances_to_win(scales[usable], logits[usable], errors[usable], quiet_score)
        won /= max(float(won.sum()), 1e-300)
    return _listed(ranked, won * (1.0 - share), len(ranked), share)


def _chances_to_win(scales: Floats, logits: Floats, errors: Floats, quiet_score: float) -> Floats:
    is_quiet = errors == 0.0
    spread = np.where(is_quiet, 1.0, errors)
    scales = np.where(is_quiet, 1.0, scales)

    def quantile(deviations: float) -> Floats:
        scores: Floats = scales / (1.0 + np.exp(-(logits + deviations * spread)))
        return np.where(is_quiet, max(quiet_score, 0.0), scores)

    low, high = float(quantile(-_TAILS).max()), float(quantile(_TAILS).max())
    edges = np.geomspace(max(low, 1e-12), max(high, 2e-12) * (1.0 + 1e-9), _POINTS)
    shares = np.minimum(edges / scales[:, None], 1.0 - 1e-15)
    below = scipy.special.ndtr(
        (np.log(shares / (1.0 - shares)) - logits[:, None]) / spread[:, None]
    )
    below[is_quiet] = edges >= quiet_score
    below = np.concatenate([np.zeros((len(scales), 1)), below], axis=1)
    middle = np.maximum((below[:, 1:] + below[:, :-1]) / 2.0, 1e-300)
    logs = np.log(middle)
    others = np.exp(logs.sum(axis=0) - logs)
    won: Floats = (np.diff(below, axis=1) * others).sum(axis=1)
    return won


def drawn(
    first: FirstPlace,
    occasion: str,
    participants: Callable[[], Ints],
    hashes: Callable[[], Hashes],
) -> int:
    """Draw what has the first place, each with its chance exactly.

    A first draw says whether the floor has its turn, which is the same for all. Otherwise those
    that are listed run for what they have above it, or the best has won when none is. Each runs a
    race: it draws an exponential time of its own, divided by its chance, and the shortest wins. So
    when others come or go, or chances change a little, the winner mostly stays.

    Parameters
    ----------
    first
        The chances.
    occasion
        A text that stands for who is drawn for, where and when.
    participants
        Gives all that are in question.
    hashes
        Gives the numbers of 64 bits that stand for all candidates.

    Returns
    -------
    int
        The winner, by its place in the offer.

    References
    ----------
    Steele, Lea & Flood, "Fast Splittable Pseudorandom Number Generators" (2014), whose finalizer
    mixes the bits. The race is weighted rendezvous hashing.
    """
    digest = blake2b(occasion.encode(), digest_size=16).digest()

    def mixed(racing: Ints) -> Hashes:
        return _mixed(hashes()[racing] ^ np.uint64(int.from_bytes(digest[8:], "big")))

    if int.from_bytes(digest[:8], "big") < _floor_units(first) << 33:
        racing = participants()
        # Of equal chances the greatest number has the shortest time.
        return int(racing[mixed(racing).argmax()])
    if first.listed is None or first.units is None:
        return first.best
    numbers = mixed(first.listed)
    times = -np.log((numbers.astype(np.float64) + 0.5) * 2.0**-53)
    with np.errstate(divide="ignore"):
        times /= first.units - first.other_units
    return int(first.listed[times.argmin()])


def _floor_units(first: FirstPlace) -> int:
    """Give what the floors of all participants come to: what nobody has of their own."""
    if first.listed is None or first.units is None:
        return int(first.other_units + WHOLE - first.best_units)
    own = int(first.units.sum()) - int(first.other_units) * len(first.units)
    return WHOLE - own


def _mixed(numbers: Hashes) -> Hashes:
    """Mix the bits of numbers that are used up by it."""
    for shift, factor in zip(_SHIFTS, _MIX, strict=False):
        numbers ^= numbers >> shift
        numbers *= factor
    numbers ^= numbers >> _SHIFTS[2]
    numbers >>= _SHIFTS[3]
    return numbers


def occasion_of(seed: int, person_id: str, placement: str, day: int) -> str:
    """Name whom is drawn for, where and when; the same all day."""
    return "\x1f".join((str(seed), "first", person_id, placement, str(day)))
