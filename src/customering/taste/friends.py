"""What people whom somebody knows bought, liked or shared, without telling who.

A product is suggested for it when at least a few of them did, and not all of them: from a number
that is all of one's friends anybody could tell of each. What they did today does not count yet, so
that nobody sees it happen. What one person alone tells is only what they showed to the very person
who reads it, and even then nobody is named: the words are kept with the decision, and must not name
somebody who may be erased.

References
----------
That a count of at least k hides each one of them, and that it does not when all agree:
Machanavajjhala et al., "l-Diversity: Privacy Beyond k-Anonymity", ACM TKDD 1(1), 2007.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from customering.events.identifiers import normalise
from customering.kernel.clock import day_of
from customering.kernel.errors import InvalidEvent
from customering.kernel.ids import Identifier
from customering.kernel.records import Record
from customering.taste.list_settings import ListSettings
from customering.taste.sources import Found

Dated = tuple[int, str]
"""When something was done, milliseconds since 1970, and to which product or person."""

# Nobody published purchases together with who knows whom: these are set, not measured. What was
# shown to somebody weighs as what they just looked at, what several friends bought less.
_SHOWN_TO_YOU, _DAYS_OF_HALF = 2.5, 3.0
_AMONG_FRIENDS = 1.0
_SHOWN_DAYS_MOST = 30
_MOST = 20


class Shown(Record, frozen=True, kw_only=True):
    """What one person shows to people they know.

    Parameters
    ----------
    bought, liked, shared
        Products with the instant of each.
    to_you
        Products they showed to the person who asks.
    """

    bought: tuple[Dated, ...] = ()
    liked: tuple[Dated, ...] = ()
    shared: tuple[Dated, ...] = ()
    to_you: tuple[Dated, ...] = ()


def tips(
    friends: Sequence[Shown],
    now_ms: int,
    settings: ListSettings,
    category_of: Callable[[str], str] = lambda product: "",
) -> tuple[Found, ...]:
    """Give what people somebody knows speak for, strongest first.

    Parameters
    ----------
    friends
        What each of them shows, of those who permit it.
    now_ms
        The present. Milliseconds since 1970.
    settings
        How many must agree, for how long, and what is never told.
    category_of
        Category of a product.
    """
    found = {one.product_id: one for one in _among(friends, day_of(now_ms), settings)}
    for one in _shown_to_you(friends, day_of(now_ms)):
        known = found.get(one.product_id)
        if known is None or known.lift < one.lift:
            found[one.product_id] = one
    hidden = set(settings.friends_hidden_categories)
    told = [one for one in found.values() if category_of(one.product_id) not in hidden]
    return tuple(sorted(told, key=lambda one: (-one.lift, one.product_id))[:_MOST])


def _among(friends: Sequence[Shown], today: int, settings: ListSettings) -> Iterator[Found]:
    """Give what at least so many of them did, but not all."""
    by_product: dict[str, set[int]] = defaultdict(set)
    for number, friend in enumerate(friends):
        for at_ms, product in (*friend.bought, *friend.liked, *friend.shared):
            if today - settings.friends_days <= day_of(at_ms) < today:
                by_product[product].add(number)
    least = settings.friends_least
    for product, people in by_product.items():
        if least <= len(people) < len(friends):
            # The number itself would tell when one more comes to it.
            words = f"At least {least} people you know bought or liked it lately."
            yield Found(product, "friends", words, _AMONG_FRIENDS)


def _shown_to_you(friends: Sequence[Shown], today: int) -> Iterator[Found]:
    for friend in friends:
        for at_ms, product in friend.to_you:
            ago = today - day_of(at_ms)
            if 0 <= ago < _SHOWN_DAYS_MOST:
                words = "Somebody you know showed it to you."
                yield Found(product, "friends", words, _SHOWN_TO_YOU * 0.5 ** (ago / _DAYS_OF_HALF))


def latest_words(
    added: Iterable[Dated], removed: Iterable[Dated], person_of: Callable[[Identifier], str]
) -> dict[str, tuple[Identifier, bool]]:
    """Give whom somebody named, by person: under which name, and whether they know them now.

    Parameters
    ----------
    added, removed
        Whom they said they know, and know no more, each with its instant. Of two words of one
        instant the no counts.
    person_of
        The person whom an identifier names.
    """
    said: dict[str, tuple[int, int, Identifier]] = {}
    for is_no, dated in ((0, added), (1, removed)):
        for at_ms, text in dated:
            name = identifier_of(text)
            if name is None:
                continue
            person = person_of(name)
            if person not in said or said[person][:2] <= (at_ms, is_no):
                said[person] = at_ms, is_no, name
    return {person: (name, not is_no) for person, (_, is_no, name) in said.items()}


def identifier_of(text: str) -> Identifier | None:
    """Read how an event names another person: ``type:value``, an address, or a user id alone.

    Examples
    --------
    >>> identifier_of("Ben@Example.org"), identifier_of("user_id:b"), identifier_of("b")
    ('email:ben@example.org', 'user_id:b', 'user_id:b')
    """
    kind, colon, value = text.partition(":")
    if not colon:
        kind, value = ("email", text) if "@" in text else ("user_id", text)
    try:
        return normalise(kind, value)
    except InvalidEvent:
        return None


def shown_to(
    shared: Sequence[Dated], recipients: Iterable[Dated], mine: Mapping[Identifier, object]
) -> tuple[Dated, ...]:
    """Give what was shared with a person: the products of the instants at which they were named.

    Parameters
    ----------
    shared
        What somebody shared.
    recipients
        With whom, by the same instants.
    mine
        The identifiers of the person.
    """
    instants = {at_ms for at_ms, text in recipients if identifier_of(text) in mine}
    return tuple(one for one in shared if one[0] in instants)
