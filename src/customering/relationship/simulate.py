"""People drawn from the BG/NBD model itself, to see whether a fit finds the parameters again."""

import numpy as np
from numpy.random import Generator

from customering.relationship.arrays import Floats
from customering.relationship.model import BgNbd


def simulate_people(
    parameters: BgNbd, age: Floats, chance: Generator
) -> tuple[Floats, Floats, Floats]:
    """Let people live from their first purchase to their age.

    Parameters
    ----------
    parameters
        The model; its unit of time is that of `age`.
    age
        Time from each person's first purchase to the end of observation.
    chance
        The source of randomness, so that a seed gives the same people again.

    Returns
    -------
    tuple of numpy.ndarray
        Frequency, recency and age of each person; times are not rounded.
    """
    people = age.size
    rate = chance.gamma(parameters.r, 1 / parameters.alpha, people)
    leaving = chance.beta(parameters.a, parameters.b, people)
    frequency, recency = np.zeros(people), np.zeros(people)
    alive, clock = np.arange(people), np.zeros(people)
    while alive.size:
        # A rate can underflow to 0: that person waits for ever.
        with np.errstate(divide="ignore"):
            clock[alive] += chance.exponential(1.0, alive.size) / rate[alive]
        alive = alive[clock[alive] < age[alive]]
        frequency[alive] += 1
        recency[alive] = clock[alive]
        alive = alive[chance.random(alive.size) >= leaving[alive]]
    return frequency, recency, age
