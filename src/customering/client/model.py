"""What the client sends and gets: records of its own, so that the server may be older or newer.

Fields that a newer server adds are left out.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from customering.kernel.records import Record

OutcomeName = Literal["shown", "clicked", "accepted", "dismissed", "bought", "returned"]


class Action(Record, frozen=True):
    """One thing to do.

    Parameters
    ----------
    action_id, kind, title
        What.
    content
        What to show: the texts of the action, or the product.
    reasons
        Why, as the person reads it.
    rank
        Its place, from 1.
    probability
        Chance with which it got the first place, in [0, 1].
    """

    action_id: str
    kind: str = ""
    title: str = ""
    content: dict[str, Any] = msgspec.field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    rank: int = 1
    probability: float = 0.0


class Decision(Record, frozen=True):
    """What was decided for one person at one place.

    Parameters
    ----------
    decision_id
        Names it in outcomes; empty for a preview, of which nothing is kept.
    person_id
        Whom it is for; empty where a public key asked.
    placement
        The place.
    decided_at, expires_at
        ISO 8601 instants: when it was made, and from when it must not be carried out any more.
    propensity
        Chance with which this very choice was made, in (0, 1].
    actions
        What to do, best place first; empty to leave the person alone.
    reasons
        What the person is told.
    channel
        The channel by which the person is to be reached; empty where they already are.
    not_before
        ISO 8601 instant from which on a message should go out; empty for at once.
    """

    decision_id: str = ""
    person_id: str = ""
    placement: str = ""
    decided_at: str = ""
    expires_at: str = ""
    propensity: float = 1.0
    actions: tuple[Action, ...] = ()
    reasons: tuple[str, ...] = ()
    channel: str = ""
    not_before: str = ""


class Asked(Record, frozen=True):
    """One question of `decide_batch`; as the arguments of `decide`."""

    placement: str
    identifiers: Mapping[str, str | int] = msgspec.field(default_factory=dict)
    context: dict[str, Any] = msgspec.field(default_factory=dict)
    n: int = 1
    mode: Literal["decide", "preview"] = "decide"
    channel: str = ""


class Report(Record, frozen=True):
    """What came of a decision; as the arguments of `outcome`."""

    decision_id: str
    outcome: OutcomeName
    action_id: str = ""
    because: str = ""
    revenue: float | str | None = None
    currency: str = ""
    at: str | None = None
    message_id: str = ""


class Weighing(Record, frozen=True):
    """How one candidate was weighed: the parts of its score; money in minor units."""

    propensity: float = 0.0
    value_minor: int = 0
    lever: float = 1.0
    score: float = 0.0
    probability: float = 0.0


class Candidate(Record, frozen=True):
    """One candidate and its fate; `lost` is the code of the rule that removed it."""

    action_id: str
    kind: str = ""
    title: str = ""
    found_by: str = ""
    rank: int | None = None
    lost: str | None = None
    words: str = ""
    weighing: Weighing | None = None


class Told(Record, frozen=True):
    """One thing that came of a decision, and why it belongs to it; money in minor units."""

    outcome: str
    action_id: str = ""
    occurred_at: str = ""
    how: str = ""
    words: str = ""
    event_id: str = ""
    because: str = ""
    revenue_minor: int | None = None
    currency: str = ""


class Explanation(Record, frozen=True):
    """One decision whole: every candidate with its fate, and what came of it.

    Parameters
    ----------
    choice
        How the first place was filled: by score, by chance, or the same as for everybody.
    chosen
        The chosen actions, best place first.
    policy_version, seed
        Which settings and which chance decided; empty for a subject token.
    not_before
        ISO 8601 instant from which on a message should go out; empty for at once.
    """

    decision_id: str
    person_id: str = ""
    placement: str = ""
    purpose: str = ""
    channel: str = ""
    decided_at: str = ""
    expires_at: str = ""
    choice: str = ""
    propensity: float = 1.0
    context: dict[str, Any] = msgspec.field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    outcomes: tuple[Told, ...] = ()
    policy_version: str = ""
    seed: int | None = None
    not_before: str = ""


class Fact(Record, frozen=True):
    """One thing that is known of a person, and how we know it."""

    value: Any = None
    provenance: str = ""
    as_of: str = ""
    words: str = ""
    purpose: str = ""
    source: str = ""
    unit: str = ""


class Status(Record, frozen=True):
    """How we stand with a person."""

    name: str = ""
    set_by: str = ""
    words: str = ""
    facts: tuple[str, ...] = ()
    since: str | None = None


class Person(Record, frozen=True):
    """One person: who they are, what is known, how we stand."""

    person_id: str
    identifiers: tuple[str, ...] = ()
    as_of: str = ""
    status: Status = msgspec.field(default_factory=Status)
    traits: dict[str, Fact] = msgspec.field(default_factory=dict)
    refused_purposes: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()


class TimelineEvent(Record, frozen=True):
    """One event of a person."""

    event_id: str
    kind: str = ""
    name: str = ""
    identifiers: tuple[str, ...] = ()
    occurred_at: str = ""
    recorded_at: str = ""
    properties: dict[str, Any] = msgspec.field(default_factory=dict)
    context: dict[str, Any] = msgspec.field(default_factory=dict)
    source: str = ""


class Page(Record, frozen=True):
    """A part of a timeline; `next` is the cursor of what happened before it."""

    events: tuple[TimelineEvent, ...] = ()
    next: str | None = None


class Pushed(Record, frozen=True):
    """One message of a stream.

    Parameters
    ----------
    kind
        ``decision``, ``profile``, ``problem`` or ``end``.
    id
        Send it as `last_id` to go on from here.
    decision
        The decision, when it is one.
    data
        The message as it came.
    """

    kind: str
    id: str = ""
    decision: Decision | None = None
    data: Any = None
