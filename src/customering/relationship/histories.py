"""From purchases to purchase histories: orders of a day collapse, time runs from the first one."""

import numpy as np

from customering.kernel.errors import Invalid
from customering.relationship.arrays import Floats, Integers
from customering.relationship.model import PurchaseHistories, Purchases


def summarise(purchases: Purchases, until_day: int) -> PurchaseHistories:
    """Give the history of each person as it stood at the end of a day.

    Parameters
    ----------
    purchases
        Purchases in any order; those after `until_day` are left out.
    until_day
        The day observation ends, included. Every age runs to this day.

    Returns
    -------
    PurchaseHistories
        One position a person, sorted by `person`. People whose known amounts do not add up to more
        than 0 have an unknown mean order value.
    """
    person, day, amount = _purchase_days(purchases, until_day)
    starts = _starts(person)
    counts = np.diff(np.concatenate((starts, [person.size])))
    first, last = day[starts], day[starts + counts - 1]
    total = np.add.reduceat(amount, starts) if starts.size else amount
    mean = np.where(total > 0, total / np.maximum(counts, 1), np.nan)
    log_gaps = np.zeros(person.size)
    log_gaps[1:] = np.log(np.maximum(np.diff(day), 1))
    log_gaps[starts] = 0.0
    return PurchaseHistories(
        person=person[starts],
        frequency=(counts - 1).astype(np.float64),
        recency_days=(last - first).astype(np.float64),
        age_days=(until_day - first).astype(np.float64),
        mean_order_value_minor=mean,
        sum_log_gaps=np.add.reduceat(log_gaps, starts) if starts.size else log_gaps,
    )


def _purchase_days(purchases: Purchases, until_day: int) -> tuple[Integers, Integers, Floats]:
    """Give person, day and amount of each purchase day, sorted by person and day."""
    if not purchases.person.shape == purchases.day.shape == purchases.amount_minor.shape:
        raise Invalid(
            "purchases are not arrays of one length",
            hint="give one person, day and amount a purchase; an unknown amount is NaN",
        )
    kept = purchases.day <= until_day
    person, day = purchases.person[kept], purchases.day[kept]
    amount = purchases.amount_minor[kept]
    order = np.lexsort((day, person))
    person, day, amount = person[order], day[order], amount[order]
    starts = _starts(person, day)
    total = np.add.reduceat(amount, starts) if starts.size else amount
    return person[starts], day[starts], total


def _starts(*columns: Integers) -> Integers:
    """Give the positions at which a run of equal values begins."""
    if columns[0].size == 0:
        return np.zeros(0, dtype=np.int64)
    changes = np.zeros(columns[0].size - 1, dtype=np.bool_)
    for column in columns:
        changes |= np.diff(column) != 0
    return np.concatenate(([0], np.flatnonzero(changes) + 1)).astype(np.int64)


def purchases_on(purchases: Purchases, people: Integers, after_day: int, until_day: int) -> Floats:
    """Count the purchase days of each of `people` after one day and up to another, included.

    Parameters
    ----------
    people
        Sorted and distinct, such as `PurchaseHistories.person`; others' purchases are left out.

    Returns
    -------
    numpy.ndarray
        Purchase days, one position a person of `people`.
    """
    person, day, _ = _purchase_days(purchases, until_day)
    person = person[day > after_day]
    if people.size == 0:
        return np.zeros(0)
    place = np.minimum(np.searchsorted(people, person), people.size - 1)
    known = people[place] == person
    return np.bincount(place[known], minlength=people.size).astype(np.float64)
