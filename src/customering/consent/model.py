"""The nouns of permission: purposes, what a person chose, their status, and the answer given."""

from typing import Annotated, Literal, TypeAlias

import msgspec

from customering.kernel.records import Record, Settings

Answer = Literal["allow", "deny"]

ConsentRecord: TypeAlias = dict[str, tuple[int, Answer]]
"""What was last said for each key: key -> (instant in ms, allow or deny).

A key is a purpose, about which the person chose, or a voice beside the choices, whose key has a
colon: see `customering.consent.voices`.
"""

STATUS_FACT = "relationship_status"
"""The declared fact in which a person's own choice of status is kept."""

Basis = Literal["consent", "legitimate_interest", "contract", "legal_obligation"]

Reason = Literal[
    "agreed", "default", "contract", "legal_obligation", "agreement",
    "unknown_purpose", "denied", "never_asked", "status", "unknown_status",
    "signal", "objection", "restriction", "prohibited", "unknown_voice",
    "category", "channel", "fault",
]  # fmt: skip
"""Why the gate answered as it did; the first five permit, the others refuse."""

ReturnKind = Literal["discount", "content", "speed", "early_access", "advice", "service", "nothing"]


class ValueOffer(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person gets for permitting a purpose, what that is worth, and how we know.

    The estimate and its method are what a notice of a financial incentive must state (California,
    11 CCR 7016(d)(5)); what really came back is shown beside them, see
    `customering.consent.exchange`.

    Parameters
    ----------
    returns
        The kind of what comes back.
    low_minor, high_minor
        Between which a year of it is usually worth to the person. Minor units; 0 when unknown.
    currency
        ISO 4217; empty when there is no estimate.
    method
        How the estimate was made, in a sentence the person reads; empty without one.
    window
        Which data the estimate rests on, such as ``2026-07/2026-09``.
    terms_url
        Where the terms are.
    when_withdrawn
        What changes for the person when they take the permission back.
    """

    returns: ReturnKind = "nothing"
    low_minor: Annotated[int, msgspec.Meta(ge=0)] = 0
    high_minor: Annotated[int, msgspec.Meta(ge=0)] = 0
    currency: Annotated[str, msgspec.Meta(pattern=r"^([A-Z]{3})?$")] = ""
    method: str = ""
    window: str = ""
    terms_url: str = ""
    when_withdrawn: str = ""


class Purpose(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that we may want to do with what we know of a person.

    Parameters
    ----------
    key
        Dotted and hierarchical, such as ``marketing.email``; a refusal of ``marketing`` covers it.
    title, text
        What the person reads when they are asked, in plain words.
    basis
        The lawful basis. ``contract`` and ``legal_obligation`` are permitted without being asked
        and cannot be switched off; every other basis is refused until something permits it.
    gives
        What the person gets in return; empty when nothing is promised.
    categories
        Kinds of facts the purpose may use, such as ``purchases``; ``contact`` covers
        ``contact.email``.
    channels
        Channels by which the purpose may reach the person. Empty: it may not reach out at all.
    is_profiling
        Whether it judges or predicts the single person.
    dpv_iri
        The nearest purpose of the W3C Data Privacy Vocabulary.
    fides_data_use
        The nearest data use of fideslang.
    retention
        How long facts are kept for it: an ISO 8601 duration, or words; empty is as long as the
        relationship lasts.
    recipients
        Who else gets the facts, by name; empty is nobody.
    value
        What comes back for it.
    serves
        Purposes, or groups of them, that it serves: an objection to these covers it too.
    is_third_party
        Whether somebody else gets the facts for ends of their own; every purpose below ``ads`` and
        ``share`` counts as one. A Global Privacy Control signal refuses it.
    is_ai_training
        Whether models that outlive the decision learn from the facts.
    requires_age
        Years of age from which a person can agree; None when any. It is told and not checked: who
        asks a person for their agreement must know their age.
    collects
        Kinds of facts that are recorded for its sake, each one of the `Collected`.
    """

    key: Annotated[str, msgspec.Meta(pattern=r"^[a-z_]+(\.[a-z_]+)*$")]
    title: str
    text: str
    basis: Basis
    gives: str = ""
    categories: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    is_profiling: bool = False
    dpv_iri: Annotated[str, msgspec.Meta(pattern=r"^(https?://\S+)?$")] = ""
    fides_data_use: Annotated[str, msgspec.Meta(pattern=r"^([a-z_]+(\.[a-z_]+)*)?$")] = ""
    retention: str = ""
    recipients: tuple[str, ...] = ()
    value: ValueOffer = ValueOffer()
    serves: tuple[str, ...] = ()
    is_third_party: bool = False
    is_ai_training: bool = False
    requires_age: Annotated[int, msgspec.Meta(ge=0, le=120)] | None = None
    collects: tuple[str, ...] = ()

    @property
    def is_essential(self) -> bool:
        """Whether the service itself or the law needs it, so that it is not a matter of choice."""
        return self.basis in ("contract", "legal_obligation")


class Collected(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of facts that are recorded for the purposes that say so, and for nothing else.

    A fact that is of no such kind, such as an order, is recorded because the service needs it.

    Parameters
    ----------
    category
        Its name, by which purposes say that they collect it.
    title
        What it is, as the person reads it, such as ``Which pages you look at``.
    kinds, events
        Kinds and names of events that are nothing but this; a name that ends with ``*`` stands for
        all that begin so. They are not recorded at all where the person does not want it.
    context, properties
        Members that any event may carry, each with a dot for every level below the first. They are
        taken out of events that are recorded.
    identifiers
        Types of identifiers that are taken off an event that has others.
    """

    category: Annotated[str, msgspec.Meta(pattern=r"^[a-z_]+(\.[a-z_]+)*$")]
    title: Annotated[str, msgspec.Meta(min_length=1)]
    kinds: tuple[Literal["page", "screen", "group"], ...] = ()
    events: tuple[Annotated[str, msgspec.Meta(min_length=2)], ...] = ()
    context: tuple[Annotated[str, msgspec.Meta(min_length=1)], ...] = ()
    properties: tuple[Annotated[str, msgspec.Meta(min_length=1)], ...] = ()
    identifiers: tuple[Annotated[str, msgspec.Meta(min_length=1)], ...] = ()


class StatusRule(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a relationship status forbids, whatever the person has agreed to.

    Parameters
    ----------
    status
        The word of the status, such as ``on_a_break``.
    words
        Why we hold back, as the person reads it.
    forbids
        Purposes, each with everything below it; ``*`` is every purpose that is not essential.
    """

    status: str
    words: str = ""
    forbids: tuple[str, ...] = ()


class SetStatus(Record, frozen=True, kw_only=True):
    """The status a person set.

    Parameters
    ----------
    status
        One of the statuses for which there is a `StatusRule`.
    until_ms
        Instant from which it restricts nothing any more. Milliseconds since 1970; None is open.
    """

    status: str
    until_ms: int | None = None


class Permit(Record, frozen=True, kw_only=True):
    """The gate says yes: the reason and the words for it."""

    purpose: str
    reason: Reason
    words: str


class Refusal(Record, frozen=True, kw_only=True):
    """The gate says no: the reason and the words for it."""

    purpose: str
    reason: Reason
    words: str


class StatedDefault(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds for a purpose until the person is asked, and on what ground the operator says so.

    Parameters
    ----------
    answer
        ``allow`` or ``deny``.
    ground
        The operator's reason, kept with every permission that rests on it. Never empty.
    """

    answer: Answer
    ground: Annotated[str, msgspec.Meta(min_length=1)]


class ControllerSettings(Settings, frozen=True, kw_only=True):
    """Who answers for the data: printed on every consent record and receipt."""

    name: Annotated[str, msgspec.Meta(description="Legal name of the business.")] = ""
    address: Annotated[str, msgspec.Meta(description="Postal address, in one line.")] = ""
    email: Annotated[str, msgspec.Meta(description="Address for questions about data.")] = ""
    url: Annotated[str, msgspec.Meta(description="Address of its web site.")] = ""
    notice_url: Annotated[str, msgspec.Meta(description="Where the privacy notice is.")] = ""
    choices_url: Annotated[
        str, msgspec.Meta(description="Where people see and change what they allow.")
    ] = ""
    language: Annotated[
        str, msgspec.Meta(description="Language of the purposes' words, as BCP 47 has it.")
    ] = "en"
    jurisdiction: Annotated[
        str, msgspec.Meta(description="Law that holds: a country by ISO 3166, or EU.")
    ] = "EU"
    storage_location: Annotated[
        str, msgspec.Meta(description="Where the data lies: a country by ISO 3166, or EU.")
    ] = "EU"
    authority: Annotated[
        str, msgspec.Meta(description="The supervisory authority for complaints.")
    ] = ""


class ConsentSettings(Settings, frozen=True, kw_only=True):
    """What holds before a person has chosen, who answers for it, and which agreements we sign."""

    defaults: Annotated[
        dict[str, StatedDefault],
        msgspec.Meta(
            description="Answer per purpose for people who have not chosen, with the stated ground;"
            " a purpose that is not listed is refused."
        ),
    ] = msgspec.field(default_factory=dict)
    before_asked: Annotated[
        Literal["keep", "drop"],
        msgspec.Meta(
            description="Whether facts that nothing but purposes of choice need are recorded of"
            " people who said nothing of it yet: keep them, unused, or drop them."
        ),
    ] = "keep"
    agreements: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description="Agreements of IEEE 7012 (MyTerms) that are accepted when a person proffers"
            " them, the one offered as an alternative first."
        ),
    ] = ("SD-BASE-DP", "SD-BASE", "PDC-INTENT", "PDC-AI", "PDC-GOOD")
    controller: ControllerSettings = ControllerSettings()
