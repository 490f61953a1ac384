"""What you know about me: every fact with where it is from, and correct, hide, forget beside it."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency

from customering.app.people import STATUS_FACT
from customering.app.timeline import life_of
from customering.app.wishes import Wish
from customering.events.model import FACT_CORRECTED, Event
from customering.kernel.clock import format_instant
from customering.kernel.errors import Absent, Invalid
from customering.portal.desk import Desk
from customering.portal.guest import Visit
from customering.portal.relationship import STYLE_FACT
from customering.portal.showing import shown
from customering.profile.declared import HIDDEN_FACT, hidden
from customering.profile.model import Provenance, TraitValue
from customering.profile.traits import Trait
from customering.relationship.contact_wishes import CONTACT_WISHES_FACT
from customering.taste.intents import INTENT_PREFIX, MORE_LIKE_THIS_FACT
from customering.web.problems import AnyRequest

_OURS = frozenset({STATUS_FACT, STYLE_FACT, CONTACT_WISHES_FACT, HIDDEN_FACT, MORE_LIKE_THIS_FACT})
_VALUE_LENGTH_MAX = 500
_HIDDEN_MOST = 500


class FactView(msgspec.Struct, frozen=True, kw_only=True):
    """One fact.

    Parameters
    ----------
    name
        What rules call it.
    words
        What it is, in a sentence's part; empty where nobody wrote it.
    value, shown
        The value, and as it is read.
    provenance
        Whether the person said it, their acts show it, or a model concludes it.
    source
        Which system said it; empty for what was seen.
    purpose
        What it is kept for; empty for what the person said.
    since, latest
        Days of the first and the last that it rests on; None where that is not known.
    from_events
        Names of the events it was seen in.
    is_hidden
        Whether the person does not want it to be used.
    can_forget
        Whether forgetting it alone is possible: it was said, not seen.
    is_plain
        Whether it can be corrected by writing another value.
    """

    name: str
    words: str
    value: Any
    shown: str
    provenance: Provenance
    source: str
    purpose: str
    since: str | None
    latest: str | None
    from_events: tuple[str, ...]
    is_hidden: bool
    can_forget: bool
    is_plain: bool


class FactsView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known of a person.

    Parameters
    ----------
    facts
        By where they are from.
    count
        How many there are.
    refused
        Titles of the purposes whose facts are not kept, because they are not permitted.
    audiences
        The groups the person is in now, in words.
    """

    facts: dict[Provenance, list[FactView]]
    count: int
    refused: tuple[str, ...]
    audiences: tuple[str, ...]


@get(["/me/facts", "/me/facts.json"])
async def facts(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Show what is known."""
    visit = await desk.visit(request)
    life = await desk.live.in_thread(life_of, desk.engine, visit.names)
    told = request.query_params.get("told", "")[:60]
    return desk.page(visit, "facts", view_of(desk, visit, life), said=told)


@post("/me/facts/correct")
async def correct(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Put a fact right: what a person says stands before what was seen or concluded."""
    visit, form = await desk.act(request)
    name = form.text("name")
    found = _known(desk, visit, name)
    text = form.text("value", most=_VALUE_LENGTH_MAX)
    await desk.say(_say(visit, {name: _like(text, found.value)}))
    return desk.done(visit, "/me/facts", "facts.corrected")


@post("/me/facts/forget")
async def forget(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Take back what was said, by the person or by a system of the shop."""
    visit, form = await desk.act(request)
    name = form.text("name")
    found = _known(desk, visit, name)
    if found.provenance != "declared":
        raise Invalid("this was seen, not said", hint="hide it, or erase what it was seen in")
    await desk.say(_say(visit, {name: None}))
    return desk.done(visit, "/me/facts", "facts.forgotten")


@post("/me/facts/hide")
async def hide(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Use a fact no more, or again: it is left out of every decision."""
    visit, form = await desk.act(request)
    name, wanted = form.text("name"), form.text("use")
    _known(desk, visit, name)
    names = set(_hidden(visit))
    names = names - {name} if wanted == "yes" else names | {name}
    if len(names) > _HIDDEN_MOST:
        raise Invalid("too many facts are hidden", hint="refuse the purpose they are kept for")
    await desk.say(_say(visit, {HIDDEN_FACT: sorted(names) or None}))
    return desk.done(visit, "/me/facts", "facts.used" if wanted == "yes" else "facts.hidden")


handlers = [facts, correct, forget, hide]


def view_of(desk: Desk, visit: Visit, life: Sequence[Event]) -> FactsView:
    """Give what the page tells."""
    engine, words = desk.engine, visit.words
    known = _facts(desk, visit)
    spans = _spans(life)
    hidden_names = _hidden(visit)
    groups: dict[Provenance, list[FactView]] = {"declared": [], "observed": [], "inferred": []}
    places = {name: place for place, name in enumerate(engine.traits.traits)}
    for name, fact in sorted(known.items(), key=lambda item: _rank(item[1], places.get(item[0]))):
        trait = engine.traits.traits.get(name)
        seen = None if trait is None or fact.provenance != "observed" else _seen(desk, trait, spans)
        unit = "" if trait is None else trait.definition.unit
        currency = engine.settings.events.default_currency
        groups[fact.provenance].append(
            FactView(
                name=name,
                words=fact.words,
                value=fact.value,
                shown=shown(fact.value, _unit(name, unit), words, currency),
                provenance=fact.provenance,
                source=fact.source,
                purpose=fact.purpose,
                since=_day(fact.as_of if seen is None else seen[0], fact, seen),
                latest=None if seen is None else format_instant(seen[1])[:10],
                from_events=() if seen is None else seen[2],
                is_hidden=name in hidden_names,
                can_forget=fact.provenance == "declared",
                is_plain=isinstance(fact.value, str | int | float),
            )
        )
    policy = engine.consent.purposes
    titles = engine.audiences.audiences
    return FactsView(
        facts=groups,
        count=len(known),
        refused=tuple(policy[key].title for key in visit.person.refused if key in policy),
        audiences=tuple(
            titles[name].definition.words or name
            for name in engine.people.audiences(visit.person, engine.audiences)
        ),
    )


def _rank(fact: TraitValue, place: int | None) -> tuple[bool, int]:
    """Order facts as they were defined, those that say nothing (none, never) at the end."""
    return fact.value in (0, False, ""), -1 if place is None else place


def _facts(desk: Desk, visit: Visit) -> dict[str, TraitValue]:
    """Give the facts a page may show and change: not those by which the page itself is set."""
    return {
        name: fact
        for name, fact in desk.engine.people.facts(visit.person).items()
        if name not in _OURS and not name.startswith(INTENT_PREFIX)
    }


def _known(desk: Desk, visit: Visit, name: str) -> TraitValue:
    """Give a fact of this person.

    Raises
    ------
    Absent
        When nothing of this name is known of them.
    """
    found = _facts(desk, visit).get(name)
    if found is None:
        raise Absent("nothing of this name is known of you", hint="load the page again")
    return found


def _hidden(visit: Visit) -> frozenset[str]:
    """Give what is hidden, also where hiding itself was left out of the values."""
    return hidden(visit.person.values["declared"])


def _spans(life: Iterable[Event]) -> dict[tuple[str, str], tuple[int, int]]:
    """Give for each kind and name of events the first and the last of them."""
    spans: dict[tuple[str, str], tuple[int, int]] = {}
    for event in life:
        key = (event.kind, event.name)
        first, last = spans.get(key, (event.occurred_at, event.occurred_at))
        spans[key] = (min(first, event.occurred_at), max(last, event.occurred_at))
    return spans


def _seen(
    desk: Desk, trait: Trait, spans: dict[tuple[str, str], tuple[int, int]]
) -> tuple[int, int, tuple[str, ...]] | None:
    """Give since when until when a trait was seen, and in which events; None in none."""
    source = desk.engine.traits.slot_of(trait).source
    taken = {key: span for key, span in spans.items() if source.takes(*key)}
    if not taken:
        return None
    first = min(span[0] for span in taken.values())
    last = max(span[1] for span in taken.values())
    return first, last, tuple(sorted(name or kind for kind, name in taken))[:4]


def _day(at_ms: int, fact: TraitValue, seen: object) -> str | None:
    is_dated = fact.provenance == "declared" or seen is not None
    return format_instant(at_ms)[:10] if is_dated else None


def _unit(name: str, unit: str) -> str:
    return "minor units" if not unit and name.endswith("_minor") else unit


def _like(text: str, before: Any) -> Any:
    """Read a text as the kind of value it replaces.

    Raises
    ------
    Invalid
        When it is not of that kind, or empty.
    """
    if not text:
        raise Invalid("nothing was written", hint="to take a fact back, forget it")
    if isinstance(before, bool):
        if text.lower() not in ("true", "false"):
            raise Invalid("this fact is true or false", hint="write true or false")
        return text.lower() == "true"
    if isinstance(before, int | float):
        try:
            number = float(text.replace(",", "."))
        except ValueError as error:
            raise Invalid("this fact is a number", hint="write digits") from error
        if abs(number) > 1e15 or number != number:
            raise Invalid("this number is too large", hint="write a smaller one")
        return int(number) if number.is_integer() else number
    if not isinstance(before, str):
        raise Invalid("this fact is a list", hint="hide it instead")
    return text


def _say(visit: Visit, said: dict[str, Any]) -> Wish:
    return Wish(FACT_CORRECTED, visit.names[:1], {"facts": said})
