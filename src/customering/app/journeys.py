"""Adding journeys that ship to a home: their actions, as text to edit."""

from collections.abc import Iterable

from customering.app.engine import Engine
from customering.decision.actions import read_actions
from customering.examples.journeys import action_ids, written
from customering.kernel.errors import Conflict
from customering.kernel.records import Record

_ACTIONS = "actions.toml"


class Added(Record, frozen=True, kw_only=True):
    """What adding a journey wrote: ids of actions."""

    journey: str
    actions: tuple[str, ...]


def add_journeys(engine: Engine, names: Iterable[str], *, channel: str = "email") -> list[Added]:
    """Add journeys to the definitions of a home; nothing is written unless all of them can be.

    Parameters
    ----------
    engine
        The home, opened; what was read of it before does not change, so open it anew to use them.
    names
        Which journeys.
    channel
        The channel their messages go by.

    Raises
    ------
    Absent
        When there is no such journey.
    Invalid
        When the channel is no word.
    InvalidDefinition
        When the channel does not exist, or a file of the home cannot be read.
    Conflict
        When an action of this id is there already.
    """
    ready = [written(name, channel) for name in dict.fromkeys(names)]
    known = {*engine.traits.traits, "declared"}
    ids = {action.action_id for action in engine.actions}
    added, text = [], ""
    for one in ready:
        actions = read_actions(
            one.actions,
            file=f"the journey {one.journey.name}",
            policy=engine.consent,
            traits=known,
        )
        own = tuple(action.action_id for action in actions)
        _check_new(own, ids)
        ids |= set(own)
        head = f"\n# Journey: {one.journey.title}. {one.journey.when}\n"
        text += f"{head}# Lapses: {one.journey.lapses}\n\n{one.actions}"
        added.append(Added(journey=one.journey.name, actions=own))
    if text:
        path = engine.home.folder / _ACTIONS
        before = engine.home.text_of(_ACTIONS) or ""
        # A reader sees the old file or the new one.
        scratch = path.with_suffix(".new")
        scratch.write_text(before.rstrip() + "\n" + text, encoding="utf-8")
        scratch.replace(path)
    return added


def journeys_of(engine: Engine) -> set[str]:
    """Give the names of the journeys of which a home has an action."""
    ids = {action.action_id for action in engine.actions}
    return {name for name, own in action_ids().items() if not ids.isdisjoint(own)}


def _check_new(own: Iterable[str], ids: Iterable[str]) -> None:
    for action_id in sorted(set(own) & set(ids)):
        raise Conflict(
            f"there is an action {action_id!r} already",
            hint="change it in actions.toml, or remove it there and add the journey again",
        )
