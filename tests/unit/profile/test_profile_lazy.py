"""Values read one by one are those that are read together."""

from itertools import pairwise
from statistics import stdev
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.consent.purposes import shipped_purposes
from customering.events.model import CONSENT_UPDATED, Event
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.ids import Identifier
from customering.profile.definitions import shipped_traits
from customering.profile.fold import fold_events, merge_states, values
from customering.profile.lazy import Reader, spread_of_gaps
from customering.profile.traits import CONSENT, EVERYTHING, TraitSet

TRAITS = TraitSet(shipped_traits(), sorted(p.key for p in shipped_purposes().purposes))
READER = Reader(TRAITS)
NOW_MS = 400 * MS_PER_DAY

orders = st.builds(
    lambda day, products: Event(
        event_id=f"o{day}{products}",
        kind="track",
        name="Order Completed",
        identifiers=(Identifier("user_id:a"),),
        occurred_at=day * MS_PER_DAY + 5,
        recorded_at=NOW_MS,
        properties={
            "revenue_minor": 100 * day,
            "products": [{"product_id": p, "quantity": 2, "category": "c"} for p in products],
        },
    ),
    st.integers(1, 399),
    st.lists(st.sampled_from("abcd"), max_size=3),
)
facts = st.builds(
    lambda at, told: Event(
        event_id=f"i{at}{told}",
        kind="identify",
        identifiers=(Identifier("user_id:a"),),
        occurred_at=at,
        recorded_at=NOW_MS,
        properties=told,
    ),
    st.integers(1, NOW_MS),
    st.dictionaries(
        st.sampled_from(["zone", "orders_total", "habits", "size"]),
        st.sampled_from([None, 3, "Europe/Vienna"]),
        max_size=3,
    ),
)
anchors = st.lists(st.lists(st.one_of(orders, facts), max_size=8), max_size=3)


@settings(max_examples=60, deadline=None)
@given(anchors, st.sampled_from([EVERYTHING, 0, 1, 2, 5]))
def test_one_by_one_is_all_at_once(events: list[list[Event]], mask: int):
    states = [fold_events(TRAITS, some) for some in events]
    merged = merge_states(TRAITS, states)
    together = values(TRAITS, merged, NOW_MS, allowed_mask=mask)
    lazy = READER.values(states, NOW_MS, mask)
    assert dict(lazy) == together
    assert len(lazy) == len(together)
    assert ("habits" in lazy) == ("habits" in together)
    assert READER.consent(states) == (merged[CONSENT] or {})


def test_what_is_declared_does_not_change_what_was_observed():
    state = fold_events(TRAITS, [_order(7), _said({"habits": 3})])
    lazy = READER.values([state], NOW_MS, EVERYTHING)
    assert lazy["habits"] == 3
    assert lazy.observed("habits") == {"a": [7]}
    assert lazy.kept("habits") == [{"a": [7]}]
    assert READER.values([state], NOW_MS, 0).kept("habits") == []
    with pytest.raises(KeyError):
        lazy["no such trait"]


def test_choices_of_all_anchors_count():
    chosen = Event(
        event_id="c",
        kind="track",
        name=CONSENT_UPDATED,
        identifiers=(Identifier("user_id:a"),),
        occurred_at=5,
        recorded_at=9,
        properties={"purposes": {"marketing": "deny"}},
    )
    states = [fold_events(TRAITS, [chosen]), TRAITS.zero()]
    assert READER.consent(states) == {"marketing": (5, "deny")}


@settings(max_examples=200, deadline=None)
@given(st.sets(st.integers(0, 20_000), max_size=64).map(sorted))
def test_a_spread_of_gaps_is_exact(days: list[int]):
    gaps = [after - before for before, after in pairwise(days)]
    assert spread_of_gaps(days) == (stdev(gaps) if len(gaps) > 1 else None)


def _order(day: int) -> Event:
    return Event(
        event_id="o",
        kind="track",
        name="Order Completed",
        identifiers=(Identifier("user_id:a"),),
        occurred_at=day * MS_PER_DAY,
        recorded_at=NOW_MS,
        properties={"products": [{"product_id": "a"}]},
    )


def _said(told: dict[str, Any]) -> Event:
    return Event(
        event_id="i",
        kind="identify",
        identifiers=(Identifier("user_id:a"),),
        occurred_at=9,
        recorded_at=NOW_MS,
        properties=told,
    )
