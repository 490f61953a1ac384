"""How we stood with everybody at the end of every month, and what they then did.

At each date only what had occurred by then is known: facts, model and what people had set. The
value model of a date is fitted to the purchases before it.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from customering.app.folding import Progress
from customering.app.glance import STATUS_FACT, declared_status
from customering.app.permission import Permission
from customering.app.purchases import PURCHASE_EVENTS, with_people
from customering.events.model import FACT_CORRECTED
from customering.kernel.clock import MS_PER_DAY, format_day
from customering.kernel.errors import Invalid
from customering.kernel.records import Record
from customering.profile.batch import states_sql
from customering.profile.fold import values
from customering.profile.traits import TraitSet
from customering.relationship.arrays import Integers
from customering.relationship.facts import TRAITS_JUDGED, facts_from, history_from
from customering.relationship.histories import purchases_on, summarise
from customering.relationship.model import Purchases, StatusName, ValueModel
from customering.relationship.settings import StatusSettings
from customering.relationship.status import judge
from customering.relationship.transitions import (
    STATUSES,
    UNKNOWN,
    Following,
    Passage,
    explained_share,
    followings,
    passages,
)
from customering.relationship.value import fit_value, outlook
from customering.stores.history import History

FOLLOWING_DAYS = 90
"""How many days after a status was given count as what followed."""

_REPEATERS_LEAST = 20  # as for learning: four parameters are not to be had from fewer people


class Standing(Record, frozen=True):
    """How many people had each status at the end of a day.

    Parameters
    ----------
    day
        The day, ISO 8601.
    people
        People of whom anything was known by then.
    statuses
        People by status; statuses that nobody had are left out.
    model
        The value model that could be fitted by then; empty where there was none.
    """

    day: str
    people: int
    statuses: dict[str, int]
    model: str


class StatusEvaluation(Record, frozen=True):
    """The statuses of everybody over time, and whether they tell what follows.

    Parameters
    ----------
    standings
        At the end of every month.
    passages
        From the end of one month to that of the next.
    following_days
        How many days after a date count as what followed.
    dates_followed
        How many of the dates had so many days after them.
    followings
        What people of each status did in those days.
    explained
        Share of the variance of the purchase days that followed which the statuses explain.
    explained_by_last_days
        The same for the rival: ten groups of equal size by purchase days in as many days before.
    explained_by_both
        The same for both together: what is beyond the rival, the statuses add.
    """

    standings: list[Standing]
    passages: tuple[Passage, ...]
    following_days: int
    dates_followed: int
    followings: tuple[Following, ...]
    explained: float | None
    explained_by_last_days: float | None
    explained_by_both: float | None


def evaluate_status(
    *,
    history: History,
    traits: TraitSet,
    person_of: Mapping[str, str],
    permission: Permission,
    settings: StatusSettings,
    progress: Progress = lambda done: None,
) -> StatusEvaluation:
    """Judge everybody who permits it at the end of every month of the history.

    Parameters
    ----------
    history
        What happened.
    traits
        The definitions in force, of which only those a status reads are computed.
    person_of
        Anchor to the name of its person, for people with several identifiers.
    permission
        Whose status may be estimated.
    settings
        The thresholds.
    progress
        Told the number of dates done.

    Raises
    ------
    Invalid
        When nobody has bought anything yet.
    """
    few = TraitSet([t.definition for n, t in traits.traits.items() if n in TRAITS_JUDGED], None)
    _gather_events(history, few, person_of, permission)
    purchases, names = _purchases(history)
    last = int(purchases.day.max())
    query = states_sql(few, "status_slice", "person").sql("duckdb")
    seen: list[tuple[int, Integers, str]] = []
    for day in _month_ends(int(purchases.day.min()), last):
        model = _model(purchases, day)
        made = dict(_judged(history, query, few, model, settings, day))
        standing = np.array([made.get(name, UNKNOWN) for name in names], dtype=np.int64)
        seen.append((day, standing, "" if model is None else model.contenders[0].name))
        progress(len(seen))
    return _summed_up(seen, purchases, last)


def _gather_events(
    history: History, traits: TraitSet, person_of: Mapping[str, str], permission: Permission
) -> None:
    """Put what a status can depend on into a small table, so that every date reads only that."""
    events = {name for slot in traits.slots for name in slot.source.events}
    listed = ", ".join(f"'{name}'" for name in sorted({*events, *PURCHASE_EVENTS, FACT_CORRECTED}))
    where = f"(h.name IN ({listed}) OR h.kind = 'identify')"
    relation = with_people(history, person_of, permission, where)
    history.execute(f"CREATE OR REPLACE TEMP TABLE status_events AS SELECT * FROM {relation}")


def _purchases(history: History) -> tuple[Purchases, list[str]]:
    """Read who bought when; people are numbered in the order of the names that are given too."""
    people = history.arrow("SELECT DISTINCT person FROM status_events ORDER BY person")
    names = [str(name) for name in people["person"].to_pylist()]
    history.connection.register("status_people", people)
    bought = ", ".join(f"'{name}'" for name in PURCHASE_EVENTS)
    rows = history.arrow(
        "SELECT n.number AS person, e.day::BIGINT AS day FROM status_events e JOIN"
        " (SELECT person, row_number() OVER (ORDER BY person) - 1 AS number FROM status_people) n"
        f" USING (person) WHERE e.name IN ({bought})"
    )
    if not len(rows):
        raise Invalid(
            "nobody has bought anything, or nobody permits that we estimate how we stand",
            hint="import orders first; `customering consent` says who permits what",
        )
    purchases = Purchases(
        person=rows["person"].to_numpy().astype(np.int64),
        day=rows["day"].to_numpy().astype(np.int64),
        amount_minor=np.full(len(rows), np.nan),
    )
    return purchases, names


def _month_ends(first: int, last: int) -> list[int]:
    """Give the last UTC day of every month that ended within two days, the last one included."""
    return [day for day in range(first, last + 1) if _month(day) != _month(day + 1)]


def _month(day: int) -> int:
    return datetime.fromtimestamp(day * MS_PER_DAY / 1000, UTC).month


def _model(purchases: Purchases, day: int) -> ValueModel | None:
    """Fit the value model of a date; None when too few people had come back by then."""
    histories = summarise(purchases, day)
    if int((histories.frequency > 0).sum()) < _REPEATERS_LEAST:
        return None
    return fit_value(histories, until_day=day, fitted_at_ms=(day + 1) * MS_PER_DAY)


def _judged(
    history: History,
    query: str,
    traits: TraitSet,
    model: ValueModel | None,
    settings: StatusSettings,
    day: int,
) -> Iterator[tuple[str, int]]:
    """Give the place of the status of everybody who was known at the end of a day."""
    now_ms = (day + 1) * MS_PER_DAY - 1
    history.execute(
        "CREATE OR REPLACE TEMP VIEW status_slice AS"
        f" SELECT * FROM status_events WHERE occurred_at <= {now_ms}"
    )
    place = {name: at for at, name in enumerate(STATUSES)}
    for batch in history.batches(query):
        for person, state in zip(*map(pa.Array.to_pylist, batch.columns), strict=True):
            known = values(traits, traits.decode(state), now_ms)
            yield person, place[_status(known, model, settings, now_ms)]


def _status(
    known: dict[str, Any],
    model: ValueModel | None,
    settings: StatusSettings,
    now_ms: int,
) -> StatusName:
    """Judge one person; the model is only asked about people who are late, as others need not."""
    wish = declared_status(known["declared"].get(STATUS_FACT))
    facts = facts_from(known, None, wish, now_ms, for_words=False)
    if model is None:
        return judge(facts, settings).name
    facts = msgspec.structs.replace(facts, usual_gap_days=model.usual_gap_days)
    found = judge(facts, settings)
    bought = history_from(known, now_ms)
    if bought is None or found.rhythm is None or found.rhythm.lateness <= 1:
        return found.name
    expected = outlook(model, bought)
    return judge(
        msgspec.structs.replace(
            facts,
            p_alive=expected.p_alive,
            expected_purchases_90=expected.expected_purchases_90,
        ),
        settings,
    ).name


def _summed_up(
    seen: list[tuple[int, Integers, str]], purchases: Purchases, last: int
) -> StatusEvaluation:
    """Count passages, and what followed where it is known."""
    everybody = np.arange(seen[0][1].size if seen else 0)
    standing, before, after, groups = [], [], [], []
    followed = 0
    for day, status, _ in seen:
        if day + FOLLOWING_DAYS > last:
            continue
        followed += 1
        known = status >= 0
        standing.append(status[known])
        past = purchases_on(purchases, everybody, day - FOLLOWING_DAYS, day)[known]
        before.append(past)
        after.append(purchases_on(purchases, everybody, day, day + FOLLOWING_DAYS)[known])
        ranks = np.argsort(np.argsort(past, kind="stable"), kind="stable")
        groups.append(ranks * 10 // max(ranks.size, 1))
    told = np.concatenate([*standing, np.zeros(0, dtype=np.int64)])
    tenth = np.concatenate([*groups, np.zeros(0, dtype=np.int64)])
    came = np.concatenate([*after, np.zeros(0)])
    return StatusEvaluation(
        standings=[_standing(*one) for one in seen],
        passages=passages([status for _, status, _ in seen]),
        following_days=FOLLOWING_DAYS,
        dates_followed=followed,
        followings=followings(told, came, np.concatenate([*before, np.zeros(0)])),
        explained=explained_share(told, came),
        explained_by_last_days=explained_share(tenth, came),
        explained_by_both=explained_share(tenth * len(STATUSES) + told, came),
    )


def _standing(day: int, status: Integers, model: str) -> Standing:
    counts = np.bincount(status[status >= 0], minlength=len(STATUSES)).tolist()
    return Standing(
        day=format_day(day),
        people=sum(counts),
        statuses={name: count for name, count in zip(STATUSES, counts, strict=True) if count},
        model=model,
    )
