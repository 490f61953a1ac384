"""What a public source says about identity is a claim: only some of it is believed.

Anybody can read the key in a web page and send events with it. So an event from there may tell
which browser belongs to whom, as every shop's own pages do; it may not tie two people together, nor
an address to a person. What it says beside is kept, and names nobody.
"""

from collections.abc import Collection

import msgspec

from customering.events.model import Event
from customering.kernel.ids import Identifier, kind_of

BELIEVED = ("user_id", "anonymous_id", "device")
"""Types of identifiers that a public source is believed about unless its key says otherwise."""

CLAIMED = "claimed_identifiers"
"""Where the context of an event keeps what was not believed."""

_ONE_PERSON = "user_id"  # of this type, believed or not, one event names one


def believed_only(event: Event, believed: Collection[str] = BELIEVED) -> Event:
    """Give an event in which only believed identifiers name the person; the same one if all are.

    Parameters
    ----------
    event
        What a public source sent.
    believed
        Types of identifiers.

    Examples
    --------
    >>> event = Event(event_id="m1", kind="identify", occurred_at=1, recorded_at=1, identifiers=(
    ...     Identifier("user_id:mallory"), Identifier("anonymous_id:a1"),
    ...     Identifier("email:ada@example.org")))
    >>> believed_only(event).identifiers
    ('user_id:mallory', 'anonymous_id:a1')
    """
    names = event.identifiers
    if len(names) == 1:  # it ties nothing to anything
        return event
    kept: list[Identifier] = []
    kinds: set[str] = set()
    for name in names:
        kind = kind_of(name)
        if kind in believed and not (kind == _ONE_PERSON and kind in kinds):
            kept.append(name)
            kinds.add(kind)
    if len(kept) == len(names):
        return event
    kept = kept or [names[0]]
    others = [name for name in names if name not in kept]
    return msgspec.structs.replace(
        event, identifiers=tuple(kept), context=event.context | {CLAIMED: others}
    )
