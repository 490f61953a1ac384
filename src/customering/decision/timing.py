"""When a message that was decided on should go out: at the hour its person answers most."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from customering.decision.policy import Case
from customering.kernel.clock import MS_PER_HOUR, MS_PER_SECOND, day_of
from customering.taste.answering import HOURS, best_hour

HOURS_TRAIT = "answered_hours"
"""The trait of the days on which a person answered, by hour of the day in UTC."""

_LAST_MINUTE_MS = 59 * 60 * MS_PER_SECOND


class Timing(NamedTuple):
    """When a message may go out.

    Parameters
    ----------
    not_before
        The instant from which on, milliseconds since 1970; 0 for at once.
    words
        Why, as the person reads it; empty when there is nothing to tell.
    """

    not_before: int
    words: str


AT_ONCE = Timing(0, "")


def timing_of(case: Case, until_ms: int) -> Timing:
    """Give when the message of a decision should go out.

    Parameters
    ----------
    case
        What is decided; it is about getting in touch.
    until_ms
        When the decision must not be carried out any more: nothing waits for an hour after that.

    Notes
    -----
    Of the next 24 hours only those count in which neither the quiet hours nor the person's own
    wishes stand against it, from their first minute to their last.
    """
    answered = case.person.traits.get(HOURS_TRAIT)
    if not isinstance(answered, dict) or not answered:
        return AT_ONCE
    begins = {}
    may_disturb = _may_disturb(case)
    for ahead in range(HOURS):
        begin = (case.now_ms // MS_PER_HOUR + ahead) * MS_PER_HOUR
        first = max(begin, case.now_ms)
        if first >= until_ms:
            break
        if may_disturb(first) and may_disturb(begin + _LAST_MINUTE_MS):
            begins[begin // MS_PER_HOUR % HOURS] = first
    zone = case.policy.quiet_hours.zone_of(case.person.zone)
    clock = {
        hour: datetime.fromtimestamp(at // MS_PER_SECOND, UTC).astimezone(zone).hour
        for hour, at in begins.items()
    }
    best = best_hour(
        answered, day_of(case.now_ms), case.person.answering, allowed=begins, clock=clock
    )
    if best.hour is None:
        return Timing(0, best.words)
    begin = begins[best.hour]
    return Timing(0 if begin <= case.now_ms else begin, best.words)


def _may_disturb(case: Case) -> Callable[[int], bool]:
    """Give the test of an instant by the quiet hours and the hours the person wishes."""
    quiet, wishes, zone_name = case.policy.quiet_hours, case.person.wishes, case.person.zone
    zone = quiet.zone_of(zone_name)

    def may(at_ms: int) -> bool:
        if quiet.cover(at_ms, zone_name):
            return False
        local = datetime.fromtimestamp(at_ms // MS_PER_SECOND, UTC).astimezone(zone)
        return wishes is None or wishes.welcomes(local.hour * 60 + local.minute)

    return may
