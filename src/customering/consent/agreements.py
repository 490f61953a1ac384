"""The agreements of IEEE 7012 ("MyTerms") that we know, and what each means for our purposes.

A person proffers one of these; what they say is compiled to purposes by what each purpose does
(analyse, follow, profile, share), so that an operator's own purposes are covered as well. The
lattice of agreements is that of the W3C DPV extension ``https://w3id.org/dpv/standards/p7012#``.
"""

from collections.abc import Callable, Iterable
from typing import Literal

from customering.consent.model import Purpose
from customering.kernel.records import Record

Obligation = Literal["portability", "anonymise_before_sharing"]

_OLD_PREFIX, _PREFIX = "SD-BY", "SD-BASE"
_THIRD_PARTY_GROUPS = ("ads", "share")


class Agreement(Record, frozen=True, kw_only=True):
    """One agreement of the roster.

    Parameters
    ----------
    id
        As the roster has it.
    title
        What it is, in the words a person reads.
    forbids
        What it rules out: kinds of purposes, as `KINDS` tells them.
    allows
        Kinds of purposes that accepting it permits, as an agreement of the person would.
    obliges
        What we owe beside.
    """

    id: str
    title: str
    forbids: tuple[str, ...] = ()
    allows: tuple[str, ...] = ()
    obliges: tuple[Obligation, ...] = ()


def is_third_party(purpose: Purpose) -> bool:
    """Tell whether somebody else gets the facts for ends of their own."""
    return purpose.is_third_party or purpose.key.split(".")[0] in _THIRD_PARTY_GROUPS


def _counts(purpose: Purpose) -> bool:
    """Tell whether a purpose counts what is used, and judges nobody."""
    uses = purpose.key.split(".")[0], purpose.fides_data_use.split(".")[0]
    return "analytics" in uses and not purpose.is_profiling


def _tracks(purpose: Purpose) -> bool:
    """Tell whether a purpose uses what one person did from visit to visit."""
    is_other = _counts(purpose) or purpose.is_ai_training
    return "visits" in purpose.categories and not is_other


KINDS: dict[str, Callable[[Purpose], bool]] = {
    "analytics": _counts,
    "tracking": _tracks,
    "profiling": lambda one: one.is_profiling,
    "sharing": is_third_party,
    "marketing": lambda one: one.key.split(".")[0] == "marketing",
    "ai": lambda one: one.is_ai_training,
    "public_good": lambda one: one.key == "research.public_good",
    "intent": lambda one: one.key.split(".")[0] == "intent",
}
"""Which purposes an agreement means; what is essential is never among them."""

_SERVICE_ONLY = ("analytics", "tracking", "profiling", "sharing", "marketing")
_MORE = (
    ("-A", "and counting", ("tracking", "profiling", "sharing"), ("analytics",)),
    ("-AT", "counting and tracking", ("profiling", "sharing"), ("analytics", "tracking")),
    (
        "-ATP",
        "counting, tracking and profiling",
        ("sharing",),
        ("analytics", "tracking", "profiling"),
    ),
)


def _service_agreements() -> Iterable[Agreement]:
    """Give the SD-BASE family, each also with the duty of portability (``-DP``)."""
    rows: list[tuple[str, str, tuple[str, ...], tuple[str, ...], tuple[Obligation, ...]]] = [
        ("", "Service delivery only", _SERVICE_ONLY, (), ()),
        *((end, f"Service delivery, {what}", no, yes, ()) for end, what, no, yes in _MORE),
        # What may be shared is anonymous, so no purpose that shares facts of a person is allowed.
        (
            "-ATP-S3P",
            "Service delivery, counting, tracking, profiling; sharing of anonymous facts",
            ("sharing",),
            ("analytics", "tracking", "profiling"),
            ("anonymise_before_sharing",),
        ),
    ]
    for end, title, forbids, allows, obliges in rows:
        for more, words, owed in (("", "", ()), ("-DP", ", with your data to take along", True)):
            yield Agreement(
                id=f"{_PREFIX}{end}{more}",
                title=title + words,
                forbids=forbids,
                allows=allows,
                obliges=(*obliges, "portability") if owed else obliges,
            )


ROSTER: dict[str, Agreement] = {
    one.id: one
    for one in (
        *_service_agreements(),
        Agreement(id="PDC-AI", title="Contributing to the training of models", allows=("ai",)),
        Agreement(id="PDC-GOOD", title="Contributing to the public good", allows=("public_good",)),
        Agreement(id="PDC-INTENT", title="Telling what you look for", allows=("intent",)),
    )
}
"""Every agreement we can read, by id."""

LAUNCH_SET = ("SD-BASE", "SD-BASE-DP", "PDC-AI", "PDC-GOOD", "PDC-INTENT")
"""The agreements with which the standard was launched."""


def canonical_id(agreement_id: str) -> str:
    """Give the id of the roster for one that an earlier draft of the vocabulary has.

    Examples
    --------
    >>> canonical_id("SD-BY-DP")
    'SD-BASE-DP'
    """
    if agreement_id == _OLD_PREFIX or agreement_id.startswith(f"{_OLD_PREFIX}-"):
        return _PREFIX + agreement_id.removeprefix(_OLD_PREFIX)
    return agreement_id


def meant_by(kinds: Iterable[str], purposes: Iterable[Purpose]) -> tuple[str, ...]:
    """Give the keys of the purposes that some kinds mean; none that is essential."""
    tests = [KINDS[kind] for kind in kinds]
    return tuple(
        one.key for one in purposes if not one.is_essential and any(means(one) for means in tests)
    )


def effect_of(agreement: Agreement, purposes: Iterable[Purpose]) -> dict[str, str]:
    """Give what an agreement says of each purpose it names: ``allow`` or ``deny``.

    A purpose that is both allowed and forbidden, such as profiling by one who may count but not
    profile, is forbidden.
    """
    every = tuple(purposes)
    effect = dict.fromkeys(meant_by(agreement.allows, every), "allow")
    return effect | dict.fromkeys(meant_by(agreement.forbids, every), "deny")
