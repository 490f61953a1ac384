"""The nouns of a decision: what we may do, who for, what was considered, and what was chosen."""

from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from customering.consent.model import ConsentRecord, SetStatus
from customering.kernel.records import Record, Settings
from customering.relationship.model import ContactContract

ActionKind = Literal[
    "show_item", "make_offer", "send_message", "give_answer", "ask_question",
    "offer_consultation", "leave_alone",
]  # fmt: skip

FoundBy = Literal["repeat", "discover", "popular", "catalogue"]
"""How a candidate came up: bought before, new to the person, liked by many, or always on offer."""

Lost = Literal[
    "duplicate", "placement", "channel", "not_yet", "over", "sold_out", "budget_spent",
    "not_eligible", "consent", "status", "not_essential", "control", "cap", "quiet_hours",
    "cooldown", "personal_only", "quiet_better", "outscored", "variety", "room_for_discovery",
    "exploration",
]  # fmt: skip
"""Why a candidate was not chosen; one code for each rule."""

Choice = Literal["best", "drawn", "control", "common"]
"""How the first place was filled: by score, by chance, or the same as for everybody."""

LEAVE_ALONE = "leave_alone"
"""Id and kind of the action that does nothing: always possible, and always a candidate."""

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Minor = Annotated[int, msgspec.Meta(ge=0)]
TimeOfDay = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


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
    eligibility
        A condition over the person's traits that must hold; empty holds for everybody.
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
    stock
        How often it can be taken in all; None is without limit.
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
    stock: Annotated[int, msgspec.Meta(ge=0)] | None = None
    budget_minor: Minor | None = None
    cost_minor: Minor = 0


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
    """

    placement: str
    purpose: str
    channel: str = ""
    slots: Annotated[int, msgspec.Meta(ge=1)] = 1
    taken: dict[str, int] = msgspec.field(default_factory=dict)

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
    zone
        Name of the person's time zone, such as ``Europe/Vienna``; empty when not known.
    """

    person_id: str
    traits: dict[str, Any] = msgspec.field(default_factory=dict)
    consent: ConsentRecord = msgspec.field(default_factory=dict)
    status: SetStatus | None = None
    contract: ContactContract | None = None
    contacts: tuple[Contact, ...] = ()
    zone: str = ""


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
    propensity, value_minor, lever, score
        The parts of the score and their product; for leaving alone the score is what a contact
        costs in attention.
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


class Decision(Record, frozen=True, kw_only=True):
    """What was decided for one person at one place, and everything needed to judge it later.

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


class Cap(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A limit on contacts: so many in any so many days; without a channel it counts all of them."""

    channel: str = ""
    times: Minor
    days: Annotated[int, msgspec.Meta(ge=1)]


class DecisionSettings(Settings, frozen=True, kw_only=True):
    """How decisions are made."""

    exploration_share: Annotated[
        float,
        msgspec.Meta(
            description="Share of decisions whose first place is drawn at random, in [0, 1].",
            ge=0,
            le=1,
        ),
    ] = 0.02
    control_share: Annotated[
        float,
        msgspec.Meta(
            description="Share of people in the control group, who get what everybody gets, "
            "in [0, 1].",
            ge=0,
            le=1,
        ),
    ] = 0.05
    seed: Annotated[
        int, msgspec.Meta(description="Seed of all chance; a new one deals all groups anew.")
    ] = 1
    attention_cost_minor: Annotated[
        dict[str, Minor],
        msgspec.Meta(
            description="What one contact costs in the person's attention, by channel, minor units;"
            " a channel that is not listed costs as much as the dearest."
        ),
    ] = msgspec.field(
        default_factory=lambda: {"email": 10, "push": 15, "sms": 30, "post": 80, "phone": 200}
    )
    caps: Annotated[
        tuple[Cap, ...],
        msgspec.Meta(
            description="Most contacts in any so many days, by channel; no channel counts all."
        ),
    ] = (Cap(channel="email", times=2, days=7), Cap(times=3, days=7))
    quiet_from: Annotated[
        TimeOfDay,
        msgspec.Meta(
            description="Time of day, in the person's zone, from which nobody is reached."
        ),
    ] = "21:00"
    quiet_until: Annotated[
        TimeOfDay,
        msgspec.Meta(
            description="Time of day at which quiet ends; equal to quiet_from means no quiet hours."
        ),
    ] = "08:00"
    zone: Annotated[
        str, msgspec.Meta(description="Time zone of people whose own is not known.", min_length=1)
    ] = "UTC"
    most_per_group: Annotated[
        int, msgspec.Meta(description="Most chosen actions of one group in one decision.", ge=1)
    ] = 3
    discovery_slots: Annotated[
        int,
        msgspec.Meta(
            description="Places kept for what is new to the person; never the first place.", ge=0
        ),
    ] = 1
    valid_minutes: Annotated[
        int, msgspec.Meta(description="Minutes for which a decision may be carried out.", ge=1)
    ] = 1440
