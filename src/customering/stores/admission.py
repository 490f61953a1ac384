"""Who is let into the log: asked of events before they are appended."""

from collections.abc import Callable, Sequence

from customering.events.model import Event
from customering.stores.blocks import lines_of

Admission = Callable[[Sequence[Event]], list[Event | None]]
"""Says of each event what of it may be kept: the event itself, another in its place, or nothing."""


def admitted(
    admission: Admission, events: Sequence[Event], lines: Sequence[bytes] | None
) -> tuple[Sequence[Event], Sequence[bytes] | None]:
    """Leave out what is not admitted; a line is encoded anew where its event is another one now.

    Parameters
    ----------
    lines
        The events as JSON, one each; None when they are still to be encoded.
    """
    kept = admission(events)
    if all(one is event for one, event in zip(kept, events, strict=True)):
        return events, lines
    if lines is not None:
        lines = [
            line if one is event else lines_of([one])[0]
            for one, event, line in zip(kept, events, lines, strict=True)
            if one is not None
        ]
    return [one for one in kept if one is not None], lines
