"""Value in exchange: what really came back to a person for permitting a purpose."""

from collections.abc import Iterable
from typing import NamedTuple

from customering.kernel.money import format_money
from customering.kernel.records import Record

WINDOW_DAYS = 90


class Given(NamedTuple):
    """One thing that was done for a person under a purpose.

    Parameters
    ----------
    purpose
        The purpose.
    at_ms
        When it was decided. Milliseconds since 1970.
    is_used
        Whether they took it up or bought what it is about.
    saved_minor
        What they paid less because of it. Minor units.
    """

    purpose: str
    at_ms: int
    is_used: bool
    saved_minor: int


class CameBack(Record, frozen=True, kw_only=True):
    """What came back for one purpose in a number of days.

    Parameters
    ----------
    purpose
        The purpose.
    days
        Days that were looked at.
    offers, used
        Things done for the person under it, and how many of these they used.
    saved_minor, currency
        What they paid less. Minor units.
    words
        The same in a sentence.
    """

    purpose: str
    days: int
    offers: int
    used: int
    saved_minor: int
    currency: str
    words: str


def came_back(
    given: Iterable[Given], purpose: str, now_ms: int, *, currency: str, days: int = WINDOW_DAYS
) -> CameBack:
    """Count what came back to one person for one purpose.

    Parameters
    ----------
    given
        What was done for them, under any purpose and at any time.
    now_ms
        The present, milliseconds since 1970: what is older than the days before it is left out.
    currency
        ISO 4217.

    Examples
    --------
    >>> some = [Given("personalize.web", 0, True, 2_060), Given("personalize.web", 0, False, 0)]
    >>> came_back(some, "personalize.web", 1, currency="EUR").words
    'In the last 90 days: 2 for you, 1 of them used, 20.60 EUR saved.'
    """
    first = now_ms - days * 86_400_000
    counted = [one for one in given if one.purpose == purpose and first < one.at_ms <= now_ms]
    used = sum(one.is_used for one in counted)
    saved = sum(one.saved_minor for one in counted if one.is_used)
    return CameBack(
        purpose=purpose,
        days=days,
        offers=len(counted),
        used=used,
        saved_minor=saved,
        currency=currency,
        words=_words(len(counted), used, saved, currency, days),
    )


def _words(offers: int, used: int, saved_minor: int, currency: str, days: int) -> str:
    if not offers:
        return f"In the last {days} days nothing came back for it."
    saved = f", {format_money(saved_minor, currency)} saved" if saved_minor else ""
    return f"In the last {days} days: {offers} for you, {used} of them used{saved}."
