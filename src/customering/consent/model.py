"""The nouns of permission: purposes, what a person chose, their status, and the answer given."""

from typing import Annotated, Literal, TypeAlias

import msgspec

from customering.kernel.records import Record, Settings

Answer = Literal["allow", "deny"]

ConsentRecord: TypeAlias = dict[str, tuple[int, Answer]]
"""What a person last chose for each purpose: purpose -> (instant in ms, allow or deny)."""

Basis = Literal["consent", "legitimate_interest", "contract", "legal_obligation"]

Reason = Literal[
    "agreed", "default", "contract", "legal_obligation",
    "unknown_purpose", "denied", "never_asked", "status", "unknown_status",
    "category", "channel", "fault",
]  # fmt: skip
"""Why the gate answered as it did; the first four permit, the others refuse."""


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
    """

    key: Annotated[str, msgspec.Meta(pattern=r"^[a-z_]+(\.[a-z_]+)*$")]
    title: str
    text: str
    basis: Basis
    gives: str = ""
    categories: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    is_profiling: bool = False

    @property
    def is_essential(self) -> bool:
        """Whether the service itself or the law needs it, so that it is not a matter of choice."""
        return self.basis in ("contract", "legal_obligation")


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


class ConsentSettings(Settings, frozen=True, kw_only=True):
    """What holds before a person has chosen."""

    defaults: Annotated[
        dict[str, StatedDefault],
        msgspec.Meta(
            description="Answer per purpose for people who have not chosen, with the stated ground;"
            " a purpose that is not listed is refused."
        ),
    ] = msgspec.field(default_factory=dict)
