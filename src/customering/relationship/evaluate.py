"""Were the predictions right: predicted against real purchases in days the model had not seen."""

import msgspec
import numpy as np

from customering.kernel.errors import Invalid
from customering.kernel.records import Record
from customering.relationship import buying
from customering.relationship.arrays import Floats
from customering.relationship.histories import purchases_on, summarise
from customering.relationship.model import HeldOut, PurchaseHistories, Purchases, ValueModel
from customering.relationship.parameters import Buying
from customering.relationship.value import fit_value

# One held-out window is one season: it may correct the totals, not multiply them.
_SCALE_LOWEST, _SCALE_HIGHEST = 0.5, 2.0


class Decile(Record, frozen=True, kw_only=True):
    """A tenth of the people by prediction; both means in purchase days a person."""

    people: int
    mean_predicted: float
    mean_actual: float


class Ranking(Record, frozen=True, kw_only=True):
    """How well a mere order of the people told who would buy; fields as in `HeldOut`."""

    correlation: float | None
    top_tenth_capture: float | None


class Checked(Record, frozen=True, kw_only=True):
    """One of the models that were fitted without the held-out days, against them.

    Parameters
    ----------
    name
        As people know it.
    log_likelihood
        Of the days it was fitted to: by this the model is chosen.
    held_out
        Its predictions against the held-out days; not scaled.
    calibration_error
        As in `HoldOutReport`.
    """

    name: str
    log_likelihood: float
    held_out: HeldOut
    calibration_error: float | None


class HoldOutReport(Record, frozen=True, kw_only=True):
    """What came of holding out the last days, and the model fitted to all days afterwards.

    Parameters
    ----------
    model
        Fitted to all days, with the check and the scale that follows from it.
    held_out
        The model fitted without the held-out days; not scaled.
    own_rate
        The rival: each person goes on at their own rate so far.
    recency
        The rival: whoever bought last is first.
    deciles
        The model's, lowest predictions first.
    calibration_error
        Over the deciles, the sum of what was predicted too much or too little, over what was
        bought; 0 is perfect. None when nothing was bought.
    rivals
        All models that were fitted without the held-out days, the chosen one first.
    choice
        Which was chosen for all days, and why, in words.
    """

    model: ValueModel
    held_out: HeldOut
    own_rate: HeldOut
    recency: Ranking
    deciles: tuple[Decile, ...]
    calibration_error: float | None = None
    rivals: tuple[Checked, ...] = ()
    choice: str = ""


def measure(predicted: Floats, actual: Floats) -> HeldOut:
    """Compare a prediction for each person with what they did.

    Raises
    ------
    Invalid
        When there is nobody or the lengths differ.
    """
    if predicted.shape != actual.shape or predicted.size == 0:
        raise Invalid(
            "predictions and purchases are not two arrays of one length",
            hint="give one prediction and one count a person, for at least one person",
        )
    error = predicted - actual
    total, bought = float(predicted.sum()), float(actual.sum())
    absolute = float(np.abs(error).sum())
    order = rank(predicted, actual)
    return HeldOut(
        people=int(predicted.size),
        predicted_total=total,
        actual_total=bought,
        bias=total / bought - 1 if bought else None,
        mean_absolute_error=absolute / predicted.size,
        root_mean_square_error=float(np.sqrt(np.mean(error**2))),
        wmape=absolute / bought if bought else None,
        correlation=order.correlation,
        top_tenth_capture=order.top_tenth_capture,
    )


def rank(score: Floats, actual: Floats) -> Ranking:
    """Compare an order of the people, best last, with what they did.

    Ties in the best tenth go to who stands first in the arrays, whatever they did.
    """
    best = np.argsort(-score, kind="stable")[: max(1, score.size // 10)]
    bought = float(actual.sum())
    vary = float(np.ptp(score)) > 0 and float(np.ptp(actual)) > 0
    return Ranking(
        correlation=float(np.corrcoef(score, actual)[0, 1]) if vary else None,
        top_tenth_capture=float(actual[best].sum()) / bought if bought else None,
    )


def deciles(predicted: Floats, actual: Floats) -> tuple[Decile, ...]:
    """Give mean prediction and mean purchases in each tenth of the people, lowest first."""
    order = np.argsort(predicted, kind="stable")
    return tuple(
        Decile(
            people=int(part.size),
            mean_predicted=float(predicted[part].mean()),
            mean_actual=float(actual[part].mean()),
        )
        for part in np.array_split(order, 10)
        if part.size
    )


def calibration_error(tenths: tuple[Decile, ...]) -> float | None:
    """Give how far predictions are off in their deciles, over all that was bought.

    Examples
    --------
    >>> calibration_error((Decile(people=10, mean_predicted=0.5, mean_actual=1.0),))
    0.5
    """
    bought = sum(part.people * part.mean_actual for part in tenths)
    off = sum(part.people * abs(part.mean_predicted - part.mean_actual) for part in tenths)
    return off / bought if bought else None


def own_rate(histories: PurchaseHistories, days: int) -> Floats:
    """Predict that each person goes on at their own rate: repeat purchases a day times days."""
    rate = np.divide(
        histories.frequency,
        histories.age_days,
        out=np.zeros(histories.frequency.size),
        where=histories.age_days > 0,
    )
    return rate * days


def fit_and_hold_out(
    purchases: Purchases,
    *,
    until_day: int,
    held_out_days: int,
    fitted_at_ms: int,
    currency: str = "",
    among: frozenset[str] | None = None,
) -> HoldOutReport:
    """Fit without the last days, compare with them, then fit to everything.

    The model that comes back expects `scale` times as many purchases as its parameters say, so that
    the total would have been right in the held-out days (between 0.5 and 2).

    Parameters
    ----------
    purchases
        All purchases; those after `until_day` are left out.
    until_day
        The last day, days since 1970; the held-out days end with it.
    held_out_days
        How many days to hold out, >= 1.
    fitted_at_ms, currency, among
        As in `value.fit_value`.

    Raises
    ------
    Invalid
        When nobody bought twice before the held-out days, or none are held out.
    """
    if held_out_days < 1:
        raise Invalid("no days are held out", hint="hold out at least one day, better 28 or more")
    known_day = until_day - held_out_days
    before = summarise(purchases, known_day)
    earlier = fit_value(before, until_day=known_day, fitted_at_ms=fitted_at_ms, among=among)
    actual = purchases_on(purchases, before.person, known_day, until_day)
    rivals = tuple(
        _checked(
            rival.name, rival.log_likelihood, predict(rival.buying, before, held_out_days), actual
        )
        for rival in earlier.contenders
    )
    checked = rivals[0].held_out
    silence = before.age_days - before.recency_days
    ratio = checked.actual_total / checked.predicted_total if checked.predicted_total else 1.0
    final = fit_value(
        summarise(purchases, until_day),
        until_day=until_day,
        fitted_at_ms=fitted_at_ms,
        currency=currency,
        among=among,
    )
    return HoldOutReport(
        model=msgspec.structs.replace(
            final,
            held_out_days=held_out_days,
            held_out=checked,
            scale=float(np.clip(ratio, _SCALE_LOWEST, _SCALE_HIGHEST)),
        ),
        held_out=checked,
        own_rate=measure(own_rate(before, held_out_days), actual),
        recency=rank(-silence, actual),
        deciles=deciles(predict(earlier.buying, before, held_out_days), actual),
        calibration_error=rivals[0].calibration_error,
        rivals=rivals,
        choice=buying.choice_in_words(final.contenders),
    )


def predict(model: Buying, histories: PurchaseHistories, days: int) -> Floats:
    """Give the purchases expected of each person in the days after their histories."""
    _, (expected,) = buying.expectations(model, histories, days)
    return expected


def _checked(name: str, log_likelihood: float, predicted: Floats, actual: Floats) -> Checked:
    return Checked(
        name=name,
        log_likelihood=log_likelihood,
        held_out=measure(predicted, actual),
        calibration_error=calibration_error(deciles(predicted, actual)),
    )
