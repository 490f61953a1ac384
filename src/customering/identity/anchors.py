"""What one event says by itself: the identifier it is filed under, and the links it gives."""

from collections.abc import Collection, Iterable

from customering.events.model import IDENTIFIERS_JOINED, IDENTIFIERS_SEPARATED, Event
from customering.identity.model import Link, LinkKind, link_between
from customering.identity.rules import IdentityRules
from customering.kernel.errors import InvalidEvent
from customering.kernel.ids import Identifier

RULINGS: dict[str, LinkKind] = {
    IDENTIFIERS_JOINED: "joined",
    IDENTIFIERS_SEPARATED: "separated",
}
"""Names of the events by which an operator rules on two identifiers."""


def usable(identifiers: Collection[Identifier], rules: IdentityRules) -> list[Identifier]:
    """Give the identifiers that name somebody, each once, the most trusted first."""
    if len(identifiers) == 1:
        return [name for name in identifiers if not rules.is_blocked(name)]
    return sorted({name for name in identifiers if not rules.is_blocked(name)}, key=rules.rank)


def anchor_of(identifiers: Iterable[Identifier], rules: IdentityRules) -> Identifier | None:
    """Give the identifier an event is filed under: the most trusted one that names somebody.

    It is a function of the event and the settings only, so an event never moves, whoever its
    person turns out to be.

    Returns
    -------
    Identifier or None
        None when every identifier is blocked: the event stays in the log and belongs to nobody.

    Examples
    --------
    >>> names = (Identifier("device:d1"), Identifier("email:ada@example.org"))
    >>> anchor_of(names, IdentityRules())
    'email:ada@example.org'
    >>> anchor_of((Identifier("user_id:null"),), IdentityRules()) is None
    True
    """
    return min(
        (name for name in identifiers if not rules.is_blocked(name)), key=rules.rank, default=None
    )


def links_of(event: Event, rules: IdentityRules) -> tuple[Link, ...]:
    """Give the links an event shows.

    An ordinary event links its anchor with each other identifier it carries. The events by which
    an operator joins or separates two identifiers give that one ruling.

    Raises
    ------
    InvalidEvent
        When a ruling does not carry exactly two identifiers.
    """
    ruling = RULINGS.get(event.name)
    names = usable(event.identifiers, rules)
    if ruling is not None:
        if len(set(event.identifiers)) != 2:
            raise InvalidEvent(
                f"{event.name!r} carries {len(set(event.identifiers))} identifiers, not 2",
                hint="Append one such event for each pair of identifiers.",
                event_id=event.event_id,
            )
        if len(names) != 2:
            return ()
    return tuple(
        link_between(
            names[0],
            other,
            evidence=event.event_id,
            occurred_at=event.occurred_at,
            source=event.source,
            kind=ruling or "observed",
        )
        for other in names[1:]
    )
