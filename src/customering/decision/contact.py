"""When we may get in touch: limits on how often, quiet hours, and the rest each action takes."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from customering.decision.model import ActionKind, Contact, Loss
from customering.decision.settings import Cap, DecisionSettings
from customering.kernel.clock import MS_PER_DAY, MS_PER_SECOND
from customering.kernel.errors import InvalidSettings
from customering.relationship.model import ContactContract, ContactKind

_KINDS: dict[ActionKind, ContactKind] = {
    "show_item": "show",
    "make_offer": "offer",
    "send_message": "message",
    "give_answer": "answer",
    "ask_question": "question",
    "offer_consultation": "consultation",
}
DISMISSED_REST_DAYS = 30
"""Whole days for which an action rests, at least, after the day on which a person said no to it."""

_DURING_QUIET_HOURS = Loss("quiet_hours", "It is late where you are, and we do not disturb you.")


class QuietHours:
    """The daily hours in which nobody is reached, by each person's own clock.

    Parameters
    ----------
    settings
        Gives the hours and the zone of people whose own is not known.

    Raises
    ------
    InvalidSettings
        When the default zone does not exist.
    """

    def __init__(self, settings: DecisionSettings) -> None:
        zone = _zone(settings.zone)
        if zone is None:
            raise InvalidSettings(
                f"There is no time zone {settings.zone!r}.",
                hint="Use a name of the IANA time zone database, such as Europe/Vienna.",
                path="decision.zone",
            )
        self._default_zone = zone
        self._from = _minutes(settings.quiet_from)
        self._until = _minutes(settings.quiet_until)

    def zone_of(self, name: str) -> tzinfo:
        """Give a time zone by its name; the default one when there is none of this name."""
        return _zone(name) or self._default_zone

    def cover(self, now_ms: int, zone: str) -> bool:
        """Tell whether it is quiet at an instant in a zone; the default zone for an unknown one."""
        local = datetime.fromtimestamp(now_ms / MS_PER_SECOND, UTC).astimezone(self.zone_of(zone))
        minute = local.hour * 60 + local.minute
        if self._from <= self._until:
            return self._from <= minute < self._until
        return minute >= self._from or minute < self._until


def contact_loss(
    channel: str,
    contacts: Sequence[Contact],
    zone: str,
    caps: Iterable[Cap],
    quiet_hours: QuietHours,
    now_ms: int,
) -> Loss | None:
    """Give the reason not to get in touch at all now, or None.

    A cap of n in d days holds for every span of d times 24 hours, not for calendar weeks. Contacts
    dated later than now count as well.
    """
    for cap in caps:
        if cap.channel in ("", channel) and _count(contacts, cap, now_ms) >= cap.times:
            by = f" by {cap.channel}" if cap.channel else ""
            days = "a day" if cap.days == 1 else f"{cap.days} days"
            times = "once" if cap.times == 1 else f"{cap.times} times"
            return Loss("cap", f"We get in touch{by} at most {times} in {days}.")
    return _DURING_QUIET_HOURS if quiet_hours.cover(now_ms, zone) else None


def caps_of(caps: Iterable[Cap], contract: ContactContract | None) -> list[Cap]:
    """Give the operator's caps and the one that the person's status means."""
    if contract is None:
        return list(caps)
    return [*caps, Cap(times=contract.unasked_messages_per_30_days, days=30)]


def contract_loss(
    kind: ActionKind, contract: ContactContract | None, *, is_contact: bool
) -> Loss | None:
    """Give the reason why a kind of action is not fine in the person's status, or None.

    To show something is to put it where the person already is; sent to them it is a message.
    """
    if contract is None:
        return None
    meant = "message" if is_contact and kind == "show_item" else _KINDS[kind]
    return None if meant in contract.kinds else Loss("status", contract.words)


def last_contacts(contacts: Iterable[Contact]) -> dict[str, int]:
    """Give for each action the instant of the last contact with it, milliseconds since 1970."""
    last: dict[str, int] = {}
    for contact in contacts:
        last[contact.action_id] = max(contact.at_ms, last.get(contact.action_id, contact.at_ms))
    return last


def dismissed_days(cooldown_days: int) -> int:
    """Give the days for which an action rests after a person said no to it."""
    return max(DISMISSED_REST_DAYS, cooldown_days)


def _count(contacts: Iterable[Contact], cap: Cap, now_ms: int) -> int:
    """Count the contacts that a cap is about."""
    since = now_ms - cap.days * MS_PER_DAY
    return sum(
        contact.at_ms > since
        and (contact.channel == cap.channel if cap.channel else contact.channel != "")
        for contact in contacts
    )


def _zone(name: str) -> tzinfo | None:
    """Give a time zone, or None when the name is not one."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        # ZoneInfo raises KeyError for an unknown name, ValueError for one that leaves the
        # database's folder, and OSError for the name of a folder, such as "Europe".
        return None


def _minutes(time_of_day: str) -> int:
    """Give the minutes since midnight."""
    hour, minute = time_of_day.split(":")
    return int(hour) * 60 + int(minute)
