"""The limits on contact that a person set themselves: how often, and at which hours."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from customering.decision.model import Contact, Loss
from customering.kernel.clock import MS_PER_DAY, MS_PER_SECOND
from customering.relationship.contact_wishes import ContactWishes


def wished_loss(
    wishes: ContactWishes | None, contacts: Sequence[Contact], zone: tzinfo, now_ms: int
) -> Loss | None:
    """Give the reason of a person's own not to get in touch now, or None.

    As with the caps of the operator a wish of n in d days holds for every span of d times 24 hours.

    Parameters
    ----------
    wishes
        What the person wishes; None for nothing in particular.
    contacts
        Earlier contacts; those without a channel were showings and do not count.
    zone
        The person's clock.
    now_ms
        The present, milliseconds since 1970.
    """
    if wishes is None:
        return None
    if wishes.times is not None:
        since = now_ms - wishes.days * MS_PER_DAY
        count = sum(one.at_ms > since and one.channel != "" for one in contacts)
        if count >= wishes.times:
            often = "once" if wishes.times == 1 else f"{wishes.times} times"
            words = f"You asked us to get in touch at most {often} in {wishes.days} days."
            return Loss("cap", words)
    local = datetime.fromtimestamp(now_ms / MS_PER_SECOND, UTC).astimezone(zone)
    if not wishes.welcomes(local.hour * 60 + local.minute):
        words = f"You asked us to get in touch between {wishes.begins} and {wishes.ends} only."
        return Loss("quiet_hours", words)
    return None
