"""What earlier outcomes taught about the chance that an action is accepted; pure, and additive.

The chance of an action is what is expected of it today (by taste, interest or its base propensity),
corrected by what was learned::

    logit(chance) = logit(prior) + x . (w_all + w_place + w_group + w_action)

so without any outcome nothing changes, and a new action begins where its group stands. Each weight
is a Gaussian of its own; an outcome moves all that took part in one step. Two such models are kept
side by side: the *plain* one, whose x is 1, and the *personal* one, whose x are features of the
person and the circumstances. Which of them is used is for the caller to say.

References
----------
The step is that of assumed density filtering with a diagonal Gaussian and a local quadratic bound
of the logistic likelihood: Chapelle & Li, "An Empirical Evaluation of Thompson Sampling" (2011),
algorithm 3, with the shared variance of Graepel, Candela, Borchert & Herbrich, "Web-Scale Bayesian
Click-Through Rate Prediction" (2010). That natural parameters of such a posterior add over workers:
Broderick, Boyd, Wibisono, Wilson & Jordan, "Streaming Variational Bayes" (2013).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from customering.decision.features import BIAS
from customering.decision.learner_state import LearnerState
from customering.decision.learner_weights import PLAIN, Delta, Level, precision_of
from customering.decision.learning_settings import LearningSettings
from customering.decision.model import FoundBy
from customering.decision.prior import logit_of
from customering.decision.table import Floats, Table

_PRIOR, _RANK = "prior", "rank"
_PLAIN_PRIOR, _PLAIN_RANK = "plain prior", "plain rank"
_USUAL_LOGIT = -4.0  # the logit of an unlikely thing: centres the feature of the prior
_CURVATURE_LEAST = 1e-6
_OWN = 7  # columns of an example beside its features
_WAYS = get_args(FoundBy)


class Example(NamedTuple):
    """One action that somebody saw.

    Parameters
    ----------
    place
        The placement and the channel, as `place_of` writes them.
    group, action_id, found_by
        The action.
    prior
        The chance that was expected without learning, in [0, 1].
    rank
        Its place among the chosen, from 1.
    features
        Features of the person and the circumstances.
    """

    place: str
    group: str
    action_id: str
    found_by: str
    prior: float
    rank: int
    features: Mapping[str, float]


class Spread(NamedTuple):
    """What the model expects of candidates: the logit of each chance, and its standard error."""

    logits: Floats
    errors: Floats


class _Step(NamedTuple):
    """The weights that take part in one example: where they are, and their feature values.

    The first part belongs to the personal model, the second to the plain one.
    """

    at: NDArray[np.intp]
    x: Floats
    parts: tuple[slice, slice]
    precisions: Floats
    offset: float


def place_of(placement: str, channel: str) -> str:
    """Name what weights of a place belong to."""
    return f"{channel}:{placement}"


class Learner:
    """Learns from outcomes, one at a time.

    Parameters
    ----------
    settings
        How much is remembered and how fast it fades.
    state
        What was learned so far; None for nothing.
    """

    def __init__(self, settings: LearningSettings, state: LearnerState | None = None) -> None:
        self.settings = settings
        self.state = LearnerState(settings) if state is None else state
        self.open_places: frozenset[str] = frozenset()
        """The placements at which the personal model passed the gate."""

    # Learning

    def learn(self, example: Example, success: bool) -> None:
        """Take one outcome in."""
        step = self._step(example)
        state = self.state
        precisions, means = state.read(step.at, step.precisions)
        spread = step.x / precisions
        shrunk = step.x * spread
        target = 1.0 if success else 0.0
        for part in step.parts:
            chance, curvature, damping = _met(step, part, means, spread)
            spread[part] *= (target - chance) * damping
            shrunk[part] *= curvature * damping
        means += spread
        precisions /= 1.0 - shrunk
        state.write(step.at, precisions, means, step.precisions)
        state.count(example.place)

    def correct(self, example: Example) -> None:
        """Turn an earlier failure into the success it became.

        How much the example tells was counted when it failed: only the means move, by what a
        residual of 1 moves them.
        """
        step = self._step(example)
        precisions, means = self.state.read(step.at, step.precisions)
        spread = step.x / precisions
        for part in step.parts:
            spread[part] *= _met(step, part, means, spread)[2]
        means += spread
        self.state.write(step.at, precisions, means, step.precisions)
        self.state.updates += 1

    def begin_day(self, day: int) -> None:
        """Let everything fade to a UTC day; days that have passed already change nothing."""
        self.state.begin_day(day)

    def _step(self, example: Example) -> _Step:
        """Find the weights of an example: shared features at all levels, others at two."""
        state = self.state
        rows = [0, state.row(Level.PLACE, example.place)]
        if example.group:
            rows.append(state.row(Level.GROUP, example.group))
        rows.append(state.row(Level.ACTION, example.action_id))
        offset = logit_of(example.prior)
        most = self.settings.features_max - _OWN
        features = example.features
        if len(features) > most:
            features = dict(islice(features.items(), most))
        shared = {BIAS: 1.0, **features}
        slope, rank = (offset - _USUAL_LOGIT) / 4.0, math.log2(example.rank)
        names = [*shared, _PRIOR, _RANK, f"found_by={example.found_by}"]
        values = [*shared.values(), slope, rank, 1.0, 1.0, slope, rank]
        columns = state.columns([*names, PLAIN, _PLAIN_PRIOR, _PLAIN_RANK])
        layout = _layout(len(shared), len(rows))
        at = columns[layout.features] * state.width + np.array(rows)[layout.rows]
        return _Step(at, np.array(values)[layout.features], layout.parts, layout.precisions, offset)

    # Asking

    def chances(
        self,
        tables: Sequence[Table],
        priors: Floats,
        logits: Floats,
        place: str,
        features: Mapping[str, float] | None,
    ) -> Floats:
        """Give the chance of each candidate by what was learned, in [0, 1].

        Parameters
        ----------
        tables
            The candidates, one table after the other.
        priors, logits
            What is expected of each without learning, and its `logits_of`.
        place
            Where they would be shown, as `place_of` names it.
        features
            Features of the person and the circumstances; None asks the plain model.

        Returns
        -------
        ndarray
            Rounded to what 32 bits hold, so that the log keeps exactly what was used. Where nothing
            was learned anywhere these are the priors themselves.
        """
        if not self.state.updates:
            return priors
        found = logits + self._corrections(tables, logits, place, features)
        chances = 1.0 / (1.0 + np.exp(-found))
        rounded: Floats = chances.astype(np.float32).astype(np.float64)
        return rounded

    def spread(
        self,
        tables: Sequence[Table],
        logits: Floats,
        place: str,
        features: Mapping[str, float] | None,
    ) -> Spread:
        """Give the logits and their standard errors, for Thompson sampling."""
        state = self.state
        found = logits + self._corrections(tables, logits, place, features)
        known = {BIAS: 1.0, **features} if features is not None else {PLAIN: 1.0}
        rows = state.rows_of(tables)
        variances = state.variances(known)
        placed = state.placed(place)
        total = variances[0] + variances[placed] + variances[rows.groups] + variances[rows.actions]
        return Spread(found, np.sqrt(total))

    def _corrections(
        self,
        tables: Sequence[Table],
        logits: Floats,
        place: str,
        features: Mapping[str, float] | None,
    ) -> Floats:
        """Give what was learned of each candidate, as a shift of its logit."""
        state = self.state
        if features is None:
            sums, slope_name = state.sums({PLAIN: 1.0}), _PLAIN_PRIOR
        else:
            sums, slope_name = state.sums({**features, BIAS: 1.0}), _PRIOR
        placed, rows = state.placed(place), state.rows_of(tables)
        slope = state.weight(0, slope_name) + state.weight(placed, slope_name)
        shift = sums[0] + sums[placed] - slope * (_USUAL_LOGIT / 4.0)
        found: Floats = sums[rows.actions] + sums[rows.groups]
        found += (slope / 4.0) * logits
        found += shift
        if features is not None:
            ways = [f"found_by={how}" for how in _WAYS]
            weights = [state.weight(0, way) + state.weight(placed, way) for way in ways]
            found += np.array(weights)[_found_by(tables)]
        return found

    def taught(self, place: str) -> float:
        """Tell how many outcomes of a place were learned, older ones counting less."""
        return self.state.counts.get(place, 0.0)

    @property
    def version(self) -> str:
        """Name what was learned so far; empty when nothing was."""
        return f"{self.state.fingerprint}.{self.state.updates}" if self.state.updates else ""

    # Workers

    def delta(self, base: "Learner") -> Delta:
        """Give what was learned beyond a base from which this one was copied."""
        return self.state.minus(base.state)

    def add(self, deltas: Iterable[Delta]) -> None:
        """Take in what others learned from the same base."""
        for delta in deltas:
            self.state.plus(delta)


def _found_by(tables: Sequence[Table]) -> NDArray[np.intp]:
    if len(tables) == 1:
        return tables[0].ways
    return np.concatenate([table.ways for table in tables] or [np.zeros(0, np.intp)])


def _met(step: _Step, part: slice, means: Floats, spread: Floats) -> tuple[float, float, float]:
    """Give what one of the models expects of an example, how much that tells, and the damping.

    Weights that share in one error must not each make up for all of it: the variance of their sum
    damps the step.
    """
    x = step.x[part]
    chance = _sigmoid(step.offset + float(np.dot(x, means[part])))
    curvature = max(chance * (1.0 - chance), _CURVATURE_LEAST)
    return chance, curvature, 1.0 / (1.0 + curvature * float(np.dot(x, spread[part])))


class _Layout(NamedTuple):
    """Which feature and which row each weight of an example belongs to."""

    features: NDArray[np.intp]
    rows: NDArray[np.intp]
    parts: tuple[slice, slice]
    precisions: Floats


@lru_cache(maxsize=512)
def _layout(shared: int, rows: int) -> _Layout:
    """Lay out the weights of examples with so many shared features and rows.

    Without a group there are three rows: everybody, the place and the action.
    """
    levels = list(Level) if rows == len(Level) else [Level.ALL, Level.PLACE, Level.ACTION]
    whole, above = range(rows), range(2)
    personal = [(one, row) for one in range(shared) for row in whole]
    personal += [(one, row) for one in range(shared, shared + 3) for row in above]
    plain = [(shared + 3, row) for row in whole]
    plain += [(one, row) for one in (shared + 4, shared + 5) for row in above]
    pairs = np.array(personal + plain, dtype=np.intp)
    precisions = [
        precision_of(levels[row], BIAS if one in (0, shared + 3) else "")
        for one, row in personal + plain
    ]
    parts = slice(0, len(personal)), slice(len(personal), len(pairs))
    features, places = np.ascontiguousarray(pairs.T)
    return _Layout(features, places, parts, np.array(precisions))


def _sigmoid(value: float) -> float:
    if value >= 0.0:
        return 1.0 / (1.0 + math.exp(-value))
    grown = math.exp(max(value, -700.0))
    return grown / (1.0 + grown)
