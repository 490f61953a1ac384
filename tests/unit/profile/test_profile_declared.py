"""Declared facts: corrections first, then the latest; null takes back."""

from typing import Any

from customering.events.model import Event
from customering.kernel.ids import Identifier
from customering.profile import declared
from customering.profile.definitions import shipped_traits
from customering.profile.fold import finish, fold_events, values
from customering.profile.traits import TraitSet

TRAITS = TraitSet(shipped_traits())


def said(at_ms: int, recorded_at: int | None = None, source: str = "web", **facts: Any) -> Event:
    return Event(
        event_id="e", kind="identify", identifiers=(Identifier("user_id:1"),), occurred_at=at_ms,
        recorded_at=at_ms if recorded_at is None else recorded_at, properties=facts, source=source,
    )  # fmt: skip


def corrected(at_ms: int, facts: Any) -> Event:
    return Event(
        event_id="e", kind="track", name="Fact Corrected", identifiers=(Identifier("user_id:1"),),
        occurred_at=at_ms, recorded_at=at_ms, properties={"facts": facts}, source="portal",
    )  # fmt: skip


def standing(*events: Event) -> dict[str, Any]:
    state: declared.Declared | None = None
    for event in events:
        state = declared.step(state, event)
    return {name: fact[2] for name, fact in declared.standing(state).items()}


def test_the_latest_statement_stands_whatever_came_last() -> None:
    assert standing(said(5, size="M"), said(3, size="L", city="Bern")) == {
        "size": "M",
        "city": "Bern",
    }


def test_a_correction_outranks_later_statements() -> None:
    assert standing(said(1, size="M"), corrected(2, {"size": "L"}), said(9, size="M")) == {
        "size": "L"
    }
    assert standing(corrected(2, {"size": "L"}), corrected(3, {"size": "S"})) == {"size": "S"}


def test_null_takes_back() -> None:
    assert standing(said(1, size="M", city="Bern"), said(2, size=None)) == {"city": "Bern"}
    assert standing(corrected(2, {"size": None}), said(5, size="M")) == {}


def test_a_clock_that_runs_ahead_wins_nothing() -> None:
    assert standing(said(900, recorded_at=5, size="M"), said(6, size="L")) == {"size": "L"}


def test_ties_are_settled_by_value_and_source() -> None:
    assert standing(said(1, size="M"), said(1, size="L")) == {"size": "M"}
    left = declared.step(None, said(1, source="a", size="M"))
    right = declared.step(None, said(1, source="b", size="M"))
    assert declared.merge(left, right) == declared.merge(right, left) == right


def test_what_is_no_map_of_facts_states_nothing() -> None:
    assert declared.step(None, corrected(1, ["size"])) is None
    assert declared.step(None, corrected(1, {})) is None


def test_declared_stands_in_the_place_of_observed() -> None:
    state = fold_events(TRAITS, [said(7, last_store="s9", size="M")])
    known = finish(TRAITS, state, now_ms=100)
    store, size, orders = known["last_store"], known["size"], known["orders_total"]
    assert (store.value, store.provenance, store.as_of, store.source) == (
        "s9",
        "declared",
        7,
        "web",
    )
    assert store.words == "the store you last bought in"
    assert (size.value, size.provenance, size.words) == ("M", "declared", "")
    assert (orders.value, orders.provenance, orders.as_of) == (0, "observed", 100)
    bare = values(TRAITS, state, 100, ["last_store"])
    assert bare == {"declared": {"last_store": "s9", "size": "M"}, "last_store": "s9"}
