"""A new model against the one in use, on the same days, which neither has seen.

Each is asked as of the day before those days. A model in use that was fitted to some of them cannot
be asked: then the way it is made is, fitted to what was known by that day. Where both are made the
same way there is nothing to compare, and the one with newer data is merely brought up to date.
"""

import math
from collections.abc import Callable

import numpy as np

from customering.app.model_settings import ModelsSettings
from customering.app.model_version import Comparison, ModelVersion
from customering.kernel.errors import Invalid
from customering.kernel.records import Record
from customering.relationship.arrays import Floats
from customering.relationship.evaluate import fit_and_hold_out, predict
from customering.relationship.histories import purchases_on, summarise
from customering.relationship.model import Purchases as Orders
from customering.relationship.model import ValueModel
from customering.taste.evaluate import Split, grade, next_basket_after
from customering.taste.history import Ints, histories
from customering.taste.history import Purchases as Lines
from customering.taste.model import TasteModel
from customering.taste.rank import Ranking, rank_many
from customering.taste.train import train

_PLACES = 10
_PEOPLE_LEAST = 20

VALUE_MEASURE = "squared error in purchase days, a person, with its sign turned"
TASTE_MEASURE = "NDCG@10 of the next basket"


class Verdict(Record, frozen=True):
    """What becomes of a new model.

    Parameters
    ----------
    is_kept, is_used
        Whether it is kept at all, and put in use.
    words
        Why.
    comparison
        The figures behind it, where there are any.
    """

    is_kept: bool
    is_used: bool
    words: str
    comparison: Comparison | None = None


def judge_challenger(
    challenger: ModelVersion,
    champion: ModelVersion | None,
    *,
    by_hand: bool,
    settings: ModelsSettings,
    compare: Callable[[int], Comparison | None],
) -> Verdict:
    """Say whether a new model takes the place of the one in use.

    Parameters
    ----------
    challenger, champion
        The new one, and the one in use, if any.
    by_hand
        Whether somebody chose the one in use.
    settings
        How they are judged.
    compare
        Compares both on the days after a day; None when that is not possible.
    """
    if champion is None:
        return Verdict(True, True, "It is the first of its kind, and in use.")
    if challenger.is_same_as(champion):
        return Verdict(False, False, "Nothing is new: the model in use was made of the same data.")
    cut = challenger.through_day - settings.compared_days
    if champion.through_day > cut and challenger.is_refit_of(champion):
        newer = challenger.through_day - champion.through_day
        what = f"{newer} newer days" if newer > 0 else "other data for the same days"
        if by_hand:
            return Verdict(
                True,
                False,
                f"It is made as the model in use is, with {what}; that one was chosen by hand and"
                " stays until another proves better.",
            )
        return Verdict(
            True, True, f"It is the model in use brought up to date, with {what}; it is in use."
        )
    found = compare(cut)
    if found is None:
        return Verdict(
            True, False, "It is kept: there are too few days or people to compare the two on."
        )
    return _weigh(found, settings)


def _weigh(found: Comparison, settings: ModelsSettings) -> Verdict:
    days = found.through_day - found.first_day + 1
    told = (
        f"{found.gain:+.4f} ({found.low:+.4f} to {found.high:+.4f}) in {found.measure}, over"
        f" {found.people:,} people and {days} days unseen by both"
    )
    if found.low > 0:
        return Verdict(True, True, f"It is better beyond doubt, and in use: {told}.", found)
    if found.gain > 0 and not settings.surely_better:
        return Verdict(True, True, f"It is better, if not beyond doubt, and in use: {told}.", found)
    if found.gain > 0:
        return Verdict(True, False, f"It is kept: not better beyond doubt: {told}.", found)
    return Verdict(True, False, f"It is kept: the model in use is no worse: {told}.", found)


def compare_value(
    orders: Orders, champion: ValueModel, *, cut: int, through_day: int
) -> Comparison | None:
    """Compare what two value models expected of everybody in the days after a cut.

    By squared error, which is least for whoever expects the mean. Each is scaled as it would be in
    use. None when there is too little to fit one by the cut.
    """
    days = through_day - cut
    try:
        as_made_now = _value_as_of(orders, cut, days)
        in_use = champion
        if champion.observed_until_day > cut:
            in_use = _value_as_of(orders, cut, days, names=_names(champion))
    except Invalid:
        return None
    before = summarise(orders, cut)
    actual = purchases_on(orders, before.person, cut, through_day)
    scores = [
        -((model.scale * predict(model.buying, before, days) - actual) ** 2)
        for model in (in_use, as_made_now)
    ]
    return _compared(VALUE_MEASURE, cut + 1, through_day, *scores)


def _value_as_of(
    orders: Orders, cut: int, held_out_days: int, names: frozenset[str] | None = None
) -> ValueModel:
    report = fit_and_hold_out(
        orders, until_day=cut, held_out_days=held_out_days, fitted_at_ms=0, among=names
    )
    return report.model


def _names(model: ValueModel) -> frozenset[str]:
    """Give the models among which one was chosen; before there were several it was BG/NBD."""
    return frozenset(one.name for one in model.contenders) or frozenset(["BG/NBD"])


def compare_taste(
    lines: Lines,
    products: list[str],
    champion: TasteModel,
    *,
    cut: int,
    through_day: int,
    now: TasteModel,
) -> Comparison | None:
    """Compare the lists of two taste models for the first basket after a cut.

    Parameters
    ----------
    lines, products
        What everybody bought; the product of each item number.
    champion, now
        The model in use, and the new one, of which only the settings matter.
    cut, through_day
        Last day known, and last day of the baskets looked for.
    """
    split = next_basket_after(lines, cut, days=through_day - cut)
    if len(split.truth.person) == 0:
        return None
    try:
        as_made_now = train(split.known, products, through_day=cut, settings=now.settings)
        in_use = champion
        if champion.through_day > cut:
            in_use = train(split.known, products, through_day=cut, settings=champion.settings)
    except Invalid:
        return None
    scores = [grade(_lists(model, split, products), split).ndcg for model in (in_use, as_made_now)]
    return _compared(TASTE_MEASURE, cut + 1, through_day, *scores)


def _lists(model: TasteModel, split: Split, products: list[str]) -> Ranking:
    """Give everybody's list in the item numbers of the split, whatever numbers the model has."""
    known = split.known
    theirs = np.array([model.index.get(product, -1) for product in products], dtype=np.int64)
    ours = np.full(len(model.products) + 1, -1, dtype=np.int64)
    ours[theirs[theirs >= 0]] = np.flatnonzero(theirs >= 0)
    mine = Lines(known.person, theirs[known.item], known.day, known.people, len(model.products))
    past = histories(_sorted(mine))
    ranking = rank_many(model, past, split.today, _PLACES)
    return Ranking(
        ranking.person, ours[ranking.item], ranking.probability, ranking.row, ranking.is_new
    )


def _sorted(lines: Lines) -> Lines:
    """Sort by person, item and day again, without the products that the model has never seen."""
    known = lines.item >= 0
    person, item, day = lines.person[known], lines.item[known], lines.day[known]
    order: Ints = np.lexsort((day, item, person))
    return Lines(person[order], item[order], day[order], lines.people, lines.items)


def _compared(
    measure: str, first_day: int, through_day: int, champion: Floats, challenger: Floats
) -> Comparison | None:
    """Put two scores a person side by side; the interval is that of a mean of differences."""
    gain = challenger - champion
    if gain.size < _PEOPLE_LEAST:
        return None
    half = 1.96 * float(gain.std(ddof=1)) / math.sqrt(gain.size)
    mean = float(gain.mean())
    return Comparison(
        measure=measure,
        first_day=first_day,
        through_day=through_day,
        people=int(gain.size),
        champion=float(champion.mean()),
        challenger=float(challenger.mean()),
        gain=mean,
        low=mean - half,
        high=mean + half,
    )
