"""Whether what is expected comes true: chances against what happened, tenth by tenth.

Two things are asked. *Calibration*: of what was given a chance of 4 %, do 4 % come true? *Lift*:
how much more often than the average does what was given the highest chances come true?
"""

import numpy as np

from customering.kernel.records import Record
from customering.outcomes.trials import Bools, Floats, Integers

LEAST = 200
"""Cases below which nothing is told."""

_SPREADS = 1.959963984540054


class Part(Record, frozen=True, kw_only=True):
    """Cases of similar chances.

    Parameters
    ----------
    cases
        How many.
    expected
        Their mean chance.
    real, low, high
        The share that came true, and its 95 % interval between people.
    lift
        That share over that of all cases.
    """

    cases: int
    expected: float
    real: float
    low: float
    high: float
    lift: float


class Calibration(Record, frozen=True, kw_only=True):
    """How true chances are.

    Parameters
    ----------
    cases, people
        On how many cases, of how many people, it rests.
    expected, real
        Mean chance, and the share that came true.
    parts
        From the lowest chances to the highest, of about equal size.
    off
        What the parts are off by in sum, as a share of all that came true; None when nothing did.
    surprise, surprise_before
        Mean negative logarithm of the chance of what happened, in nats: the lower the better; and
        the same of what was expected before learning, where that is known.
    """

    cases: int
    people: int
    expected: float
    real: float
    parts: tuple[Part, ...]
    off: float | None
    surprise: float
    surprise_before: float | None


def calibration(
    chance: Floats,
    happened: Bools,
    person: Integers,
    before: Floats | None = None,
    *,
    parts: int = 10,
) -> Calibration:
    """Compare chances with what happened.

    Parameters
    ----------
    chance
        The chance given to each case, in [0, 1].
    happened
        Whether it came true.
    person
        The number of the person of each case; cases of one person may resemble each other.
    before
        The chance expected before anything was learned.
    parts
        Into how many parts cases are cut.
    """
    order = np.argsort(chance, kind="stable")
    rate = float(happened.mean()) if len(happened) else 0.0
    told = tuple(
        _part(chance[some], happened[some], person[some], rate)
        for some in np.array_split(order, parts)
        if len(some)
    )
    came = float(happened.sum())
    off = sum(part.cases * abs(part.expected - part.real) for part in told)
    return Calibration(
        cases=len(chance),
        people=len(np.unique(person)),
        expected=float(chance.mean()) if len(chance) else 0.0,
        real=rate,
        parts=told,
        off=off / came if came else None,
        surprise=surprise(chance, happened),
        surprise_before=None if before is None else surprise(before, happened),
    )


def surprise(chance: Floats, happened: Bools) -> float:
    """Give the mean negative logarithm of the chance of what happened, in nats; 0 without cases."""
    if not len(chance):
        return 0.0
    kept = np.clip(chance, 1e-6, 1.0 - 1e-6)
    return float(-np.log(np.where(happened, kept, 1.0 - kept)).mean())


def _part(chance: Floats, happened: Bools, person: Integers, rate: float) -> Part:
    real = float(happened.mean())
    _, mine = np.unique(person, return_inverse=True)
    away = np.bincount(mine, happened - real)
    people = len(away)
    error = float(np.sqrt((away**2).sum() * people / max(people - 1, 1)) / len(chance))
    return Part(
        cases=len(chance),
        expected=float(chance.mean()),
        real=real,
        low=max(0.0, real - _SPREADS * error),
        high=min(1.0, real + _SPREADS * error),
        lift=real / rate if rate else 0.0,
    )
