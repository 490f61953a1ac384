"""The nouns of a decision: what we may do, who for, what was considered, and what was chosen."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from customering.consent.model import ConsentRecord, SetStatus
from customering.decision.settings import Cap as Cap
from customering.decision.settings import DecisionSettings as DecisionSettings
from customering.decision.settings import Minor as Minor
from customering.decision.settings import Share as Share
from customering.kernel.records import Record
from customering.relationship.contact_wishes import ContactWishes
from customering.relationship.model import ContactContract
from customering.taste.answering import NOBODY, Everybody

ActionKind = Literal[
    "show_item", "make_offer", "send_message", "give_answer", "ask_question",
    "offer_consultation", "leave_alone",
]  # fmt: skip

FoundBy = Literal[
    "repeat", "discover", "popular", "catalogue", "alike", "friends", "arrival",
]  # fmt: skip
"""How a candidate came up: bought before, new to the person, liked by many, always on offer, bought
by people who shop alike, known from people the person knows, or new to everybody."""

NEW_TO_PERSON: frozenset[FoundBy] = frozenset({"discover", "alike", "friends", "arrival"})
"""Of these, what the places for discovery are kept for."""

Lost = Literal[
    "duplicate", "placement", "channel", "not_yet", "over", "sold_out", "budget_spent",
    "not_eligible", "consent", "status", "not_essential", "control", "cap", "quiet_hours",
    "dismissed", "cooldown", "personal_only", "quiet_better", "outscored", "variety",
    "room_for_discovery", "exploration", "not_applicable", "not_suitable", "spacing", "holdout",
    "excluded", "outranked",
]  # fmt: skip
"""Why a candidate was not chosen; one code for each rule."""

Reminder = Literal["", "cart", "views", "own"]
"""What an action reminds of: the cart, what was looked at, what the action itself is about."""

Choice = Literal["best", "drawn", "control", "common"]
"""How the first place was filled: by score, by chance, or the same as for everybody."""

Arm = Literal["", "control", "random"]
"""Groups of people for comparison: who gets what everybody gets, and whose first place is drawn."""

LEAVE_ALONE = "leave_alone"
"""Id and kind of the action that does nothing: always possible, and always a candidate."""

CONTEXT = "context"
"""The name under which conditions read the circumstances of a request."""


class Action(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something we may do for one person.

    Parameters
    ----------
    action_id
        Its name, unique in the catalogue.
    kind
        What sort of act it is.
    title
        What it is called, as the person reads it.
    purpose
        The purpose that must be permitted; without one it is never permitted.
    channel
        The channel it belongs to; empty when it fits any.
    placements
        The placements it belongs to; empty when it fits any.
    valid_from, valid_until
        It may be done from the first instant and before the second. Milliseconds since 1970.
    eligibility, applicability, suitability
        Conditions over the person's traits that must hold: whether they may have it, whether it
        means anything to them, and whether it is good for them. An empty one holds for everybody.
    group
        Actions of one group compete for the places that variety leaves to the group.
    value_minor
        Margin when the person accepts, before the cost of attention. Minor units.
    base_propensity
        Chance that anybody accepts, not knowing who, in [0, 1].
    lever
        The operator's own weight; 1 changes nothing, 0 silences.
    products, categories
        What it is about; a person's wish to buy one of them raises the propensity.
    content
        Texts for the channel by name, such as ``subject``.
    cooldown_days
        Days for which it rests after one contact with it.
    spacing_hours
        Hours that must lie between a contact with anything of its group, at whatever placement,
        and this.
    excludes
        Actions that must not be chosen together with it.
    holdout_share
        Share of people who never get it, so that its effect can be told, in [0, 1].
    stock
        How often it can be taken in all; None is without limit.
    reminds_of
        What it reminds the person of; empty when it reminds of nothing. A reminder yields to what a
        person says they look for.
    budget_minor, cost_minor
        What may be spent on it in all, and what taking it once costs. Minor units.
    """

    action_id: Annotated[str, msgspec.Meta(min_length=1)]
    kind: ActionKind
    title: str
    purpose: str = ""
    channel: str = ""
    placements: tuple[str, ...] = ()
    valid_from: int | None = None
    valid_until: int | None = None
    eligibility: str = ""
    group: str = ""
    value_minor: int = 0
    base_propensity: Share = 0.0
    lever: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    products: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    content: dict[str, str] = msgspec.field(default_factory=dict)
    cooldown_days: Annotated[int, msgspec.Meta(ge=0)] = 0
    applicability: str = ""
    suitability: str = ""
    spacing_hours: Annotated[int, msgspec.Meta(ge=0)] = 0
    excludes: tuple[str, ...] = ()
    holdout_share: Share = 0.0
    stock: Annotated[int, msgspec.Meta(ge=0)] | None = None
    budget_minor: Minor | None = None
    cost_minor: Minor = 0
    reminds_of: Reminder = ""


class Candidate(Record, frozen=True, kw_only=True):
    """An action for one person, with what we expect of it.

    Parameters
    ----------
    action
        What would be done.
    propensity
        Chance that this person accepts, in [0, 1].
    value_minor
        Margin when they do. Minor units.
    found_by
        How it came up.
    facts
        What the expectation rests on, in the words of `explain`, such as ``times_bought``.
    """

    action: Action
    propensity: float
    value_minor: int
    found_by: FoundBy = "catalogue"
    facts: dict[str, Any] = msgspec.field(default_factory=dict)


class DecisionRequest(Record, frozen=True, kw_only=True):
    """A place that is to be filled for one person.

    Parameters
    ----------
    placement
        The place, such as ``home`` or ``weekly_mail``.
    purpose
        The purpose under which the place is filled, such as ``personalize.web``.
    channel
        The channel by which the person is reached; empty where the person already is.
    slots
        How many actions fit, at least 1.
    taken
        How often each action has been taken by everybody, for stock and budget.
    context
        The circumstances, as whoever asks knows them: page, cart, hour, weekday. Conditions read
        them as ``context.<name>``; the decision keeps them.
    why_channel
        Why this channel, as the person reads it; empty where whoever asks chose it.
    """

    placement: str
    purpose: str
    channel: str = ""
    slots: Annotated[int, msgspec.Meta(ge=1)] = 1
    taken: dict[str, int] = msgspec.field(default_factory=dict)
    context: dict[str, Any] = msgspec.field(default_factory=dict)
    why_channel: str = ""

    @property
    def is_contact(self) -> bool:
        """Whether filling the place means getting in touch."""
        return self.channel != ""


class Contact(Record, frozen=True, kw_only=True):
    """One earlier contact; one without a channel was a showing, which only cooldowns count."""

    at_ms: int
    channel: str
    action_id: str


class PersonFacts(Record, frozen=True, kw_only=True):
    """All that a decision may know of a person.

    Parameters
    ----------
    person_id
        The id of the person; chance is drawn from it.
    traits
        Trait values by name.
    consent
        The person's choices, merged over their anchors.
    status
        The status the person set; None restricts nothing.
    contract
        The contact that is fine in the person's status, set or observed; None restricts nothing.
    contacts
        Earlier contacts, in any order, at least as far back as the longest cap and cooldown.
        Messages that the service needs are left out.
    dismissed, accepted
        The actions the person said no to, or took up, each with the UTC day number on which they
        last did.
    outranked
        The reminders that yield to what the person says they look for.
    zone
        Name of the person's time zone, such as ``Europe/Vienna``; empty when not known.
    wishes
        When and how often the person wants to hear from us; None for nothing in particular.
    answering
        How everybody answers messages.
    effects
        Of what the person takes up, the share that would not have come without us, in [0, 1], by
        what was measured: ``contact``, ``contact:CHANNEL`` or ``action:ID``; what is not there
        counts as 1.
    """

    person_id: str
    traits: Mapping[str, Any] = msgspec.field(default_factory=dict)
    consent: ConsentRecord = msgspec.field(default_factory=dict)
    status: SetStatus | None = None
    contract: ContactContract | None = None
    contacts: tuple[Contact, ...] = ()
    dismissed: Mapping[str, int] = msgspec.field(default_factory=dict)
    accepted: Mapping[str, int] = msgspec.field(default_factory=dict)
    outranked: frozenset[str] = frozenset()
    zone: str = ""
    wishes: ContactWishes | None = None
    answering: Everybody = NOBODY
    effects: Mapping[str, float] = msgspec.field(default_factory=dict)


class Loss(NamedTuple):
    """Why a candidate was not chosen, as a code and in words."""

    code: Lost
    words: str


class Considered(Record, frozen=True, kw_only=True):
    """One candidate as a decision keeps it.

    Parameters
    ----------
    title
        What the action is called, as the person reads it.
    propensity, value_minor, lever, context_weight, effect, score
        The parts of the score and their product, in which those that are switched off count as 1;
        for leaving alone the score is what a contact costs in attention. The effect is the share of
        acceptance that would not have come without us.
    prior
        What the propensity was before learning from outcomes; None where nothing was learned.
    probability
        Chance, known exactly, with which this candidate got the first place. They sum to 1.
    rank
        Place among the chosen, from 1; None when it lost.
    lost
        The rule that removed it; None when it was chosen.
    words
        Why it was chosen or lost, as a person reads it.
    """

    action_id: str
    title: str = ""
    kind: ActionKind
    found_by: FoundBy
    propensity: float
    value_minor: int
    lever: float
    score: float
    probability: float
    rank: int | None
    lost: Lost | None
    words: str
    prior: float | None = None
    context_weight: float = 1.0
    effect: float = 1.0


class Pick(Record, frozen=True, kw_only=True):
    """One chosen action, as whoever carries it out needs it.

    Parameters
    ----------
    content
        Its texts by name, such as ``subject``.
    words
        Why it was chosen, as the person reads it.
    rank
        Its place, from 1.
    probability
        Chance, known exactly, with which it got the first place.
    """

    action_id: str
    kind: ActionKind
    title: str
    content: dict[str, str]
    words: str
    rank: int
    probability: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Decision:
    """What was decided for one person at one place, and everything needed to judge it later.

    It is a dataclass and no `Record`, so that a form of it can work out `candidates` when they are
    asked for: most decisions are answered and kept without anybody looking at all that lost.

    Parameters
    ----------
    candidates
        Every candidate, in the order given, and leaving alone as the last.
    chosen
        Ids of the chosen actions, best place first; never empty.
    propensity
        Chance, known exactly, with which this very choice was made, in (0, 1].
    choice
        How the first place was filled.
    policy_version
        Names the settings and purposes that decided.
    seed
        Seed of the chance.
    reasons
        What the person is told.
    expires_at
        Instant from which the decision must not be carried out any more. Milliseconds since 1970.
    context
        The circumstances it was asked in.
    contents
        Texts of the chosen actions by id; those without any are left out.
    arm
        The group for comparison that the person was in.
    learner
        Names what had been learned; empty when nothing was, or nothing was used.
    not_before
        Instant from which a message should go out, at the hour at which the person answers most;
        0 for at once. Milliseconds since 1970.
    """

    decision_id: str
    person_id: str
    placement: str
    purpose: str
    channel: str
    decided_at: int
    expires_at: int
    candidates: tuple[Considered, ...]
    chosen: tuple[str, ...]
    propensity: float
    choice: Choice
    policy_version: str
    seed: int
    reasons: tuple[str, ...]
    context: dict[str, Any] = field(default_factory=dict)
    contents: dict[str, dict[str, str]] = field(default_factory=dict)
    arm: Arm = ""
    learner: str = ""
    not_before: int = 0

    def __eq__(self, other: object) -> bool:
        """Tell whether everything that was decided is the same, in whichever form it is held."""
        return isinstance(other, Decision) and all(
            getattr(self, one.name) == getattr(other, one.name) for one in fields(Decision)
        )

    def __hash__(self) -> int:
        """Give a number that equal decisions share."""
        return hash(self.decision_id)

    @property
    def ranked(self) -> tuple[Considered, ...]:
        """The chosen candidates, best place first."""
        ranked = [one for one in self.candidates if one.rank is not None]
        return tuple(sorted(ranked, key=lambda one: one.rank or 0))

    @property
    def picks(self) -> tuple[Pick, ...]:
        """The chosen actions as they are carried out, best place first."""
        return tuple(
            Pick(
                action_id=one.action_id,
                kind=one.kind,
                title=one.title,
                content=self.contents.get(one.action_id, {}),
                words=one.words,
                rank=one.rank or 0,
                probability=one.probability,
            )
            for one in self.ranked
        )
