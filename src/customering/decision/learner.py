"""What earlier outcomes taught about the chance that an action is accepted; pure, and additive.

The chance of an action is what is expected of it today (by taste, interest or its base propensity),
corrected by what was learned::

    logit(chance) = logit(prior) + z . w_all + x . w_group + w_action

so without any outcome nothing changes, and a new action begins where its group stands. x are
features of the person and the circumstances; z are these, what is expected, the place, and the
*matches*: how much there is of the action's own group in a feature, such as the share of bread in
what somebody buys for an offer of bread. A match has one weight for all groups, so that what bread
teaches holds for wine. All weights are one Gaussian with all covariances (`learner_moments`).

Two such models are kept side by side: the *plain* one, which knows nothing of the person, and the
*personal* one. Which of them is used is for the caller to say.

References
----------
Each outcome adds the quadratic approximation of its log likelihood at the weights known by then, as
in the extended Kalman filter; Chapelle & Li, "An Empirical Evaluation of Thompson Sampling" (2011),
algorithm 3, is the same with a diagonal. While little is known the approximation is repeated at the
weights it leads to (Bell & Cathey, "The Iterated Kalman Filter Update as a Gauss-Newton Method",
1993).
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import is_
from typing import NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from customering.decision.features import BIAS
from customering.decision.learner_delta import Delta
from customering.decision.learner_model import LearnedModel
from customering.decision.learner_moments import NO_GROUP
from customering.decision.learner_state import LearnerState
from customering.decision.learner_weights import (
    FOUND_BY,
    SLOPE,
    SLOPE_UNIT,
    USUAL_LOGIT,
    match_of,
    name_at,
)
from customering.decision.learner_weights import Example as Example
from customering.decision.learner_weights import place_of as place_of
from customering.decision.learning_settings import LearningSettings
from customering.decision.model import FoundBy
from customering.decision.table import Floats, Table

_WAYS = get_args(FoundBy)


class Spread(NamedTuple):
    """What the model expects of candidates: the logit of each chance, and its standard error."""

    logits: Floats
    errors: Floats


class _Match(NamedTuple):
    """The place of the group that a feature is about, and the weight of the match."""

    group: int
    weight: float


class _AtPlace(NamedTuple):
    """What is added to every logit at a place, by how much its prior counts more, and by way."""

    shift: float
    slope: float
    ways: Floats


class _WorkedOut(NamedTuple):
    """What was worked out of some weights: by feature, and by model and place."""

    stamp: tuple[object, object, object]
    matches: dict[str, _Match]
    places: dict[tuple[LearnedModel, str], _AtPlace]


class Learner:
    """Learns from outcomes.

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
        self._known = _WorkedOut((None, None, None), {}, {})

    # Learning

    def learn(self, example: Example, success: bool) -> None:
        """Take one outcome in; what is asked knows of it as soon as enough have come together."""
        self.state.take(example, success)
        self.state.count(example.place)

    def correct(self, example: Example) -> None:
        """Turn an earlier failure into the success it became.

        How much the example tells was counted when it failed: only the surprise is new.
        """
        self.state.take(example, success=True, is_turned=True)

    def settle(self) -> None:
        """Learn all that is waiting, out of turn: before a copy is made for workers."""
        self.state.settle()

    def begin_day(self, day: int) -> None:
        """Let everything fade to a UTC day; days that have passed already change nothing."""
        self.state.begin_day(day)

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
        """Give the logits and their standard errors, for Thompson sampling.

        The errors are those given what is common to all candidates, which cannot tell them apart.
        """
        state = self.state
        found = logits + self._corrections(tables, logits, place, features)
        if features is None:
            model, variances = state.plain, state.plain.variances({BIAS: 1.0})
        else:
            model = state.personal
            variances = model.variances({**features, BIAS: 1.0})
        rows = state.rows_of(tables)
        errors = np.sqrt(variances[rows.groups] + model.posterior.arm_variances[rows.arms])
        return Spread(found, errors)

    def _corrections(
        self,
        tables: Sequence[Table],
        logits: Floats,
        place: str,
        features: Mapping[str, float] | None,
    ) -> Floats:
        """Give what was learned of each candidate, as a shift of its logit."""
        state, known = self.state, self._worked_out()
        if features is None:
            model, sums = state.plain, state.plain.sums({BIAS: 1.0})
        else:
            model = state.personal
            sums = model.sums({**features, BIAS: 1.0})
            self._add_matches(sums, features, known.matches)
        at = known.places.get((model, place))
        if at is None:
            at = known.places[model, place] = _at_place(model, place)
        rows = state.rows_of(tables)
        found: Floats = (sums + at.shift)[rows.groups]
        found += model.posterior.arms[rows.arms]
        found += at.slope * logits
        found += at.ways[_found_by(tables)]
        return found

    def _worked_out(self) -> _WorkedOut:
        """Give what was worked out of the weights of now; new weights begin anew."""
        state, known = self.state, self._known
        stamp = state.personal.weights, state.plain.weights, state.layout
        if not all(map(is_, known.stamp, stamp)):
            known = self._known = _WorkedOut(stamp, {}, {})
        return known

    def _add_matches(
        self, sums: Floats, features: Mapping[str, float], known: dict[str, _Match]
    ) -> None:
        """Add for each group what there is of it in the features."""
        for feature, value in features.items():
            match = known.get(feature)
            if match is None:
                match = known[feature] = self._match(feature)
            if match.weight:
                sums[match.group] += match.weight * value

    def _match(self, feature: str) -> _Match:
        """Find the group that a feature is about, and what a match is worth."""
        for group, place in self.state.groups.items():
            name = match_of(feature, group)
            if name is not None:
                return _Match(place, self.state.personal.weight(name))
        return _Match(NO_GROUP, 0.0)

    def taught(self, place: str) -> float:
        """Tell how many outcomes of a place were learned, older ones counting less."""
        return self.state.counts.get(place, 0.0)

    @property
    def stamp(self) -> object:
        """Another object whenever the chances may be others."""
        return self._worked_out()

    @property
    def version(self) -> str:
        """Name what was learned so far; empty when nothing was."""
        return f"{self.state.fingerprint}.{self.state.updates}" if self.state.updates else ""

    # Workers

    def delta(self, base: "Learner") -> Delta:
        """Give what was learned beyond a base from which this one was copied, once it settled."""
        return self.state.minus(base.state)

    def add(self, deltas: Iterable[Delta]) -> None:
        """Take in what others learned from the same base."""
        for delta in deltas:
            self.state.plus(delta)


def _at_place(model: LearnedModel, place: str) -> _AtPlace:
    """Put together what holds for all candidates at one place."""

    def both(name: str) -> float:
        return model.weight(name) + model.weight(name_at(name, place))

    slope = both(SLOPE) / SLOPE_UNIT
    # The bias of all is among the sums already.
    shift = model.weight(name_at(BIAS, place)) - slope * USUAL_LOGIT
    return _AtPlace(shift, slope, np.array([both(FOUND_BY + way) for way in _WAYS]))


def _found_by(tables: Sequence[Table]) -> NDArray[np.intp]:
    if len(tables) == 1:
        return tables[0].ways
    return np.concatenate([table.ways for table in tables] or [np.zeros(0, np.intp)])
