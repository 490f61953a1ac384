"""A decision whose outcomes are waited for, and the counts of what was learned."""

import msgspec

from customering.decision.learner import Example
from customering.kernel.ids import Identifier


class Pending(msgspec.Struct):
    """A decision whose outcomes are waited for.

    Parameters
    ----------
    name
        Whom it was made for.
    placement
        The placement.
    examples
        Its actions that may be learned from.
    shown, succeeded
        The actions of which this was told.
    failed
        The actions that were learned as failures.
    is_closed
        Whether its window has closed.
    channel
        The channel.
    decided_at
        When it was made. Milliseconds since 1970.
    about
        The products of its actions; empty where purchases are not told by last touch.
    met
        When each action was met last, as a number that grows with the log.
    dismissed
        The actions that were said no to.
    """

    name: Identifier
    placement: str
    examples: tuple[Example, ...]
    shown: list[str] = msgspec.field(default_factory=list)
    succeeded: list[str] = msgspec.field(default_factory=list)
    failed: list[str] = msgspec.field(default_factory=list)
    is_closed: bool = False
    channel: str = ""
    decided_at: int = 0
    about: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    met: dict[str, int] = msgspec.field(default_factory=dict)
    dismissed: list[str] = msgspec.field(default_factory=list)


class FeedbackCounts(msgspec.Struct):
    """How many actions were learned from so far, and how many could not be.

    Parameters
    ----------
    successes, failures
        Actions that were learned as such.
    corrected
        Failures that became successes later.
    unseen
        Actions of which nobody told that they were seen.
    unanswered
        Failures at placements of which no success was ever told; nothing was learned from them.
    passed_over
        Decisions for which there was no room to wait.
    refused
        Decisions that were let go because the person refused.
    touched
        Purchases that were told of an action by last touch.
    """

    successes: int = 0
    failures: int = 0
    corrected: int = 0
    unseen: int = 0
    unanswered: int = 0
    passed_over: int = 0
    refused: int = 0
    touched: int = 0
