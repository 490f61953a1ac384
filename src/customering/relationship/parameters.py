"""The parameters of the models of value: how often people buy, and for how much."""

from typing import Annotated

import msgspec

from customering.kernel.records import Record

Positive = Annotated[float, msgspec.Meta(gt=0)]


class BgNbd(Record, frozen=True, kw_only=True, tag_field="model", tag="bg_nbd"):
    """Parameters of the BG/NBD model of repeat buying, all > 0.

    While alive a person buys at a rate that is gamma distributed over people (shape `r`, rate
    `alpha` in the unit of time of the data); after each repeat purchase they leave with a
    probability that is beta distributed over people (`a`, `b`).
    """

    r: Positive
    alpha: Positive
    a: Positive
    b: Positive


class MbgCnbd(Record, frozen=True, kw_only=True, tag_field="model", tag="mbg_cnbd"):
    """Parameters of the MBG/CNBD-k model of repeat buying, all > 0.

    As `BgNbd`, but a person may leave after the first purchase too, and buys *regularly*: the time
    between two purchases takes `k` steps, each as long as chance will have it, at the person's rate
    of steps. ``k = 1`` is pure chance (then it is the MBG/NBD model); the larger `k`, the more
    clockwork.
    """

    k: Annotated[int, msgspec.Meta(ge=1, le=8)]
    r: Positive
    alpha: Positive
    a: Positive
    b: Positive


class ParetoNbd(Record, frozen=True, kw_only=True, tag_field="model", tag="pareto_nbd"):
    """Parameters of the Pareto/NBD model of repeat buying, all > 0.

    While alive a person buys at a rate that is gamma distributed over people (shape `r`, rate
    `alpha`); they leave at any time, at a rate that is gamma distributed too (`s`, `beta`).
    """

    r: Positive
    alpha: Positive
    s: Positive
    beta: Positive


Buying = BgNbd | MbgCnbd | ParetoNbd
"""The parameters of one of the models of repeat buying; `buying` reads them all alike."""


class Contender(Record, frozen=True, kw_only=True):
    """One model that was fitted to the same histories as its rivals.

    Parameters
    ----------
    name
        As people know it, such as ``MBG/CNBD-2``.
    buying
        Its parameters; time in days.
    log_likelihood
        Of all that is known of each person's purchase days: the larger, the better explained. It
        compares, as all contenders have as many parameters and speak of the same days.
    """

    name: str
    buying: Buying
    log_likelihood: float


class GammaGamma(Record, frozen=True, kw_only=True):
    """Parameters of the gamma-gamma model of order values, all > 0.

    One person's orders vary around their own mean as a gamma (shape `p`); the inverse scales vary
    over people as a gamma (shape `q`, rate `v` in the unit of money of the data).
    """

    p: Positive
    q: Positive
    v: Positive
