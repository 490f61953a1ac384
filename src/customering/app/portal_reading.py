"""Reading a person's decisions back whole, some at a time, for the page that explains them."""

from collections.abc import Sequence
from typing import NamedTuple

from customering.app.engine import Engine
from customering.app.timeline import Place, life_of
from customering.decision.model import Decision
from customering.decision.record import decision_of
from customering.events.model import DECISION_MADE
from customering.kernel.errors import InvalidEvent
from customering.kernel.ids import Identifier


class SomeDecisions(NamedTuple):
    """Some decisions made for a person.

    Parameters
    ----------
    decisions
        Newest first.
    last
        Where the next ones go on; None when there are none earlier.
    """

    decisions: list[Decision]
    last: Place | None


def read_decisions(
    engine: Engine, names: Sequence[Identifier], after: Place | None, limit: int
) -> SomeDecisions:
    """Read the latest decisions; slow, so for the thread that reads the history.

    One that was written by a version that cannot be read any more is passed over.

    Parameters
    ----------
    names
        The identifiers of the person.
    after
        Only what is earlier than this place; None begins with the newest.
    limit
        Most decisions.
    """
    life = life_of(engine, names, until_ms=None if after is None else after.occurred_at)
    made = [event for event in reversed(life) if event.name == DECISION_MADE]
    if after is not None:
        ids = [event.event_id for event in made]
        made = made[ids.index(after.event_id) + 1 :] if after.event_id in ids else made
    some = made[:limit]
    decisions = []
    for event in some:
        try:
            decisions.append(decision_of(event))
        except InvalidEvent:
            continue
    has_more = len(made) > limit
    return SomeDecisions(
        decisions, Place(some[-1].occurred_at, some[-1].event_id) if has_more else None
    )
