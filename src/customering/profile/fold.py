"""The fold: events, one after the other, become the state of an anchor, and states a profile.

Order does not matter: any order of the same events, in one state or in several that are merged,
gives the same values. So a profile as of some instant is the fold of the events up to it, and the
profile of a person is the merge of the states of their anchors.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from customering.consent import ledger
from customering.events.model import Event, products_of
from customering.profile import declared
from customering.profile.model import State, TraitValue
from customering.profile.traits import (
    CONSENT,
    DECLARED,
    EVERYTHING,
    Inputs,
    Program,
    TraitSet,
    plain,
)


def fold_event(
    traits: TraitSet, state: State, event: Event, allowed_mask: int = EVERYTHING
) -> None:
    """Take one event into the state of its anchor, which is changed.

    Parameters
    ----------
    allowed_mask
        Purposes the person permits, from `TraitSet.mask_of`. Slots of other purposes stay as they
        are. What is declared and what is agreed to are always kept.
    """
    program = traits.program(event.kind, event.name, allowed_mask)
    _fold_row(program.events, state, event, event)
    if program.lines:
        lines = products_of(event.properties)
        if len(lines) == 1:
            _fold_row(program.rows, state, (event, lines[0]), event)
        elif lines:
            _fold_lines(program, state, event, lines)
    if program.declares:
        state[DECLARED] = declared.step(state[DECLARED], event)
    if program.consents:
        state[CONSENT] = ledger.step(state[CONSENT] or {}, event) or None


def _fold_row(inputs: tuple[Inputs, ...], state: State, row: Any, event: Event) -> None:
    """Take what one row gives, which is an event or the pair of an event and a product line."""
    at_ms = event.occurred_at
    for where, read, weigh, entries in inputs:
        if where is not None and where(row, event.recorded_at) is not True:
            continue
        value = 1 if read is None else read(row)
        weight = 1 if weigh is None else weigh(row)
        if value is None or weight is None:
            continue
        for index, zero, step in entries:
            kept = state[index]
            state[index] = step(zero() if kept is None else kept, value, weight, at_ms)


def _fold_lines(
    program: Program, state: State, event: Event, lines: Sequence[dict[str, Any]]
) -> None:
    """Take the product lines of an event, field by field: orders are long, and fields are few."""
    at_ms = event.occurred_at
    columns = [read(event, lines) for read in program.columns]
    complete = [None not in column for column in columns]
    for where, value_place, weight_place, entries in program.lines:
        values, weights = columns[value_place], columns[weight_place]
        if where is not None or not (complete[value_place] and complete[weight_place]):
            taken = [
                (value, weight)
                for line, value, weight in zip(lines, values, weights, strict=True)
                if value is not None
                and weight is not None
                and (where is None or where((event, line), event.recorded_at) is True)
            ]
            if not taken:
                continue
            values, weights = [row[0] for row in taken], [row[1] for row in taken]
        for index, zero, step_many in entries:
            kept = state[index]
            state[index] = step_many(zero() if kept is None else kept, values, weights, at_ms)


def fold_events(traits: TraitSet, events: Iterable[Event], allowed_mask: int = EVERYTHING) -> State:
    """Give the state after some events; up to an instant, it is the state as of that instant."""
    state = traits.zero()
    for event in events:
        fold_event(traits, state, event, allowed_mask)
    return state


def merge_states(traits: TraitSet, states: Iterable[State]) -> State:
    """Join the states of a person's anchors into one to read; none of them is changed.

    The result shares parts with the states it is made of, so it must not be stepped.
    """
    merged = traits.zero()
    for state in states:
        merged[DECLARED] = declared.merge(merged[DECLARED], state[DECLARED])
        merged[CONSENT] = ledger.merge(merged[CONSENT] or {}, state[CONSENT] or {}) or None
        for slot in traits.slots:
            mine, other = merged[slot.index], state[slot.index]
            if mine is None:
                merged[slot.index] = other
            elif other is not None:
                merged[slot.index] = slot.aggregate.merge(mine, other)
    return merged


def finish(
    traits: TraitSet, state: State, now_ms: int, allowed_mask: int = EVERYTHING
) -> dict[str, TraitValue]:
    """Give everything known of a person at an instant, each with how we know.

    What the person declared stands in the place of a trait of the same name. Traits without a
    value, or for a purpose that is not permitted, are left out.
    """
    known: dict[str, TraitValue] = {}
    for name, trait in traits.traits.items():
        value = _observed(traits, state, name, now_ms, allowed_mask)
        if value is not None:
            known[name] = TraitValue(
                value=value,
                provenance="observed",
                as_of=now_ms,
                purpose=trait.definition.purpose,
                words=trait.definition.words,
            )
    for name, (_, at_ms, value, source) in declared.standing(state[DECLARED]).items():
        trait_words = traits.traits[name].definition.words if name in traits.traits else ""
        known[name] = TraitValue(
            value=value, provenance="declared", as_of=at_ms, words=trait_words, source=source
        )
    return known


def values(
    traits: TraitSet,
    state: State,
    now_ms: int,
    names: Iterable[str] | None = None,
    allowed_mask: int = EVERYTHING,
) -> dict[str, Any]:
    """Give the bare values at an instant, for expressions and models.

    Parameters
    ----------
    names
        The traits wanted; None for all. What was declared is always there: under ``declared``, and
        in the place of a wanted trait of the same name.

    Returns
    -------
    dict
        Value by name. A trait without a value is left out, so that expressions find it missing.
    """
    said = {name: fact[2] for name, fact in declared.standing(state[DECLARED]).items()}
    found: dict[str, Any] = {"declared": said}
    hidden = declared.hidden(said)
    if hidden:
        found["declared"] = said = {name: said[name] for name in said if name not in hidden}
    for name in traits.traits if names is None else names:
        if name in hidden:
            continue
        if name in said:
            found[name] = said[name]
        elif name in traits.traits:
            value = _observed(traits, state, name, now_ms, allowed_mask)
            if value is not None:
                found[name] = value
    return found


def _observed(traits: TraitSet, state: State, name: str, now_ms: int, allowed_mask: int) -> Any:
    trait = traits.traits[name]
    if not traits.bit_of(trait) & allowed_mask:
        return None
    kept = state[trait.slot]
    if kept is None:
        return trait.nothing
    return plain(trait.aggregate.finish(kept, now_ms))
