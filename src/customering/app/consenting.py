"""What people permit and why: what a page, a door or a batch asks about permission as a whole."""

from typing import Literal

from customering.app.glance import STATUS_FACT, declared_status, set_status
from customering.app.people import Person
from customering.app.wishes import Wish
from customering.consent.gate import CompiledPolicy, permit
from customering.consent.model import Answer, Permit, Purpose, Reason, SetStatus
from customering.consent.voices import RESTRICTION_KEY, SIGNALS, standing, voice_key
from customering.events.model import (
    AGREEMENT_UPDATED,
    FACT_CORRECTED,
    OBJECTION_UPDATED,
    RESTRICTION_UPDATED,
    SIGNAL_UPDATED,
)
from customering.identity.graph import IdentityGraph
from customering.kernel.clock import day_of, format_day
from customering.kernel.errors import Invalid
from customering.kernel.ids import Identifier
from customering.kernel.records import Record, from_json
from customering.profile import declared
from customering.stores.history import History


def statuses_set(history: History, graph: IdentityGraph) -> dict[Identifier, SetStatus]:
    """Read the status that people set themselves, by the anchors they said anything of it under.

    Parameters
    ----------
    history
        Where it is read.
    graph
        Who is one person: what they said last of their status holds, under whichever name.
    """
    spoken = (
        f"(kind = 'identify' OR name = '{FACT_CORRECTED}')"  # few: asked before the text is read
    )
    told = f"""(
        SELECT * FROM {history.relation()} WHERE {spoken} AND contains(properties, '{STATUS_FACT}')
    )"""
    said = {
        Identifier(row["owner"]): from_json(row["state"], declared.Declared)
        for row in history.arrow(declared.states_sql(told, "anchor").sql("duckdb")).to_pylist()
    }
    found: dict[Identifier, SetStatus] = {}
    for anchor in said:
        whole: declared.Declared | None = None
        for name in graph.identifiers_of(anchor):
            whole = declared.merge(whole, said.get(name))
        stands = declared.standing(whole).get(STATUS_FACT)
        wish = None if stands is None else declared_status(stands[2])
        if wish is not None:
            found[anchor] = set_status(wish)
    return found


class Standpoint(Record, frozen=True, kw_only=True):
    """One purpose as it stands for one person.

    Parameters
    ----------
    purpose
        The purpose, with everything the person reads about it.
    is_permitted, reason, words
        The answer of the gate now, its code, and what the person reads.
    answer, since_ms
        What they chose themselves for this very purpose, and when; None when they did not.
    can_choose
        Whether it is a matter of choice.
    """

    purpose: Purpose
    is_permitted: bool
    reason: Reason
    words: str
    answer: Answer | None
    since_ms: int | None
    can_choose: bool


class Contradiction(Record, frozen=True, kw_only=True):
    """Two things a person told us that cannot both hold, and which of them does.

    Parameters
    ----------
    purpose
        What it is about.
    voice
        What speaks against the person's agreement.
    words
        Both, and which holds, as the person reads it.
    wins
        Whether the ``choice`` or the ``voice`` holds.
    """

    purpose: str
    voice: Reason
    words: str
    wins: Literal["choice", "voice"]


_VOICES: tuple[Reason, ...] = ("signal", "objection", "restriction", "prohibited", "status")


def status_of(person: Person) -> SetStatus | None:
    """Give the status a person set, as the gate takes it."""
    wish = person.declared_status
    return None if wish is None else set_status(wish)


def permissions(person: Person, policy: CompiledPolicy, now_ms: int) -> tuple[Standpoint, ...]:
    """Give every purpose as it stands for a person, in the order people are shown them."""
    status = status_of(person)
    found = []
    for key, purpose in policy.purposes.items():
        said = permit(person.consent, key, "", "", now_ms, policy=policy, status=status)
        chosen = person.consent.get(key)
        found.append(
            Standpoint(
                purpose=purpose,
                is_permitted=isinstance(said, Permit),
                reason=said.reason,
                words=said.words,
                answer=None if chosen is None else chosen[1],
                since_ms=None if chosen is None else chosen[0],
                can_choose=not purpose.is_essential,
            )
        )
    return tuple(found)


def conflicts(person: Person, policy: CompiledPolicy, now_ms: int) -> tuple[Contradiction, ...]:
    """Give where a person agreed to something and something else they told us speaks against it."""
    signals = standing(person.consent, "signal")
    found = []
    for point in permissions(person, policy, now_ms):
        if point.answer != "allow" or not point.can_choose:
            continue
        key, title = point.purpose.key, point.purpose.title
        agreed = f"You allowed {title!r} on {format_day(day_of(point.since_ms or 0))}."
        if point.reason in _VOICES:
            words = f"{agreed} It does not hold: {point.words}"
            found.append(Contradiction(purpose=key, voice=point.reason, words=words, wins="voice"))
        elif point.is_permitted and signals and key in policy.voices.signalled:
            since = format_day(day_of(max(signals.values())))
            words = (
                f"{agreed} It holds, because it came after your browser asked us on {since} not to"
                " sell or share your facts."
            )
            found.append(Contradiction(purpose=key, voice="signal", words=words, wins="choice"))
    return tuple(found)


# What a person tells us


def objection(person: Person, key: str, policy: CompiledPolicy, *, is_raised: bool) -> Wish:
    """Give the wish of a person who objects to a purpose, or takes an objection back (Art. 21).

    Parameters
    ----------
    key
        A purpose, a group of them, or ``*`` for everything we do not need.

    Raises
    ------
    Invalid
        When there is no such purpose.
    """
    if key not in policy.voices.objected:
        raise Invalid(
            f"there is no purpose {key!r} to object to",
            hint=f"purposes and groups: {', '.join(sorted(policy.voices.objected))}",
        )
    return _wish(OBJECTION_UPDATED, person, voice_key("objection", key), is_on=is_raised)


def restriction(person: Person, *, is_on: bool) -> Wish:
    """Give the wish of a person who wants us to store their facts only (Art. 18), or no longer."""
    return _wish(RESTRICTION_UPDATED, person, RESTRICTION_KEY, is_on=is_on)


def signal(person: Person, name: str, *, is_on: bool) -> Wish:
    """Give the wish of a person whose browser's signal is to be heeded, or not any more.

    Raises
    ------
    Invalid
        When there is no such signal.
    """
    if name not in SIGNALS:
        raise Invalid(f"there is no signal {name!r}", hint=f"signals: {', '.join(SIGNALS)}")
    return _wish(SIGNAL_UPDATED, person, voice_key("signal", name), is_on=is_on)


def ended_agreement(person: Person, agreement_id: str) -> Wish:
    """Give the wish of a person who ends an agreement.

    Raises
    ------
    Invalid
        When none of this id is in force.
    """
    if agreement_id not in standing(person.consent, "agreement"):
        raise Invalid(
            f"no agreement {agreement_id!r} is in force",
            hint=f"in force: {', '.join(standing(person.consent, 'agreement')) or 'none'}",
        )
    return _wish(AGREEMENT_UPDATED, person, voice_key("agreement", agreement_id), is_on=False)


def _wish(name: str, person: Person, key: str, *, is_on: bool) -> Wish:
    return Wish(name, person.identifiers[:1], {"purposes": {key: "deny" if is_on else "allow"}})
