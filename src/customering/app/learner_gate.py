"""Whether features of people may be used at a placement: judged by decisions it has not seen.

What was learned from the earlier decisions is asked what it would have done in the later ones. Only
where that is surely not worse than one action for everybody are features of the person and the
circumstances used; until then a placement uses what it learned of each action alone.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from customering.app.decided import latest_ms, open_decided, read_decided
from customering.app.engine import Engine
from customering.app.learner import GateVerdict
from customering.decision.learner import Learner, place_of
from customering.decision.learning_settings import LearningSettings
from customering.decision.model import LEAVE_ALONE, Considered
from customering.decision.weighed import WeighedDecision
from customering.kernel.clock import MS_PER_HOUR
from customering.outcomes.evidence import Evidence, EvidenceBuilder, Success
from customering.outcomes.gate import Gated, gate
from customering.outcomes.model import Attributed
from customering.outcomes.policies import greedy

LEARNED_SHARE = 0.6
"""Share of decisions, the earlier ones, from which the judged model learns."""

_MOST = 20_000
_SCARCE = "Not published: {count:,} decisions of people who permit it, and 400 are needed."
_LEAST = 400


class _Told(NamedTuple):
    """A decision of somebody who permits to be learned from, and what came of it."""

    decision: WeighedDecision
    person: str
    outcomes: tuple[Attributed, ...]


def judge_placements(engine: Engine) -> dict[str, GateVerdict]:
    """Judge the personal model at each placement by the log, and store the verdicts.

    Returns
    -------
    dict
        The verdict of each placement that has decisions to learn from.
    """
    settings = engine.settings.learning
    told = sorted(_told(engine), key=lambda one: one.decision.decided_at)
    by_placement: dict[str, list[_Told]] = {}
    for one in told:
        by_placement.setdefault(one.decision.placement, []).append(one)
    verdicts = {
        placement: _judged(engine, placement, some, settings)
        for placement, some in sorted(by_placement.items())
    }
    engine.learner.store_gate(verdicts)
    return verdicts


def _told(engine: Engine) -> Iterator[_Told]:
    open_decided(engine)
    windows = [
        engine.settings.learning.at(name, channel).window_hours or 0.0
        for name in ("", *engine.settings.learning.places)
        for channel in ("", *engine.settings.learning.channels)
    ]
    ripe_until = max(engine.present, latest_ms(engine)) - max(windows) * MS_PER_HOUR
    for one in read_decided(engine, most=_MOST):
        for decision in one.decisions:
            may = isinstance(decision, WeighedDecision) and decision.weighed.features is not None
            if may and decision.decided_at <= ripe_until:
                assert isinstance(decision, WeighedDecision), "asked above"
                outcomes = tuple(one.outcomes.get(decision.decision_id, ()))
                yield _Told(decision, one.person, outcomes)


def _judged(
    engine: Engine, placement: str, told: list[_Told], settings: LearningSettings
) -> GateVerdict:
    """Judge one placement."""
    if len(told) < _LEAST:
        words = _SCARCE.format(count=len(told))
        return GateVerdict(passes=False, words=words, effective_rows=0.0)
    split = round(LEARNED_SHARE * len(told))
    until_ms = told[split].decision.decided_at
    learner = engine.learner.learned_until(engine.reading_log, until_ms)
    channel = told[split].decision.channel
    success = settings.at(placement, channel).success or ()
    evidence, scores = _laid_out(told[split:], learner, success)
    found = judged_by(evidence, scores)
    if found.passes and found.gain is not None and found.gain.low == found.gain.high == 0.0:
        words = "Not needed: it would do the same for everybody."
        return GateVerdict(passes=False, words=words, effective_rows=found.effective_rows)
    return GateVerdict(passes=found.passes, words=found.words, effective_rows=found.effective_rows)


def judged_by(evidence: Evidence, scores: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Gated:
    """Judge the policy that does what has the highest of these scores."""
    if not len(evidence.trials):
        return gate(evidence.trials, evidence.trials.chances)
    _, margin = evidence.predictions()
    return gate(evidence.trials, greedy(evidence.trials, scores), margin)


def _laid_out(
    told: list[_Told], learner: Learner, success: tuple[str, ...]
) -> tuple[Evidence, "np.ndarray[tuple[int], np.dtype[np.float64]]"]:
    """Lay out decisions, and the score of each candidate by what was learned before them."""
    builder = EvidenceBuilder(Success(outcomes=success))  # type: ignore[arg-type]
    scores: list[float] = []
    for one in told:
        before = len(builder)
        builder.add(one.decision, one.person, one.outcomes)
        if len(builder) > before:
            scores += _scores(one.decision, learner)
    return builder.build(), np.array(scores, dtype=np.float64)


def _scores(decision: WeighedDecision, learner: Learner) -> Iterator[float]:
    """Give the score of each candidate that had a chance, by the personal model."""
    offer = decision.weighed.offer
    chances = learner.chances(
        offer.tables,
        offer.propensities,
        offer.logits,
        place_of(decision.placement, decision.channel),
        decision.weighed.features,
    )
    for place, one in enumerate(decision.candidates):
        if one.probability > 0.0:
            yield one.score if one.kind == LEAVE_ALONE else _rescored(one, float(chances[place]))


def _rescored(one: Considered, chance: float) -> float:
    return chance * one.value_minor * one.lever * one.context_weight * one.effect
