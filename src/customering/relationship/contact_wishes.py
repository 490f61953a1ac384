"""When and how often a person wants to hear from us, as they set it on their own page.

It only narrows: consent, status and the operator's limits still decide, and a refusal always wins.
"""

import re
from typing import Annotated, Any

import msgspec

from customering.kernel.records import Record

CONTACT_WISHES_FACT = "contact_wishes"
"""The declared fact in which the wishes are kept."""

_HOUR = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class ContactWishes(Record, frozen=True, kw_only=True):
    """What a person wishes; what is empty is left to us.

    Parameters
    ----------
    times, days
        At most so many messages nobody asked for in any so many days; None and 0 for no limit.
    begins, ends
        The hours of the day from and until which we may get in touch, such as ``08:00``, by the
        person's own clock. They may go over midnight; both are empty, or neither.
    """

    times: Annotated[int, msgspec.Meta(ge=0, le=1_000)] | None = None
    days: Annotated[int, msgspec.Meta(ge=0, le=366)] = 0
    begins: str = ""
    ends: str = ""

    def welcomes(self, minute: int) -> bool:
        """Tell whether we may get in touch at a minute of the day, 0 to 1439, by their clock.

        Examples
        --------
        >>> ContactWishes(begins="18:00", ends="21:30").welcomes(17 * 60)
        False
        """
        if not self.begins:
            return True
        begins, ends = _minutes(self.begins), _minutes(self.ends)
        if begins <= ends:
            return begins <= minute < ends
        return minute >= begins or minute < ends


def read_contact_wishes(fact: Any) -> ContactWishes | None:
    """Read the declared fact; None when it is not one, so that it limits nothing.

    Whoever may declare facts can write anything into one, so nothing else is believed of it.
    """
    if fact is None:
        return None
    try:
        wishes = msgspec.convert(fact, type=ContactWishes)
    except msgspec.ValidationError:
        return None
    hours = (wishes.begins, wishes.ends)
    is_read = hours == ("", "") or (all(map(_HOUR.fullmatch, hours)) and hours[0] != hours[1])
    has_limit = wishes.times is None or wishes.days > 0
    return wishes if is_read and has_limit else None


def _minutes(time_of_day: str) -> int:
    hour, minute = time_of_day.split(":")
    return int(hour) * 60 + int(minute)
