"""What came of decisions, read from the history: of one decision, and of all of them in counts."""

from collections.abc import Sequence
from typing import Any

from customering.app.engine import Engine
from customering.app.folding import copy_to_history
from customering.decision.model import Action, Decision
from customering.decision.record import decision_of
from customering.events.model import DECISION_MADE, Event
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.ids import Identifier
from customering.kernel.records import Record
from customering.outcomes.attribute import attribute
from customering.outcomes.model import OUTCOME_OF, Attributed, Outcome, OutcomeSettings
from customering.outcomes.read import made_of, told_by

OUTCOMES: tuple[Outcome, ...] = (
    "shown", "clicked", "accepted", "dismissed", "bought", "returned",
)  # fmt: skip


class OutcomeCount(Record, frozen=True, kw_only=True):
    """How often each outcome was told of one action at one placement, once for each decision."""

    placement: str
    action_id: str
    shown: int = 0
    clicked: int = 0
    accepted: int = 0
    dismissed: int = 0
    bought: int = 0
    returned: int = 0


def find_decision(engine: Engine, decision_id: str) -> Event | None:
    """Give the event that keeps a decision, however old; None when there is none of this id.

    Everything that is in the log by now is looked at. It is for the thread that reads the history.
    """
    copy_to_history(engine.reading_log, engine.history, engine.rules)
    found = engine.history.arrow(
        f'SELECT "offset" FROM {engine.history.relation()} WHERE event_id = ? AND name = ?',
        [decision_id, DECISION_MADE],
    ).to_pylist()
    if not found:
        return None
    offset: int = found[0]["offset"]
    block = next(iter(engine.reading_log.read(after=offset - 1)))
    return next(event for event in block.events() if event.event_id == decision_id)


def outcomes_of(
    engine: Engine, names: Sequence[Identifier], decision: Decision, actions: dict[str, Action]
) -> list[Attributed]:
    """Give what came of one decision so far, in order of time.

    Other decisions of the person compete for the same purchases, so all are looked at whose touch
    may still count.

    Parameters
    ----------
    names
        The identifiers of the person.
    actions
        The catalogue by action id.
    """
    settings = OutcomeSettings()
    window_ms = settings.window_days * MS_PER_DAY
    copy_to_history(engine.reading_log, engine.history, engine.rules)
    told, made = [], []
    for event in engine.history.events_of(names):
        if event.name == DECISION_MADE:
            if event.occurred_at >= decision.decided_at - window_ms:
                made.append(made_of(decision_of(event), actions))
        elif event.occurred_at >= decision.decided_at - window_ms:
            outcome = told_by(event)
            if outcome is not None:
                told.append(outcome)
    found = attribute(told, made, settings)
    return [one for one in found if one.decision_id == decision.decision_id]


def count_outcomes(engine: Engine, since_day: int, placement: str) -> list[OutcomeCount]:
    """Count what was told of decisions, from everything in the log by now.

    Parameters
    ----------
    since_day
        The first whole UTC day of events that count, in days since 1970.
    placement
        Only this one; empty for all.

    Notes
    -----
    An outcome counts when it names a decision that was made, and an action that was chosen in it;
    where one action only was chosen it need not be named. Told twice, it counts once. Purchases
    that name no decision are not in here: whom they belong to is a question about one person.
    """
    copy_to_history(engine.reading_log, engine.history, engine.rules)
    names = ", ".join(f"'{name}'" for name in OUTCOME_OF)
    relation = engine.history.relation()
    table = engine.history.arrow(
        f"""
        WITH told AS (
            SELECT DISTINCT name, properties ->> '$.decision_id' AS decision_id,
                properties ->> '$.action_id' AS action_id
            FROM {relation}
            WHERE kind = 'track' AND name IN ({names}) AND day >= {since_day:d}
        ), made AS (
            SELECT event_id, properties ->> '$.placement' AS placement,
                CAST(properties -> '$.chosen' AS VARCHAR[]) AS chosen
            FROM {relation}
            WHERE name = '{DECISION_MADE}'
                AND event_id IN (SELECT decision_id FROM told WHERE decision_id IS NOT NULL)
        ), meant AS (
            SELECT placement, name, decision_id, CASE
                WHEN list_contains(chosen, action_id) THEN action_id
                WHEN coalesce(action_id, '') = '' AND len(chosen) = 1 THEN chosen[1]
                END AS action_id
            FROM told JOIN made ON made.event_id = told.decision_id
        )
        SELECT placement, action_id, name, list(DISTINCT decision_id) AS decisions
        FROM meant WHERE action_id IS NOT NULL
        GROUP BY ALL ORDER BY ALL
        """
    )
    return _counts(table.to_pylist(), placement)


def _counts(rows: Sequence[dict[str, Any]], placement: str) -> list[OutcomeCount]:
    """Add up the names that mean the same outcome, each decision once."""
    decisions: dict[tuple[str, str], dict[Outcome, set[str]]] = {}
    for row in rows:
        if placement in ("", row["placement"]):
            of_action = decisions.setdefault((row["placement"], row["action_id"]), {})
            of_action.setdefault(OUTCOME_OF[row["name"]], set()).update(row["decisions"])
    return [
        OutcomeCount(
            placement=at,
            action_id=action_id,
            **{outcome: len(found) for outcome, found in of_action.items()},
        )
        for (at, action_id), of_action in sorted(decisions.items())
    ]
