"""Who is in which group of people, since when, and what they brought since and before."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from customering.app.decided import PURPOSE, open_decided, read_decided
from customering.app.engine import Engine
from customering.app.purchases import PurchaseData
from customering.decision.losses import CODE_OF, to_letters
from customering.decision.model import Decision
from customering.events.model import DECISION_MADE
from customering.kernel.clock import day_of
from customering.outcomes.habits import FEATURES, features_of_many

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
    person_id
        The id they were decided for under.
    """

    person: str
    group: str
    day: int
    groups: int
    person_id: str = ""


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
    return groups_of_actions(engine, [action_id], most=most)[action_id]


def groups_of_actions(
    engine: Engine, action_ids: Sequence[str], *, most: int
) -> dict[str, list[Entered]]:
    """Read the same of several actions from the decisions that `open_decided` gathered."""
    found: dict[str, list[Entered]] = {action_id: [] for action_id in action_ids}
    for one in read_decided(engine, most=most) if found else ():
        for action_id, entered in found.items():
            told = [
                (group, decision)
                for decision in one.decisions
                if (group := _of_action(decision, action_id))
            ]
            if told:
                kinds = {group for group, _ in told}
                group, first = told[0]
                entered.append(
                    Entered(
                        one.person, group, day_of(first.decided_at), len(kinds), first.person_id
                    )
                )
    return found


def contact_groups(engine: Engine) -> dict[str, list[Entered]]:
    """Read who is contacted and who is not, from the decisions that `open_decided` gathered.

    Returns
    -------
    dict
        By channel, and for all channels together by the empty text. Whom chance contacts is among
        those who are. Who may not be contacted is in no group, for the group would change nothing.
    """
    essential = ", ".join(
        f"'{key}'" for key in sorted(engine.consent.keys) if engine.consent.is_essential(key)
    )
    refused = to_letters(np.array([CODE_OF["consent"], CODE_OF["status"]], dtype=np.uint8))
    found = engine.history.arrow(
        f"""
        WITH asked AS (
            SELECT person, occurred_at, day, properties ->> '$.channel' AS channel,
                properties ->> '$.purpose' AS purpose, properties ->> '$.person_id' AS person_id,
                CASE WHEN properties ->> '$.choice' = 'control'
                    OR coalesce(properties ->> '$.arm', '') = 'control'
                    THEN 'control' ELSE 'personal' END AS kind,
                (properties ->> '$.candidates.blocked') IS NOT NULL AND contains(
                    '{refused}', left(properties ->> '$.candidates.fates', 1)) AS is_refused
            FROM decided WHERE name = '{DECISION_MADE}'
        )
        SELECT person, coalesce(channel, '') AS channel, arg_min(kind, occurred_at) AS kind,
            min(day)::BIGINT AS day, count(DISTINCT kind) AS kinds,
            arg_min(person_id, occurred_at) AS person_id
        FROM asked WHERE channel <> '' AND NOT is_refused AND purpose NOT IN ('', {essential})
        GROUP BY GROUPING SETS ((person, channel), (person)) ORDER BY person, channel
        """
    )
    groups: dict[str, list[Entered]] = {}
    for row in found.to_pylist():
        entered = Entered(
            row["person"], row["kind"], int(row["day"]), int(row["kinds"]), row["person_id"]
        )
        groups.setdefault(row["channel"], []).append(entered)
    return groups


def first_fed_day(engine: Engine) -> int | None:
    """Give the UTC day from which on decisions used what acting does to a person; None if never."""
    found = engine.history.arrow(
        f"SELECT min(day) AS day FROM decided WHERE name = '{DECISION_MADE}'"
        " AND (properties -> '$.candidates.effects') IS NOT NULL"
    )["day"].to_pylist()[0]
    return None if found is None else int(found)


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
    """Give what was known of people when they came in, as of the end of the day before.

    Shape (people, features); the features are those of `HABITS`, as a person's profile has them.
    """
    number = {name: at for at, name in enumerate(data.people)}
    place = np.array([number.get(one.person, -1) for one in entered], dtype=np.int64)
    known = place >= 0
    count = len(data.people)
    today = np.full(count, -1, dtype=np.int64)
    today[place[known]] = np.array([one.day - 1 for one in entered], dtype=np.int64)[known]
    before = data.order_day <= today[data.order_person]
    person, day = data.order_person[before], data.order_day[before]
    spent = np.bincount(person, np.nan_to_num(data.order_minor[before]), count)
    person, day = np.unique(np.stack([person, day]), axis=1)
    days = np.bincount(person, minlength=count).astype(np.float64)
    ago = (today[person] - day).astype(np.float64)
    recent = np.bincount(person[ago < BEFORE_DAYS], minlength=count).astype(np.float64)
    last, first = np.full(count, np.inf), np.zeros(count)
    np.minimum.at(last, person, ago)
    np.maximum.at(first, person, ago)
    rows = features_of_many(days, recent, last, first, spent / np.maximum(days, 1.0))
    nobody = features_of_many(*(np.array([value]) for value in (0.0, 0.0, np.inf, 0.0, 0.0)))
    found: NDArray[np.float32] = np.concatenate([rows, nobody])[place]
    return found


HABITS = FEATURES
"""What `habits_before` gives."""
