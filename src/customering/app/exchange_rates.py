"""What usually comes back to people for what they permit, and how much of it choosing is owed.

Read from the decisions of the last 90 days for people who permit to be counted: those for whom we
choose, and those of the control group, who by lot are given what everybody gets. What these use
of it, the others would have used without us.

References
----------
W. G. Cochran, "Sampling Techniques", third edition, 1977, section 6.3 (variance of a ratio).
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import sqrt
from typing import NamedTuple

from customering.app.decided import open_decided
from customering.app.engine import Engine
from customering.app.exchanging import done_for, given_to
from customering.consent.exchange import WINDOW_DAYS
from customering.events.model import DECISION_MADE, Event
from customering.kernel.clock import MS_PER_DAY
from customering.stores.history_load import EVENT_COLUMNS, event_of

PEOPLE_LEAST = 50
"""Of fewer people nothing is said: it would tell of single ones, and prove nothing."""

_PEOPLE_MOST = 1_000
_ROWS_AT_ONCE = 2_000
_Z95 = 1.96


class Usual(NamedTuple):
    """What came back on average to people who permit a purpose, in the last 90 days.

    Parameters
    ----------
    people
        How many people it is the average of.
    offers, used, saved_minor
        Averages for one person; money in minor units.
    """

    people: int
    offers: float
    used: float
    saved_minor: float


class Holdout(NamedTuple):
    """What is used of what was chosen for people, beside what everybody is given by lot.

    Parameters
    ----------
    people, people_alike
        For whom we chose, and who got what everybody gets.
    share, share_alike
        Of what was shown, what was used; in [0, 1].
    low, high
        Between which the first share is above the second, 95 %.
    """

    people: int
    people_alike: int
    share: float
    share_alike: float
    low: float
    high: float

    @property
    def owed(self) -> float | None:
        """Of what is used, the part that choosing is owed; None where it cannot be told."""
        if self.low <= 0.0 or self.share <= 0.0:
            return None
        return min(1.0, 1.0 - self.share_alike / self.share)


class Rates(NamedTuple):
    """Both.

    Parameters
    ----------
    usual
        By purpose, for those with enough people.
    holdout
        None where a group has too few people.
    """

    usual: dict[str, Usual]
    holdout: Holdout | None


NO_RATES = Rates({}, None)


def exchange_rates(engine: Engine, now_ms: int) -> Rates:
    """Read what comes back to people; for the thread that reads the history.

    Parameters
    ----------
    engine
        The home.
    now_ms
        The present: what is older than 90 days before it is left out.

    Notes
    -----
    At most 1,000 people of each of the two groups are read, chosen by a hash of who they are.
    """
    since_ms = max(0, now_ms - WINDOW_DAYS * MS_PER_DAY)
    if not _are_enough(engine, since_ms):  # who permits what is not asked for nothing
        return NO_RATES
    open_decided(engine, since_ms)
    actions = {action.action_id: action for action in engine.actions}
    sums: dict[str, list[tuple[int, int, int]]] = {}
    shown: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
    for is_alike, events in _people(engine):
        done = [one for one in done_for(events, actions) if not one.decision.channel]
        shown[is_alike].append((len(done), sum(one.is_used for one in done)))
        by_purpose: dict[str, tuple[int, int, int]] = {}
        for one in given_to(events, actions):
            offers, used, saved = by_purpose.get(one.purpose, (0, 0, 0))
            more = one.saved_minor if one.is_used else 0
            by_purpose[one.purpose] = offers + 1, used + one.is_used, saved + more
        for purpose, found in by_purpose.items():
            sums.setdefault(purpose, []).append(found)
    usual = {
        purpose: _usual(found) for purpose, found in sums.items() if len(found) >= PEOPLE_LEAST
    }
    return Rates(usual, _holdout(shown[False], shown[True]))


def _are_enough(engine: Engine, since_ms: int) -> bool:
    """Tell whether something was decided for as many as have to be; a look at two columns."""
    engine.copy_to_history()
    found = engine.history.arrow(
        f"SELECT count(DISTINCT anchor) AS people FROM {engine.history.relation()}"
        f" WHERE name = '{DECISION_MADE}' AND occurred_at >= {since_ms:d}"
    )
    (people,) = found["people"].to_pylist()
    return people is not None and people >= PEOPLE_LEAST


def _people(engine: Engine) -> Iterator[tuple[bool, list[Event]]]:
    """Give some people of each group with their decisions and what may be outcomes of these."""
    made = f"name = '{DECISION_MADE}'"
    alike = "coalesce(bool_or(properties ->> '$.choice' = 'control'), false)"
    batches = engine.history.batches(
        f"WITH them AS (SELECT person, {alike} AS alike FROM decided WHERE {made} GROUP BY person),"
        " sampled AS (SELECT * FROM them QUALIFY"
        f" row_number() OVER (PARTITION BY alike ORDER BY hash(person)) <= {_PEOPLE_MOST})"
        f" SELECT alike, person, {EVENT_COLUMNS} FROM decided JOIN sampled USING (person)"
        ' ORDER BY person, occurred_at, "offset"',
        _ROWS_AT_ONCE,
    )
    rows = (tuple(row.values()) for batch in batches for row in batch.to_pylist())
    for (is_alike, _), some in groupby(rows, key=lambda row: row[:2]):
        yield bool(is_alike), [event_of(tuple(row[2:])) for row in some]


def _usual(found: Sequence[tuple[int, int, int]]) -> Usual:
    offers, used, saved = (sum(column) / len(found) for column in zip(*found, strict=True))
    return Usual(len(found), offers, used, saved)


def _holdout(chosen: list[tuple[int, int]], alike: list[tuple[int, int]]) -> Holdout | None:
    chosen = [one for one in chosen if one[0]]
    alike = [one for one in alike if one[0]]
    if min(len(chosen), len(alike)) < PEOPLE_LEAST:
        return None
    share, variance = _share(chosen)
    share_alike, variance_alike = _share(alike)
    reach = _Z95 * sqrt(variance + variance_alike)
    more = share - share_alike
    return Holdout(len(chosen), len(alike), share, share_alike, more - reach, more + reach)


def _share(found: list[tuple[int, int]]) -> tuple[float, float]:
    """Give the share that was used of all that was shown, and its variance between people."""
    shown, count = sum(one[0] for one in found), len(found)
    share = sum(one[1] for one in found) / shown
    spread = sum((used - share * offered) ** 2 for offered, used in found)
    return share, spread / (shown / count) ** 2 / count / (count - 1)
