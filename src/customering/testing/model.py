"""The nouns of the town: whom it meets and where, what would come of actions, and what came."""

from typing import Any, Literal, NamedTuple

from customering.testing.assortment import PARTS, Floats

Goal = Literal["accepted", "margin", "net"]
"""What is to be had most of: acceptances; margin of what is accepted; or margin that would not have
come anyway, less what is given away and what a message costs in patience."""


class Circumstances(NamedTuple):
    """Where and when a person is met.

    Parameters
    ----------
    hour
        Hour of the day, 0 to 23.
    weekday
        Day of the week, 1 is Monday.
    page
        One of `customering.testing.assortment.PAGES`.
    channel
        The channel by which they are reached; empty where they already are.
    """

    hour: int
    weekday: int
    page: str = "home"
    channel: str = ""

    @property
    def part(self) -> str:
        """The part of the day: a quarter of it."""
        return PARTS[self.hour // 6]

    def as_context(self) -> dict[str, Any]:
        """Give it as the context of a request for a decision."""
        return {
            "hour": self.hour, "weekday": self.weekday, "page": self.page, "part": self.part,
        }  # fmt: skip


class Visit(NamedTuple):
    """One person, and where and when they are met."""

    person: int
    at_ms: int
    circumstances: Circumstances


class Rates(NamedTuple):
    """What would come of each action; one entry an action in each field, in the town's order.

    Parameters
    ----------
    accepted
        Chance that the person buys what it is about when it is done.
    anyway
        Chance that they buy it when it is not done. Larger than `accepted` for who is put off.
    unsubscribed
        Chance that they end the channel for good.
    margin_minor
        Expected margin of what is accepted. Minor units.
    net_minor
        Expected margin beyond what would have come anyway, less what is given away and the margin
        of the years that are lost with the channel. Leaving alone has 0. Minor units.
    """

    accepted: Floats
    anyway: Floats
    unsubscribed: Floats
    margin_minor: Floats
    net_minor: Floats


class Response(NamedTuple):
    """What came of an action.

    Parameters
    ----------
    shown, clicked, accepted, dismissed, unsubscribed
        What the person did.
    delay_ms
        From the decision to the purchase, or to the click when nothing was bought.
    margin_minor
        What was earned with it. Minor units.
    would_have_bought
        Whether they would have bought it had it been left undone; nobody but the town can know.
    """

    shown: bool
    clicked: bool
    accepted: bool
    dismissed: bool
    unsubscribed: bool
    delay_ms: int
    margin_minor: int
    would_have_bought: bool


class Best(NamedTuple):
    """The best that can be done, and what it is worth in what was asked for."""

    action_id: str
    value: float
