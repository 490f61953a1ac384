"""People drawn from the models themselves, to see whether a fit finds the parameters again."""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from customering.relationship.arrays import Floats
from customering.relationship.parameters import BgNbd, Buying, MbgCnbd, ParetoNbd


class Simulated(NamedTuple):
    """What each person did; times are not rounded, fields as in `PurchaseHistories`."""

    frequency: Floats
    recency: Floats
    age: Floats
    sum_log_gaps: Floats


def simulate_people(parameters: Buying, age: Floats, chance: Generator) -> Simulated:
    """Let people live from their first purchase to their age.

    Parameters
    ----------
    parameters
        The model; its unit of time is that of `age`.
    age
        Time from each person's first purchase to the end of observation.
    chance
        The source of randomness, so that a seed gives the same people again.
    """
    people = age.size
    rate = chance.gamma(parameters.r, 1 / parameters.alpha, people)
    steps = parameters.k if isinstance(parameters, MbgCnbd) else 1
    ends, leaving = age.copy(), np.zeros(people)
    if isinstance(parameters, ParetoNbd):
        lifetime = chance.exponential(1.0, people) / np.maximum(
            chance.gamma(parameters.s, 1 / parameters.beta, people), np.finfo(float).tiny
        )
        ends = np.minimum(age, lifetime)
    else:
        leaving = chance.beta(parameters.a, parameters.b, people)
    frequency, recency, log_gaps = np.zeros(people), np.zeros(people), np.zeros(people)
    alive = np.arange(people)
    # In BG/NBD nobody leaves after the first purchase: it is where counting starts.
    if not isinstance(parameters, BgNbd):
        alive = alive[chance.random(people) >= leaving]
    while alive.size:
        # A rate can underflow to 0: that person waits for ever.
        with np.errstate(divide="ignore"):
            gap = chance.gamma(steps, 1.0, alive.size) / rate[alive]
        came = recency[alive] + gap < ends[alive]
        alive, gap = alive[came], gap[came]
        frequency[alive] += 1
        recency[alive] += gap
        log_gaps[alive] += np.log(gap)
        alive = alive[chance.random(alive.size) >= leaving[alive]]
    return Simulated(frequency, recency, age, log_gaps)
