"""Adding journeys that ship to a home: their actions, and the traits they need, as text to edit."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from customering.app.engine import Engine
from customering.decision.actions import read_actions
from customering.examples.journeys import Written, action_ids, journeys, written
from customering.kernel.errors import Conflict, Invalid
from customering.kernel.records import Record
from customering.profile.definitions import read_traits
from customering.profile.model import TraitDefinition

_TRAITS, _ACTIONS = "traits.toml", "actions.toml"


class Added(Record, frozen=True, kw_only=True):
    """What adding a journey wrote: ids of actions, and names of traits that were not there yet."""

    journey: str
    actions: tuple[str, ...]
    traits: tuple[str, ...] = ()


def add_journeys(
    engine: Engine,
    names: Iterable[str],
    *,
    channel: str = "email",
    options: Mapping[str, str] | None = None,
) -> list[Added]:
    """Add journeys to the definitions of a home; nothing is written unless all of them can be.

    Parameters
    ----------
    engine
        The home, opened; what was read of it before does not change, so open it anew to use them.
    names
        Which journeys.
    channel
        The channel their messages go by.
    options
        What some of them must be told; each is given those it takes.

    Raises
    ------
    Absent
        When there is no such journey.
    Invalid
        When an option is missing, cannot be accepted, or is taken by none of them.
    InvalidDefinition
        When the channel does not exist, or a file of the home cannot be read.
    Conflict
        When an action of this id is there already, or a trait of the name means something else.
    """
    told = dict(options or {})
    takes = {journey.name: journey.options.keys() for journey in journeys()}
    wanted = list(dict.fromkeys(names))
    unused = told.keys() - {option for name in wanted for option in takes.get(name, ())}
    if unused:
        raise Invalid(
            f"none of these journeys takes {' or '.join(sorted(unused))}", hint="leave it out"
        )
    ready = [
        written(name, channel, {one: told[one] for one in takes.get(name, ()) if one in told})
        for name in wanted
    ]
    known = {name: trait.definition for name, trait in engine.traits.traits.items()}
    ids = {action.action_id for action in engine.actions}
    added = []
    traits_text = actions_text = ""
    for one in ready:
        new = _new_traits(one, known)
        known |= new
        actions = read_actions(
            one.actions,
            file=f"the journey {one.journey.name}",
            policy=engine.consent,
            traits={*known, "declared"},
        )
        own = tuple(action.action_id for action in actions)
        _check_new(own, ids)
        ids |= set(own)
        head = f"\n# Journey: {one.journey.title}. {one.journey.when}\n"
        actions_text += f"{head}# Lapses: {one.journey.lapses}\n\n{one.actions}"
        traits_text += f"{head}{one.traits}" if new else ""
        added.append(Added(journey=one.journey.name, actions=own, traits=tuple(new)))
    # The traits first: an action that reads a trait that is not there could not be read.
    for file, text in ((_TRAITS, traits_text), (_ACTIONS, actions_text)):
        _append(engine.home.folder / file, (engine.home.text_of(file) or "") if text else "", text)
    return added


def journeys_of(engine: Engine) -> set[str]:
    """Give the names of the journeys of which a home has an action."""
    ids = [action.action_id for action in engine.actions]
    return {
        name
        for name, begins in action_ids().items()
        if any(
            one == own or (own.endswith("_") and one.startswith(own))
            for one in ids
            for own in begins
        )
    }


def _new_traits(one: Written, known: Mapping[str, TraitDefinition]) -> dict[str, TraitDefinition]:
    """Give the traits of a journey that are not there yet."""
    new = {}
    for trait in read_traits(one.traits, file=f"the journey {one.journey.name}"):
        there = known.get(trait.name)
        if there is None:
            new[trait.name] = trait
        elif there != trait:
            raise Conflict(
                f"the journey {one.journey.name!r} needs a trait {trait.name!r},"
                " and there is another one of this name",
                hint="give yours another name in traits.toml",
            )
    return new


def _check_new(own: Iterable[str], ids: Iterable[str]) -> None:
    for action_id in sorted(set(own) & set(ids)):
        raise Conflict(
            f"there is an action {action_id!r} already",
            hint="change it in actions.toml, or remove it there and add the journey again",
        )


def _append(path: Path, before: str, text: str) -> None:
    """Write a file with a text after what it held; a reader sees the old file or the new one."""
    if text:
        scratch = path.with_suffix(".new")
        scratch.write_text(before.rstrip() + "\n" + text, encoding="utf-8")
        scratch.replace(path)
