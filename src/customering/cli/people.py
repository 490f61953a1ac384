"""Commands about people: one person, who is one person, what they chose, and audiences."""

from typing import Annotated, Any

import typer

from customering.app.engine import Engine
from customering.app.home import find
from customering.app.people import STATUS_FACT, Person
from customering.app.rights_home import note_look
from customering.app.timeline import in_short
from customering.app.wishes import choice, standing
from customering.cli.output import (
    HomeOption,
    JsonOption,
    SetOption,
    cell,
    console,
    instant,
    print_json,
    table,
)
from customering.consent.voices import choices_of
from customering.events.model import IDENTIFIERS_JOINED, IDENTIFIERS_SEPARATED
from customering.identity.explain import explain
from customering.identity.preview import preview_join, preview_separate
from customering.kernel.clock import format_day, format_instant
from customering.kernel.errors import Invalid
from customering.kernel.money import format_money

identity = typer.Typer(help="Who is one person, and why.", no_args_is_help=True)
audience = typer.Typer(help="Saved questions over people.", no_args_is_help=True)
trait = typer.Typer(help="What is computed about people.", no_args_is_help=True)
status = typer.Typer(help="How a person wants to stand with us.", no_args_is_help=True)
consent = typer.Typer(help="What a person permits, and the proof of it.", no_args_is_help=True)

Who = Annotated[str, typer.Argument(help="type:value, an e-mail address, or a person id.")]
Other = Annotated[str, typer.Argument(help="The other identifier, type:value.")]


def person(
    who: Who,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="As it was at this instant: only what was known.")
    ] = None,
    events: Annotated[int, typer.Option("--events", help="How many recent events to show.")] = 5,
    home: HomeOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one person: who they are, how we stand, what is known and how we know it."""
    with Engine(find(home, overrides=overrides or ())) as engine:
        engine.catch_up()
        now_ms = engine.present
        earlier = None if as_of is None else instant(as_of)
        name = engine.people.identifier(who)
        found = engine.people.read(name, now_ms=now_ms, as_of=earlier)
        facts = engine.people.facts(found)
        inside = engine.people.audiences(found, engine.audiences)
        timeline = [in_short(event) for event in engine.people.timeline(found, events)]
        subject = engine.journal.hash_of(found.identifiers[0]).hex()
        note_look(engine, subject, "read", "customering person")
        currency = engine.settings.events.default_currency
        units = {n: t.definition.unit for n, t in engine.traits.traits.items()}
    if as_json:
        print_json(
            {
                "person_id": found.person_id,
                "identifiers": found.identifiers,
                "as_of": format_instant(found.as_of),
                "status": found.status,
                "estimate": found.estimate,
                "audiences": inside,
                "refused_purposes": found.refused,
                "facts": facts,
                "timeline": timeline,
            }
        )
        return
    _print_standing(found)
    rows = [
        (n, shown(n, f.value, units.get(n, ""), currency), f.provenance, f.words)
        for n, f in sorted(facts.items())
        if n not in ("habits", "shopping_days", STATUS_FACT)
    ]
    console.print()
    console.print(table(("fact", "value", "how we know", "what it says"), rows))
    if found.refused:
        console.print(
            f"\nNot computed, because it is not permitted: {', '.join(found.refused)}.\n"
            "`customering consent show` tells what they chose; \\[consent] in customering.toml"
            " states the defaults."
        )
    if inside:
        console.print(f"\nAudiences: {', '.join(inside)}")
    if timeline:
        console.print()
        recent = [
            (
                format_instant(e.occurred_at)[:16].replace("T", " "),
                e.name or e.kind,
                _gist(e, currency),
            )
            for e in timeline
        ]
        console.print(table(("lately", "what", ""), recent))


def _print_standing(found: Person) -> None:
    console.print(f"{found.person_id}  {', '.join(found.identifiers)}", style="bold", markup=False)
    console.print(f"as of {format_instant(found.as_of)}")
    standing = found.status
    console.print(f"\n{standing.name.replace('_', ' ')}: {standing.operator_words}", markup=False)
    for fact in standing.facts:
        console.print(f"  {fact}", markup=False)
    for change in standing.would_change:
        console.print(f"  {change}", markup=False)


def shown(name: str, value: Any, unit: str, currency: str) -> str:
    """Write a value with its unit for people."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if name.endswith("_minor") or unit == "minor units":
            return format_money(round(value), currency)
        if name.endswith("_at"):
            return format_instant(int(value))[:16].replace("T", " ")
        if name == "p_alive":
            return f"{value:.0%}"
        if isinstance(value, float):
            return f"{value:,.1f}"
    if isinstance(value, dict) and unit == "days since 1970 by action":
        said = sorted(value.items(), key=lambda one: -max(one[1]))
        return ", ".join(f"{action} ({format_day(max(days))})" for action, days in said)
    if isinstance(value, list):
        return ", ".join(_entry(entry) for entry in value[:5]) + (", ..." if len(value) > 5 else "")
    return cell(value)


def _entry(entry: Any) -> str:
    if isinstance(entry, list) and len(entry) == 2:
        return f"{entry[0]} ({entry[1]:,})"
    return str(entry)


def _gist(event: Any, currency: str) -> str:
    properties = event.properties
    parts = []
    if isinstance(properties.get("revenue_minor"), int):
        parts.append(
            format_money(properties["revenue_minor"], properties.get("currency", currency))
        )
    if isinstance(properties.get("products"), list):
        parts.append(f"{len(properties['products'])} products")
    told = ("campaign_id", "coupon_upc", "query", "placement")
    parts += [f"{key} {properties[key]}" for key in told if key in properties]
    return ", ".join(parts)


@identity.command("explain")
def identity_explain(who: Who, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Say why these identifiers are one person: the chain of evidence."""
    with Engine(find(home)) as engine:
        engine.catch_up()
        name = engine.people.known(who)
        found = explain(engine.people.graph_of(name), name)
    _print_words(found, found.words, as_json=as_json)


@identity.command("preview")
def identity_preview(
    who: Who,
    other: Other,
    split: Annotated[bool, typer.Option("--split", help="Preview a split, not a merge.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a merge or a split would do; nothing is changed."""
    with Engine(find(home)) as engine:
        engine.catch_up()
        one, two = engine.people.known(who), engine.people.known(other)
        _refuse_same(one, two)
        graph = engine.people.graph_of(one, also=two)
        found = (preview_separate if split else preview_join)(graph, one, two)
    _print_words(found, found.words, as_json=as_json)


@identity.command("merge")
def identity_merge(
    who: Who, other: Other, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Rule that two identifiers are one person; it can be undone with split."""
    _rule(IDENTIFIERS_JOINED, who, other, home, as_json=as_json)


@identity.command("split")
def identity_split(
    who: Who, other: Other, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Rule that two identifiers are not one person; profiles are as if never joined."""
    _rule(IDENTIFIERS_SEPARATED, who, other, home, as_json=as_json)


def _rule(ruling: str, who: str, other: str, home: HomeOption, *, as_json: bool) -> None:
    with Engine(find(home)) as engine:
        engine.catch_up()
        one, two = engine.people.known(who), engine.people.known(other)
        _refuse_same(one, two)
        engine.note(ruling, (one, two), {})
        found = explain(engine.people.graph_of(one), one)
    _print_words(found, found.words, as_json=as_json)


def _refuse_same(one: str, two: str) -> None:
    if one == two:
        raise Invalid("both are the same identifier", hint="name two different identifiers")


def _print_words(found: Any, words: tuple[str, ...], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    for sentence in words:
        console.print(sentence, markup=False)


@status.command("set")
def status_set(
    who: Who,
    word: Annotated[
        str,
        typer.Argument(
            help="on_a_break, just_a_transaction, not_that_into_you, partner, left, or none."
        ),
    ],
    until: Annotated[
        str | None, typer.Option("--until", help="When it ends, such as 2018-02-01.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep how a person says they want to stand with us; it wins over what is observed."""
    with Engine(find(home)) as engine:
        engine.catch_up()
        name = engine.people.identifier(who)
        now_ms = engine.present
        before = engine.people.read(name, now_ms=now_ms)
        until_ms = None if until is None else instant(until)
        engine.note(*standing(before, word, now_ms, until_ms))
        found = engine.people.read(name, now_ms=engine.present)
    if as_json:
        print_json(found.status)
        return
    _print_standing(found)


@consent.command("set")
def consent_set(
    who: Who,
    purpose: Annotated[
        str,
        typer.Argument(help="A purpose, such as marketing.email, or a group to deny: marketing."),
    ],
    answer: Annotated[str, typer.Argument(help="allow or deny.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep what a person chose for a purpose; it takes effect at once."""
    with Engine(find(home)) as engine:
        engine.catch_up()
        name = engine.people.identifier(who)
        before = engine.people.read(name, now_ms=engine.present)
        engine.note(*choice(before, {purpose: answer}, engine.consent))
        found = engine.people.read(name, now_ms=engine.present)
    _print_consent(found, as_json=as_json)


@consent.command("show")
def consent_show(who: Who, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show what a person chose, and which purposes of ours they do not permit."""
    with Engine(find(home)) as engine:
        engine.catch_up()
        found = engine.people.read(engine.people.identifier(who), now_ms=engine.present)
    _print_consent(found, as_json=as_json)


def _print_consent(found: Person, *, as_json: bool) -> None:
    if as_json:
        chosen = choices_of(found.consent)
        print_json({"chosen": chosen, "refused_purposes": found.refused})
        return
    rows = [
        (purpose, answer, format_instant(at_ms))
        for purpose, (at_ms, answer) in sorted(choices_of(found.consent).items())
    ]
    if rows:
        console.print(table(("purpose", "answer", "since"), rows))
    else:
        console.print("This person has not chosen anything; the stated defaults hold.")
    if found.refused:
        console.print(f"Not permitted: {', '.join(found.refused)}")


@trait.command("list")
def trait_list(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List every trait: the shipped ones and your own."""
    with Engine(find(home)) as engine:
        definitions = [one.definition for one in engine.traits.traits.values()]
    if as_json:
        print_json(definitions)
        return
    rows = [(d.name, d.unit, d.purpose, d.words) for d in definitions]
    console.print(table(("trait", "unit", "purpose", "what it says"), rows))


@audience.command("list")
def audience_list(
    home: HomeOption = None, overrides: SetOption = None, as_json: JsonOption = False
) -> None:
    """Count the people of every audience."""
    with Engine(find(home, overrides=overrides or ())) as engine:
        members = engine.members()
        rows = [
            (name, len(members[name]), one.definition.where, one.definition.words)
            for name, one in engine.audiences.audiences.items()
        ]
    if as_json:
        print_json([dict(zip(("name", "people", "where", "words"), r, strict=True)) for r in rows])
        return
    console.print(table(("audience", "people", "where", "what it means"), rows, numbers="lrll"))


@audience.command("members")
def audience_members(
    name: Annotated[str, typer.Argument(help="The audience.")],
    home: HomeOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the people of an audience, one identifier each."""
    with Engine(find(home, overrides=overrides or ())) as engine:
        members = engine.members()
        if name not in members:
            raise Invalid(
                f"there is no audience {name}", hint=f"audiences: {', '.join(sorted(members))}"
            )
        people = members[name]
    if as_json:
        print_json(people)
        return
    for one in people:
        typer.echo(one)
