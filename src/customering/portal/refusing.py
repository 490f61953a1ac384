"""Keeping what a person allows and refuses; to refuse messages is to unsubscribe from them."""

from collections.abc import Mapping
from typing import Any

from customering.app.people import Person
from customering.app.wishes import Wish, choice
from customering.portal.desk import Desk

UNSUBSCRIBED = "Unsubscribed"
"""The event of the Segment specification, from which the trait ``unsubscribed_at`` is read."""


async def keep_answers(desk: Desk, person: Person, answers: Mapping[str, str], **more: Any) -> None:
    """Append what a person allows and refuses; both events of a refusal count from one moment on.

    Parameters
    ----------
    answers
        Purpose to ``allow`` or ``deny``.
    more
        What else the event is to say, such as the channel it came by.

    Raises
    ------
    InvalidEvent
        When a purpose does not exist or an answer is neither of the two.
    """
    wish = choice(person, answers, desk.engine.consent)
    wishes = [Wish(wish.name, wish.identifiers, {**wish.properties, **more})]
    refused = _messages_refused(desk, person, answers)
    if refused:
        told = {"purposes": refused, "by": "person", **more}
        wishes.append(Wish(UNSUBSCRIBED, wish.identifiers, told))
    await desk.say(*wishes)


def _messages_refused(desk: Desk, person: Person, answers: Mapping[str, str]) -> list[str]:
    """Give the purposes of messages that are refused now and were not before."""
    purposes = desk.engine.consent.purposes
    return sorted(
        key
        for key, answer in answers.items()
        if answer == "deny"
        and key in purposes
        and purposes[key].channels
        and person.consent.get(key, (0, "allow"))[1] != "deny"
    )
