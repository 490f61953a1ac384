"""The nouns of identity: links, what refused them, the people they give, and the settings."""

from typing import Annotated, Literal

from msgspec import Meta, field

from customering.kernel.ids import Identifier, PersonId, stable_id
from customering.kernel.records import Record, Settings

LinkKind = Literal["observed", "joined", "separated"]
Rule = Literal["separated", "shared", "limit", "merges"]
Pair = tuple[Identifier, Identifier]


class Link(Record, frozen=True, kw_only=True, gc=False):
    """Evidence that two identifiers name one person, or an operator's word that they do or do not.

    Parameters
    ----------
    left, right
        The two identifiers, in the order of their text: a link has no direction.
    evidence
        Id of the event that shows it.
    occurred_at
        When that event happened. Milliseconds since 1970.
    source
        Which system sent the event.
    kind
        ``observed`` (one event carried both), ``joined`` or ``separated`` (an operator ruled so).

    Raises
    ------
    ValueError
        When the identifiers are equal or in the wrong order; `link_between` sorts them.
    """

    left: Identifier
    right: Identifier
    evidence: str
    occurred_at: int
    source: str = ""
    kind: LinkKind = "observed"

    def __post_init__(self) -> None:
        if self.left >= self.right:
            raise ValueError("the identifiers of a link are two different ones, in order")


def link_between(
    one: Identifier,
    other: Identifier,
    *,
    evidence: str,
    occurred_at: int,
    source: str = "",
    kind: LinkKind = "observed",
) -> Link:
    """Make the link of two identifiers given in any order."""
    left, right = (one, other) if one < other else (other, one)
    return Link(
        left=left, right=right, evidence=evidence, occurred_at=occurred_at, source=source, kind=kind
    )


class Refusal(Record, frozen=True, kw_only=True):
    """A link that does not unite two people, and the rule that stands against it.

    Parameters
    ----------
    link
        The link, which is kept.
    rule
        ``shared``: an end of it is used by too many people; ``separated``: an operator keeps two
        of the identifiers apart; ``limit``: one person would have too many identifiers of a type;
        ``merges``: one person would have too many identifiers.
    about
        The shared identifiers, the separated pair, or the type of identifier; empty for ``merges``.
    limit, count
        What one person may have, and what this one would have; 0 where the rule knows no number.
    """

    link: Link
    rule: Rule
    about: tuple[str, ...] = ()
    limit: int = 0
    count: int = 0


class Resolution(Record, frozen=True, kw_only=True):
    """What a set of links says: who is one person, by which links, and which were refused.

    Parameters
    ----------
    groups
        People with two or more identifiers; each led by its canonical identifier. An identifier
        in no group is a person by itself.
    accepted
        The links that united them, in the order they were taken: a tree for each person.
    refused
        The links that were refused, in the order they were taken.
    shared
        Identifiers used by too many people to name any of them.
    """

    groups: tuple[tuple[Identifier, ...], ...] = ()
    accepted: tuple[Link, ...] = ()
    refused: tuple[Refusal, ...] = ()
    shared: frozenset[Identifier] = frozenset()


def own_id(name: Identifier) -> PersonId:
    """Give the id of the person whose canonical identifier this is, or once was.

    Examples
    --------
    >>> own_id(Identifier("user_id:ada"))
    'per_szpsfuue6nteoryl'
    """
    return PersonId(stable_id("per", name))


_Limit = Annotated[int, Meta(ge=1, le=1_000_000)]
STANDARD_LIMITS = {"user_id": 1, "loyalty_card": 5}


class IdentitySettings(Settings, frozen=True, kw_only=True):
    """Which identifiers name one person together, and when they do not."""

    priority: Annotated[
        tuple[str, ...],
        Meta(
            description="Types of identifier from the most trusted down; an event is filed under "
            "the first it carries. Types named nowhere follow in alphabetical order."
        ),
    ] = ("user_id", "loyalty_card", "email", "phone")
    last: Annotated[
        tuple[str, ...],
        Meta(description="Types of identifier that come after all others, in this order."),
    ] = ("anonymous_id", "device")
    limits: Annotated[
        dict[str, _Limit],
        Meta(
            description="Most identifiers of a type one person may have; a type of which one "
            "person has only one is never shared. user_id and loyalty_card keep their standard "
            "limits (1 and 5) when left out."
        ),
    ] = field(default_factory=STANDARD_LIMITS.copy)
    other_limit: Annotated[
        int,
        Meta(
            description="Most identifiers one person may have of each type without a limit of its "
            "own.",
            ge=1,
            le=1_000_000,
        ),
    ] = 5
    merges_max: Annotated[
        int,
        Meta(
            description="Most merges in one person: its number of identifiers less one.",
            ge=1,
            le=10_000,
        ),
    ] = 100
    personal: Annotated[
        tuple[str, ...],
        Meta(
            description="Types of identifier that tell people apart: one seen together with many "
            "of such a type is shared."
        ),
    ] = ("user_id", "loyalty_card", "email", "phone")
    shared_above: Annotated[
        int,
        Meta(
            description="An identifier seen together with more than this many of one personal type "
            "(and more than one person may have) is shared and links nobody.",
            ge=1,
            le=1_000_000,
        ),
    ] = 3
    blocked_values: Annotated[
        tuple[str, ...],
        Meta(description="Values that name nobody, of any type; upper and lower case are equal."),
    ] = (
        "null", "none", "nil", "nan", "undefined", "unknown", "anonymous", "guest", "n/a", "-1",
        "0000", "true", "false", "id", "email", "distinct_id", "not_authenticated",
        "[object object]",
    )  # fmt: skip
    blocked_patterns: Annotated[
        tuple[str, ...],
        Meta(
            description="Regular expressions: a value in which one of them is found names nobody."
        ),
    ] = ("^[0-]*$",)
