"""Whom acting changes: the effect of being treated on each person, and whether it can be told.

Two logistic regressions on the same features, one for people who were treated and one for the
control group; the difference of their chances is the effect (a T-learner). Most differences between
people that such models find are noise, so they are judged on people they did not see: the ranking
is used only when its Qini coefficient is more than two standard deviations above what the same
scores reach when dealt out by chance.

References
----------
Künzel, Sekhon, Bickel, Yu. "Metalearners for estimating heterogeneous treatment effects using
machine learning", PNAS 2019.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from customering.kernel.errors import Invalid
from customering.kernel.records import Record
from customering.outcomes.qini import Kept, Tenth, kept_at, null_of_qini, qini, tenths
from customering.outcomes.trials import Bools, Floats
from customering.taste.logistic import Additive, fit_additive

FOLDS = 5
DEALS = 3
"""How often people are dealt into folds anew: one dealing alone moves Qini by a tenth."""

SHARES = (0.1, 0.2, 0.3, 0.5, 0.7, 0.8)
"""Of how many people contacted it is said what is kept."""

LEAST_SUCCESSES = 50
"""Successes in each group below which nothing is fitted."""

_SURE_SD = 2.0
NO_HETEROGENEITY = "no usable heterogeneity"

Verdict = Literal["too_few", "no_usable_heterogeneity", "usable"]


@dataclass(frozen=True, slots=True)
class TwoModels:
    """The chance of success when treated, and when not."""

    treated: Additive
    control: Additive

    def uplift(self, features: NDArray[np.floating]) -> Floats:
        """Give by how much being treated raises the chance of each person, in (-1, 1)."""
        rows = features.astype(np.float32)
        result: Floats = self.treated.probability(rows) - self.control.probability(rows)
        return result


class Uplift(Record, frozen=True, kw_only=True):
    """What is known of whom acting changes, all from people the models did not see.

    Parameters
    ----------
    people, treated
        How many people, and how many of them were treated.
    rate_treated, rate_control
        Share of success in each group.
    effect, effect_low, effect_high
        Their difference, and its 95 % interval.
    qini, qini_sd
        Mean of the coefficient over folds, and its standard deviation between them; the
        convention is that of scikit-uplift with ``negative_effect=True``.
    pooled_qini, null_mean, null_sd
        The coefficient of all people together, and its mean and standard deviation when the
        scores are dealt out by chance.
    kept
        What contacting only the top of the ranking keeps.
    tenths
        The effect in each tenth of the ranking, the best first.
    leave_alone_share
        The lowest tenths, as a share of people, in which together no effect was found.
    verdict, words
        Whether the ranking may be used.
    """

    people: int
    treated: int
    rate_treated: float
    rate_control: float
    effect: float
    effect_low: float
    effect_high: float
    qini: float
    qini_sd: float
    pooled_qini: float
    null_mean: float
    null_sd: float
    kept: tuple[Kept, ...]
    tenths: tuple[Tenth, ...]
    leave_alone_share: float
    verdict: Verdict
    words: str


def fit_two_models(features: NDArray[np.floating], treated: Bools, happened: Bools) -> TwoModels:
    """Fit the two models.

    Parameters
    ----------
    features
        What was known of each person before. Shape (people, features).
    treated
        Who was treated, by chance.
    happened
        Who succeeded.

    Raises
    ------
    Invalid
        When a group is empty.
    """
    if treated.all() or not treated.any():
        raise Invalid(
            "Everybody is in the same group.", hint="Keep a control group: decision.control_share."
        )
    rows = features.astype(np.float32)
    return TwoModels(
        treated=fit_additive(rows[treated], happened[treated]),
        control=fit_additive(rows[~treated], happened[~treated]),
    )


def out_of_fold(
    features: NDArray[np.floating], treated: Bools, happened: Bools, fold: NDArray[np.intp]
) -> Floats:
    """Predict the effect on each person by models that did not see their fold.

    Parameters
    ----------
    fold
        The fold of each person.
    """
    scores = np.zeros(len(happened))
    for held_out in np.unique(fold):
        seen = fold != held_out
        model = fit_two_models(features[seen], treated[seen], happened[seen])
        scores[~seen] = model.uplift(features[~seen])
    return scores


def judge_uplift(
    features: NDArray[np.floating],
    treated: Bools,
    happened: Bools,
    *,
    folds: int = FOLDS,
    deals: int = DEALS,
    seed: int = 1,
) -> Uplift:
    """Say whether it can be told whom acting changes.

    Parameters
    ----------
    features
        What was known of each person before. Shape (people, features).
    treated
        Who was treated, by chance.
    happened
        Who succeeded.
    folds, deals, seed
        Into how many parts people are dealt, how often, and the seed of all chance.
    """
    return ranked(features, treated, happened, folds=folds, deals=deals, seed=seed)[0]


def ranked(
    features: NDArray[np.floating],
    treated: Bools,
    happened: Bools,
    *,
    folds: int = FOLDS,
    deals: int = DEALS,
    seed: int = 1,
) -> tuple[Uplift, Floats]:
    """Give what `judge_uplift` says, and the scores it judged, each by models that did not see it.

    The scores are all 0 where there is too little to fit anything.
    """
    counts = [int(np.count_nonzero(happened & group)) for group in (treated, ~treated)]
    if min(counts) < LEAST_SUCCESSES:
        return _too_few(treated, happened, min(counts)), np.zeros(len(happened))
    scores, each = np.zeros(len(happened)), list[float]()
    for deal in range(deals):
        fold = dealt(treated, happened, folds, seed + deal)
        found = out_of_fold(features, treated, happened, fold)
        scores += found / deals
        for held_out in (fold == number for number in range(folds)):
            each.append(qini(happened[held_out], found[held_out], treated[held_out]))
    pooled = qini(happened, scores, treated)
    null = null_of_qini(happened, scores, treated, seed=seed)
    is_usable = pooled > null.mean() + _SURE_SD * null.std() and float(np.mean(each)) > 0
    by_tenth = tenths(happened, scores, treated)
    effect = tenths(happened, scores, treated, parts=1)[0]
    left_alone = _left_alone(by_tenth) if is_usable else 0.0
    judged = Uplift(
        people=len(happened),
        treated=int(treated.sum()),
        rate_treated=float(happened[treated].mean()),
        rate_control=float(happened[~treated].mean()),
        effect=effect.effect,
        effect_low=effect.low,
        effect_high=effect.high,
        qini=float(np.mean(each)),
        qini_sd=float(np.std(each)),
        pooled_qini=pooled,
        null_mean=float(null.mean()),
        null_sd=float(null.std()),
        kept=kept_at(happened, scores, treated, SHARES, seed=seed),
        tenths=by_tenth,
        leave_alone_share=left_alone,
        verdict="usable" if is_usable else "no_usable_heterogeneity",
        words=_words(is_usable, effect, left_alone),
    )
    return judged, scores


def dealt(treated: Bools, happened: Bools, folds: int, seed: int) -> NDArray[np.intp]:
    """Deal people into folds by chance, those of each group and outcome evenly."""
    rng = np.random.default_rng(seed)
    fold = np.zeros(len(happened), dtype=np.intp)
    begin = 0
    for group in (False, True):
        for outcome in (False, True):
            some = np.flatnonzero((treated == group) & (happened == outcome))
            fold[rng.permutation(some)] = (begin + np.arange(len(some))) % folds
            begin += len(some)
    return fold


def _left_alone(by_tenth: tuple[Tenth, ...]) -> float:
    """Give the share of people at the end of the ranking among whom no effect was found."""
    people = effect = variance = 0.0
    total = sum(tenth.people for tenth in by_tenth)
    left = 0.0
    for tenth in reversed(by_tenth):
        people += tenth.people
        effect += tenth.people * tenth.effect
        variance += (tenth.people * (tenth.high - tenth.low) / 2.0) ** 2
        if effect - variance**0.5 > 0:
            break
        left = people / total
    return left if left < 1.0 else 0.0


def _words(is_usable: bool, effect: Tenth, left_alone: float) -> str:
    if is_usable:
        alone = (
            f" Among the last {left_alone:.0%} no effect was found: leave them alone."
            if left_alone
            else ""
        )
        return f"Usable: it can be told whom acting changes.{alone}"
    if effect.low > 0:
        return f"There is {NO_HETEROGENEITY}: it helps, and nobody can be told apart. Act for all."
    if effect.high < 0:
        return f"There is {NO_HETEROGENEITY}: it does harm, and nobody is exempt. Act for nobody."
    return f"There is {NO_HETEROGENEITY}, and no effect that can be told."


def _too_few(treated: Bools, happened: Bools, least: int) -> Uplift:
    effect = tenths(happened, np.zeros(len(happened)), treated, parts=1)[0]
    return Uplift(
        people=len(happened),
        treated=int(treated.sum()),
        rate_treated=float(happened[treated].mean()) if treated.any() else 0.0,
        rate_control=float(happened[~treated].mean()) if not treated.all() else 0.0,
        effect=effect.effect,
        effect_low=effect.low,
        effect_high=effect.high,
        qini=0.0,
        qini_sd=0.0,
        pooled_qini=0.0,
        null_mean=0.0,
        null_sd=0.0,
        kept=(),
        tenths=(),
        leave_alone_share=0.0,
        verdict="too_few",
        words=(
            f"Too few: {LEAST_SUCCESSES} successes in each group are needed, and the smaller has"
            f" {least}."
        ),
    )
