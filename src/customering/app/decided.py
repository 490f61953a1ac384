"""Everything that was decided and what came of it, read from the history one person at a time."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from customering.app.engine import Engine
from customering.app.purchases import with_people
from customering.decision.model import Action, Decision
from customering.decision.record import decision_of
from customering.events.model import DECISION_MADE, Event
from customering.kernel.clock import MS_PER_DAY
from customering.outcomes.attribute import attribute
from customering.outcomes.model import OUTCOME_OF, Attributed, Made, OutcomeSettings, Told
from customering.outcomes.read import made_of, told_by
from customering.stores.history_load import EVENT_COLUMNS, event_of

PURPOSE = "analytics.product"
"""Judging how well we decide is counting, and is asked for as such."""

_ROWS_AT_ONCE = 2_000


class DecidedFor(NamedTuple):
    """What was decided for one person, in order of time, and what came of each decision."""

    person: str
    decisions: list[Decision]
    outcomes: Mapping[str, Sequence[Attributed]]


class DecisionCount(NamedTuple):
    """How many decisions may be read, and how many not because their people do not permit it."""

    permitted: int
    withheld: int


def open_decided(engine: Engine, since_ms: int = 0, *, purpose: str = PURPOSE) -> DecisionCount:
    """Gather all decisions and their outcomes of the people who permit to be counted.

    Parameters
    ----------
    engine
        The home. It is for the thread that reads the history.
    since_ms
        Only decisions from this instant on.
    purpose
        What these people must permit; counting them, unless more is done with it.
    """
    permission = engine.permission(purpose)
    engine.copy_to_history()
    names = ", ".join(f"'{name}'" for name in OUTCOME_OF)
    since = f"h.occurred_at >= {since_ms:d} AND h.kind = 'track'"
    wanted = f"{since} AND h.name IN ('{DECISION_MADE}', {names})"
    of_people = with_people(engine.history, engine.person_of, permission, wanted)
    engine.history.execute(f"CREATE OR REPLACE TEMP TABLE decided AS SELECT * FROM {of_people}")
    all_of_them = f"SELECT count(*) FROM {engine.history.relation()} h WHERE {since} AND h.name = ?"
    found = engine.history.arrow(
        f"SELECT (SELECT count(*) FROM decided WHERE name = ?) AS permitted,"
        f" ({all_of_them}) AS everything",
        [DECISION_MADE, DECISION_MADE],
    ).to_pylist()[0]
    permitted = int(found["permitted"])
    return DecisionCount(permitted, int(found["everything"]) - permitted)


def read_decided(
    engine: Engine, *, most: int, settings: OutcomeSettings | None = None
) -> Iterator[DecidedFor]:
    """Give what `open_decided` gathered, one person at a time, in order of person.

    Parameters
    ----------
    engine
        The home.
    most
        Most decisions to read; of more, the newest.
    settings
        How outcomes are attributed.
    """
    actions = {action.action_id: action for action in engine.actions}
    settings = OutcomeSettings() if settings is None else settings
    person, decisions, told = "", list[Decision](), list[Told]()
    for who, event in _events(engine, most):
        if who != person:
            if decisions:
                yield _decided(person, decisions, told, actions, settings)
            person, decisions, told = who, [], []
        if event.name == DECISION_MADE:
            decisions.append(decision_of(event))
        elif (outcome := told_by(event)) is not None:
            told.append(outcome)
    if decisions:
        yield _decided(person, decisions, told, actions, settings)


def latest_ms(engine: Engine) -> int:
    """Give the instant of the latest event of the history; 0 when there is none."""
    relation = engine.history.relation()
    found: Any = engine.history.arrow(f"SELECT max(occurred_at) AS latest FROM {relation}")
    latest = found["latest"].to_pylist()[0]
    return 0 if latest is None else int(latest)


def begin_of(engine: Engine, days: int) -> int:
    """Give the instant so many days before the latest event, milliseconds since 1970; 0 for all."""
    return max(0, latest_ms(engine) - days * MS_PER_DAY) if days else 0


def _decided(
    person: str,
    decisions: list[Decision],
    told: list[Told],
    actions: dict[str, Action],
    settings: OutcomeSettings,
) -> DecidedFor:
    made: list[Made] = [made_of(decision, actions) for decision in decisions]
    by_decision: dict[str, list[Attributed]] = {}
    for one in attribute(told, made, settings):
        by_decision.setdefault(one.decision_id, []).append(one)
    return DecidedFor(person, decisions, by_decision)


def _events(engine: Engine, most: int) -> Iterator[tuple[str, Event]]:
    """Give decisions, and what may be their outcomes, of the people who have any."""
    made = f"SELECT * FROM decided WHERE name = '{DECISION_MADE}'"
    newest = f'SELECT * FROM ({made} ORDER BY occurred_at DESC, "offset" DESC LIMIT {most:d})'
    batches = engine.history.batches(
        f"WITH chosen AS ({newest}), them AS (SELECT DISTINCT person FROM chosen)"
        f" SELECT person, {EVENT_COLUMNS} FROM (SELECT * FROM chosen UNION ALL SELECT d.* FROM"
        f" decided d SEMI JOIN them USING (person) WHERE d.name <> '{DECISION_MADE}')"
        ' ORDER BY person, occurred_at, "offset"',
        _ROWS_AT_ONCE,
    )
    for batch in batches:
        for row in batch.to_pylist():
            person, *columns = row.values()
            yield person, event_of(tuple(columns))
