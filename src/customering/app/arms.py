"""Who is in which group of people, since when, and what they brought since and before."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from customering.app.decided import PURPOSE, open_decided, read_decided
from customering.app.engine import Engine
from customering.app.purchases import PurchaseData
from customering.decision.model import Decision
from customering.events.model import DECISION_MADE

BEFORE_DAYS = 90
"""Days before somebody came into the comparison that tell what they do anyhow."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Entered(NamedTuple):
    """Somebody's group, and the UTC day of the first decision that shows it.

    Parameters
    ----------
    person
        Names the person.
    group
        ``personal``, ``control`` or ``random``; for one action ``personal`` or ``control``.
    day
        UTC day number.
    groups
        In how many groups their decisions put them; more than one when they were joined with
        somebody else, or the groups were dealt anew.
    """

    person: str
    group: str
    day: int
    groups: int


class Brought(NamedTuple):
    """What people of two groups brought. Shape (people,) each.

    Parameters
    ----------
    entered
        The people, those of both groups.
    orders, margin
        Since they came in; margin in minor units.
    orders_before, margin_before
        In the days before.
    """

    entered: list[Entered]
    orders: Floats
    margin: Floats
    orders_before: Floats
    margin_before: Floats


def read_groups(engine: Engine, since_ms: int = 0) -> list[Entered]:
    """Read from the decisions who is in which group; it opens what is decided anew.

    Decisions that are the same for everybody because somebody does not permit more show no group.
    """
    open_decided(engine, since_ms)
    found = engine.history.arrow(
        f"""
        WITH shown AS (
            SELECT person, occurred_at, day, properties ->> '$.choice' AS choice,
                coalesce(properties ->> '$.arm', '') AS arm
            FROM decided WHERE name = '{DECISION_MADE}'
        ), grouped AS (
            SELECT person, occurred_at, day, CASE
                WHEN choice = 'control' OR arm = 'control' THEN 'control'
                WHEN arm = 'random' THEN 'random'
                ELSE 'personal' END AS kind
            FROM shown WHERE choice <> 'common'
        )
        SELECT person, arg_min(kind, occurred_at) AS kind, min(day)::BIGINT AS day,
            count(DISTINCT kind) AS kinds
        FROM grouped GROUP BY person ORDER BY person
        """
    )
    return [
        Entered(row["person"], row["kind"], int(row["day"]), int(row["kinds"]))
        for row in found.to_pylist()
    ]


def read_groups_of_action(
    engine: Engine, action_id: str, *, most: int, since_ms: int = 0
) -> list[Entered]:
    """Read from the decisions for whom an action was possible, and from whom it was held out."""
    open_decided(engine, since_ms)
    found: list[Entered] = []
    for one in read_decided(engine, most=most):
        told = [
            (group, decision.decided_at // 86_400_000)
            for decision in one.decisions
            if (group := _of_action(decision, action_id))
        ]
        if told:
            kinds = {group for group, _ in told}
            found.append(Entered(one.person, told[0][0], int(told[0][1]), len(kinds)))
    return found


def _of_action(decision: Decision, action_id: str) -> str:
    """Tell whether an action was possible in a decision, or held out; empty when neither."""
    for one in decision.candidates:
        if one.action_id == action_id:
            if one.probability > 0 or one.rank is not None:
                return "personal"
            return "control" if str(one.lost) == "holdout" else ""
    return ""


def brought_by(engine: Engine, entered: list[Entered], *, until_day: int | None = None) -> Brought:
    """Add up what people brought since they came in, and in the days before.

    Parameters
    ----------
    entered
        The people.
    until_day
        The last UTC day that counts; None for all.
    """
    data = engine.purchases(PURPOSE)
    number = {name: at for at, name in enumerate(data.people)}
    count = len(data.people)
    first = np.full(count, np.iinfo(np.int64).max, dtype=np.int64)
    place = np.array([number.get(one.person, -1) for one in entered], dtype=np.int64)
    known = place >= 0
    first[place[known]] = np.array([one.day for one in entered], dtype=np.int64)[known]
    until = np.iinfo(np.int64).max if until_day is None else until_day
    share = engine.settings.catalog.margin_share
    amount = np.nan_to_num(data.order_minor) * share
    begins = first[data.order_person]
    since = (data.order_day >= begins) & (data.order_day <= until)
    before = (data.order_day < begins) & (data.order_day >= begins - BEFORE_DAYS)

    def summed(which: NDArray[np.bool_], values: Floats) -> Floats:
        all_of_them = np.bincount(data.order_person[which], values[which], count)
        return np.where(known, np.append(all_of_them, 0.0)[place], 0.0)

    ones = np.ones(len(data.order_day))
    return Brought(
        entered=entered,
        orders=summed(since, ones),
        margin=summed(since, amount),
        orders_before=summed(before, ones),
        margin_before=summed(before, amount),
    )


def habits_before(data: PurchaseData, entered: list[Entered]) -> NDArray[np.float32]:
    """Give what was known of people when they came in. Shape (people, features).

    The features are those of `HABITS`.
    """
    number = {name: at for at, name in enumerate(data.people)}
    order = np.argsort(data.order_person, kind="stable")
    ends = np.searchsorted(data.order_person[order], np.arange(len(data.people) + 1))
    rows = np.zeros((len(entered), len(HABITS)), dtype=np.float32)
    for row, one in enumerate(entered):
        at = number.get(one.person)
        mine = order[ends[at] : ends[at + 1]] if at is not None else order[:0]
        days = data.order_day[mine]
        mine, days = mine[days < one.day], days[days < one.day]
        spent = float(np.nan_to_num(data.order_minor[mine]).sum())
        ago = one.day - days
        rows[row] = (
            np.log1p(len(days)),
            np.log1p(np.count_nonzero(ago <= BEFORE_DAYS)),
            np.log1p(min(float(ago.min(initial=365)), 365.0)),
            np.log1p(float(ago.max(initial=0))),
            np.log1p(spent / max(len(days), 1)),
            float(len(days) == 0),
        )
    return rows


HABITS = (
    "orders so far",
    f"orders in the {BEFORE_DAYS} days before",
    "days since the last order",
    "days since the first order",
    "usual amount of an order",
    "never bought",
)
"""What `habits_before` gives; amounts and counts on a logarithmic scale."""
