"""Where and when a person answers: the best channel, and the best hour to get in touch.

Days on which somebody answered count the less the longer ago they are. To them is added what
everybody does, worth a few answers, so that one answer at night makes nobody a night owl. Below a
handful of answers it says that it does not know.

References
----------
Drawing the rates of few observations towards the rate of all is the mean of the posterior of a
binomial, and of a multinomial, under a conjugate prior: Gelman et al., "Bayesian Data Analysis",
third edition, sections 2.4 and 3.4.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from customering.kernel.records import Record
from customering.taste.items import Floats

HOURS = 24
HALF_LIFE_DAYS = 60.0
"""After so many days an answer counts half."""

ANSWERS_LEAST = 3.0
"""Answers, faded, below which nothing is said of a person."""

_RATE_UNKNOWN = 0.1
_WORTH_CONTACTS = 4.0  # of what everybody does, beside a person's own
_WORTH_ANSWERS = 3.0
_NEAR = (0.25, 0.5, 0.25)  # an answer at nine speaks for eight and ten as well, half as much
_CLEARLY = 1.25  # times the mean hour, below which no hour is better than another


class Everybody(Record, frozen=True, kw_only=True):
    """How everybody answers.

    Parameters
    ----------
    rates
        Share of the days of contact by each channel on which an answer came, in [0, 1].
    hours
        Share of the answers in each hour of the day, UTC; 24 numbers that sum to 1.
    people
        People who answered.
    """

    rates: dict[str, float]
    hours: tuple[float, ...] = (1 / HOURS,) * HOURS
    people: int = 0


NOBODY = Everybody(rates={})
"""When nobody's answers are known."""


class BestChannel(Record, frozen=True, kw_only=True):
    """The channel to get in touch by.

    Parameters
    ----------
    channel
        Which.
    rate
        Estimated chance that a contact by it is answered, in [0, 1].
    is_known
        Whether the person's own answers say so.
    words
        Why, as the person reads it.
    """

    channel: str
    rate: float
    is_known: bool
    words: str


class BestHour(Record, frozen=True, kw_only=True):
    """The hour of the day to get in touch at.

    Parameters
    ----------
    hour
        Of the day in UTC, 0 to 23; None when nothing is known.
    share
        Estimated share of the person's answers in this hour, in [0, 1].
    is_known
        Whether the person's own answers say so.
    words
        Why, as the person reads it; the hour in it is by the clock that was handed in.
    """

    hour: int | None
    share: float
    is_known: bool
    words: str


def best_channel(
    answered: Mapping[str, Sequence[int]],
    contacted: Mapping[str, Sequence[int]],
    among: Sequence[str],
    today: int,
    everybody: Everybody = NOBODY,
) -> BestChannel:
    """Give the channel by which a person answers most.

    Parameters
    ----------
    answered, contacted
        By channel the UTC day numbers on which they answered, and on which we got in touch.
    among
        The channels that come into question, at least one; of equals the first is taken.
    today
        UTC day number of asking.
    everybody
        How everybody answers.

    Examples
    --------
    >>> best = best_channel({"push": [9, 8, 7, 6]}, {"push": [9, 8, 7, 6], "email": [9]},
    ...                     ["email", "push"], 10)
    >>> best.channel, best.is_known
    ('push', True)
    """
    rates = []
    for channel in among:
        answers = _faded(answered.get(channel, ()), today)
        contacts = max(_faded(contacted.get(channel, ()), today), answers)
        usual = everybody.rates.get(channel, _RATE_UNKNOWN)
        rates.append((answers + _WORTH_CONTACTS * usual) / (contacts + _WORTH_CONTACTS))
    best = int(np.argmax(rates))
    channel = among[best]
    is_known = sum(_faded(answered.get(one, ()), today) for one in among) >= ANSWERS_LEAST
    if len(among) == 1:
        words = f"You may be reached by {channel} only."
    elif is_known:
        words = f"You answer most by {channel}."
    else:
        words = f"We do not know yet by which way you answer most, so it goes by {channel}."
    return BestChannel(channel=channel, rate=rates[best], is_known=is_known, words=words)


def best_hour(
    answered: Mapping[str, Sequence[int]],
    today: int,
    everybody: Everybody = NOBODY,
    *,
    allowed: Iterable[int] = range(HOURS),
    clock: Mapping[int, int] | None = None,
) -> BestHour:
    """Give the hour at which a person answers most, of those at which we may get in touch.

    Parameters
    ----------
    answered
        By hour of the day in UTC, written as digits, the UTC day numbers on which they answered.
    today
        UTC day number of asking.
    everybody
        How everybody answers.
    allowed
        Hours, UTC, that come into question; of equals the first is taken.
    clock
        The hour by the person's own clock for each hour in UTC; None where they are the same.

    Examples
    --------
    >>> best_hour({"19": [1, 2, 3, 4], "9": [4]}, 5).words
    'You answer most around 19:00.'
    """
    own = np.zeros(HOURS)
    for hour in range(HOURS):
        own[hour] = _faded(answered.get(str(hour), ()), today)
    known = float(own.sum())
    among = list(allowed)
    if known < ANSWERS_LEAST or not among:
        return _UNKNOWN
    shares = _shares(own, everybody)
    best = max(among, key=lambda hour: shares[hour])
    if shares[best] < _CLEARLY / HOURS:
        return _UNKNOWN
    told = best if clock is None else clock[best]
    return BestHour(
        hour=best,
        share=float(shares[best]),
        is_known=True,
        words=f"You answer most around {told:02d}:00.",
    )


_UNKNOWN = BestHour(
    hour=None, share=0.0, is_known=False, words="We do not know yet at which hour you answer most."
)


def _shares(own: Floats, everybody: Everybody) -> Floats:
    """Give the share of answers in each hour: a person's own, drawn towards everybody's."""
    usual = np.array(everybody.hours)
    before, here, after = _NEAR
    near: Floats = here * own + before * np.roll(own, 1) + after * np.roll(own, -1)
    shares: Floats = (near + _WORTH_ANSWERS * usual) / (own.sum() + _WORTH_ANSWERS)
    return shares


def _faded(days: Sequence[int], today: int) -> float:
    """Count days, each the less the longer ago it is; days to come are not counted."""
    return float(sum(0.5 ** ((today - day) / HALF_LIFE_DAYS) for day in days if day <= today))
