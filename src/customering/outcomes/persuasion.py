"""What acting does to each person, kept as a model that can be asked about anybody.

People are ranked by how much acting changes their chance to buy (`uplift`), and the ranking is cut
into at most three runs: those whom acting surely puts off, those among whom no effect was found,
and those it moves. A person is told the effect that was *measured* in their run, among people whom
the models that ranked them had not seen. Nothing is told unless the ranking as a whole is better
than chance: a model that passes no gate feeds nobody.
"""

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from customering.kernel.chance import draw
from customering.kernel.records import Record
from customering.outcomes.trials import Bools, Floats
from customering.outcomes.uplift import Uplift, fit_two_models, ranked
from customering.relationship.model import Persuasion, PersuasionKind
from customering.taste.logistic import Additive

PARTS = 10
"""The ranking is cut at tenths of people."""

_SURE = 0.95
# Every run that begins at the bottom is looked at, so that the surest sign is asked of each.
_SPREADS = NormalDist().inv_cdf(1 - (1 - _SURE) / 2 / (PARTS - 1))


class Logit(Record, frozen=True, kw_only=True):
    """A logistic regression on standardised features, as it is kept."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float

    def chance(self, features: Sequence[float]) -> float:
        """Give the chance of one person, in (0, 1)."""
        odds = self.intercept
        for value, mean, scale, weight in zip(
            features, self.mean, self.scale, self.weights, strict=True
        ):
            odds += (value - mean) / scale * weight
        return 1.0 / (1.0 + math.exp(-min(max(odds, -30.0), 30.0)))


def is_never_applied(seed: int, person_id: str, share: float) -> bool:
    """Tell whether what is learned is never applied to a person, to be measured on them again."""
    return draw(seed, "persuasion", person_id) < share


class Run(Record, frozen=True, kw_only=True):
    """People next to each other in the ranking, and the effect that was measured among them.

    Parameters
    ----------
    below
        People whose uplift is less than this belong here, unless an earlier run has them; None for
        the last run.
    people
        How many it was measured on.
    effect, low, high
        Difference of the two rates, and its interval, which holds for all runs at once.
    rate_with, rate_without
        Share of people who bought, when we acted and when we did not.
    is_moved, is_put_off
        Whether acting helps, and whether it does harm; neither where no effect was found.
    """

    below: float | None
    people: int
    effect: float
    low: float
    high: float
    rate_with: float
    rate_without: float
    is_moved: bool = False
    is_put_off: bool = False


class Scope(Record, frozen=True, kw_only=True):
    """What was learned of one way of acting.

    Parameters
    ----------
    name
        ``contact`` for getting in touch at all, ``contact:email`` for one channel,
        ``action:bread_week`` for one action.
    words
        The same as it is read.
    judged
        How well it can be told whom it changes.
    treated, control
        The chance to buy when we act and when we do not; None where too little is known.
    runs
        From those it helps least to those it helps most; empty unless the gate is passed.
    """

    name: str
    words: str
    judged: Uplift
    treated: Logit | None = None
    control: Logit | None = None
    runs: tuple[Run, ...] = ()

    @property
    def is_fed(self) -> bool:
        """Whether it may be told of people."""
        return bool(self.runs)


class PersuasionModel(Record, frozen=True, kw_only=True):
    """Whom acting changes, by ways of acting: the artifact of a fit.

    Parameters
    ----------
    scopes
        The ways of acting, the widest first.
    fitted_at_ms
        When it was fitted.
    first_day, through_day
        Days on which people came into the comparison, and the last day of their purchases; UTC day
        numbers.
    days
        Within how many days a purchase counted.
    """

    scopes: tuple[Scope, ...]
    fitted_at_ms: int
    first_day: int
    through_day: int
    days: int

    @property
    def is_fed(self) -> bool:
        """Whether anything of it may be told of people."""
        return any(scope.is_fed for scope in self.scopes)

    def about(self, features: Sequence[float]) -> dict[str, Persuasion]:
        """Say what acting does to somebody, by name of the way; only what passed its gate.

        Parameters
        ----------
        features
            As `features_of` gives them.
        """
        return {
            scope.name: _told(scope, features, self.days) for scope in self.scopes if scope.is_fed
        }


def fit_scope(
    name: str,
    words: str,
    features: NDArray[np.floating],
    treated: Bools,
    happened: Bools,
    *,
    seed: int = 1,
) -> Scope:
    """Learn whom one way of acting changes.

    Parameters
    ----------
    name, words
        As in `Scope`.
    features
        What was known of each person before. Shape (people, features).
    treated
        For whom we acted, by chance.
    happened
        Who bought.
    seed
        Seed of all chance.
    """
    judged, scores = ranked(features, treated, happened, seed=seed)
    if judged.verdict != "usable":
        return Scope(name=name, words=words, judged=judged)
    models = fit_two_models(features, treated, happened)
    runs = _runs(scores, models.uplift(features), treated, happened)
    if len(runs) < 2:  # then nobody is told from anybody
        return Scope(name=name, words=words, judged=judged)
    return Scope(
        name=name,
        words=words,
        judged=judged,
        treated=_kept(models.treated),
        control=_kept(models.control),
        runs=runs,
    )


def _told(scope: Scope, features: Sequence[float], days: int) -> Persuasion:
    assert scope.treated is not None, "a scope that is fed has both models"
    assert scope.control is not None, "a scope that is fed has both models"
    anyway = scope.control.chance(features)
    uplift = scope.treated.chance(features) - anyway
    run = next(one for one in scope.runs if one.below is None or uplift < one.below)
    return Persuasion(
        effect=run.effect,
        low=run.low,
        high=run.high,
        kind=_kind(run, anyway, scope.judged.rate_control),
        share=_share(run),
        rate_with=run.rate_with,
        rate_without=run.rate_without,
        days=days,
    )


def _kind(run: Run, anyway: float, usual: float) -> PersuasionKind:
    """Name what acting does; where it changes nothing, by whether they buy without it."""
    if run.is_put_off:
        return "put off"
    if run.is_moved:
        return "persuadable"
    return "would buy anyway" if anyway >= usual else "would not buy either way"


def _share(run: Run) -> float:
    """Give of what people of a run take up the share that would not have come without us."""
    if not run.is_moved or run.rate_with <= 0.0:
        return 0.0
    return min(max(run.effect / run.rate_with, 0.0), 1.0)


def _kept(model: Additive) -> Logit:
    return Logit(
        mean=tuple(model.mean.tolist()),
        scale=tuple(model.scale.tolist()),
        weights=tuple(model.weights[:, 0].tolist()),
        intercept=model.intercept,
    )


class _Measured(NamedTuple):
    """What was measured among some people; as in `Run`."""

    people: int
    effect: float
    low: float
    high: float
    rate_with: float
    rate_without: float

    @property
    def deviations(self) -> float:
        """The effect in standard deviations."""
        return self.effect / max((self.high - self.effect) / _SPREADS, 1e-12)


def _runs(scores: Floats, uplift: Floats, treated: Bools, happened: Bools) -> tuple[Run, ...]:
    """Cut the ranking where the effect changes its meaning.

    Parameters
    ----------
    scores
        The uplift of each person, by models that did not see them.
    uplift
        The same by the models that are kept, to find where a person of tomorrow belongs.
    """
    parts = np.array_split(np.argsort(scores, kind="stable"), PARTS)

    def measured(begin: int, end: int) -> _Measured:
        return _measured(np.concatenate(parts[begin:end]), treated, happened)

    harmed = [end for end in range(1, PARTS) if measured(0, end).high < 0.0]
    # Where the sign is clearest, harm ends: further tenths would only be dragged along.
    put_off = min(harmed, key=lambda end: measured(0, end).deviations, default=0)
    moved = _begin_of_moved(put_off, measured)
    runs = []
    for begin, end in ((0, put_off), (put_off, moved), (moved, PARTS)):
        if begin < end:
            found = measured(begin, end)
            below = None if end == PARTS else float(np.quantile(uplift, end / PARTS))
            runs.append(
                Run(
                    below=below,
                    is_moved=begin == moved,
                    is_put_off=end == put_off,
                    **found._asdict(),
                )
            )
    return tuple(runs)


def _begin_of_moved(first: int, measured: Callable[[int, int], _Measured]) -> int:
    """Give the tenth from which on people are moved; `PARTS` when nobody surely is.

    It is the first with which those below are no longer without effect. Where all together are,
    only the most tenths at the top among whom acting surely helps.
    """
    for end in range(first + 1, PARTS + 1):
        if measured(first, end).deviations > 1.0:
            return end - 1
    return min(
        (at for at in range(first + 1, PARTS) if measured(at, PARTS).low > 0.0), default=PARTS
    )


def _measured(people: NDArray[np.intp], treated: Bools, happened: Bools) -> _Measured:
    """Measure the two rates of some people, their difference and its interval."""
    rates, error = [], 0.0
    for group in (treated[people], ~treated[people]):
        count = max(int(group.sum()), 1)
        bought = float(happened[people][group].sum())
        rates.append(bought / count)
        # A group in which all or nobody bought still leaves doubt (Agresti & Caffo 2000).
        doubted = (bought + 1.0) / (count + 2.0)
        error += doubted * (1.0 - doubted) / (count + 2.0)
    effect, away = rates[0] - rates[1], _SPREADS * error**0.5
    return _Measured(len(people), effect, effect - away, effect + away, rates[0], rates[1])
