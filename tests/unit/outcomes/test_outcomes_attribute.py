"""Which outcome belongs to which decision: named first, then the last touch, and why."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from customering.kernel.clock import MS_PER_DAY
from customering.outcomes.attribute import attribute
from customering.outcomes.model import Attributed, Line, Made, Outcome, OutcomeSettings, Told

WEEK = OutcomeSettings(window_days=7)


def made(name: str, day: float, **actions: Any) -> Made:
    return Made(decision_id=name, decided_at=round(day * MS_PER_DAY), actions=actions)


def told(outcome: Outcome, day: float, decision: str = "", action: str = "", **more: Any) -> Told:
    return Told(
        event_id=f"{outcome}-{day}-{decision}-{action}",
        occurred_at=round(day * MS_PER_DAY),
        outcome=outcome,
        decision_id=decision,
        action_id=action,
        **more,
    )


def lines(*products: str, each: int | None = 100) -> tuple[Line, ...]:
    return tuple(Line(product_id=product, amount_minor=each) for product in products)


def places(found: list[Attributed]) -> list[tuple[str, str, str]]:
    return [(one.outcome, one.decision_id, one.action_id) for one in found]


def test_what_names_a_decision_belongs_to_it_once() -> None:
    one = made("d1", 0, a=("bread",), b=("wine",))
    found = attribute(
        [
            told("shown", 0.1, "d1", "a"),
            told("shown", 0.2, "d1", "a"),
            told("clicked", 0.3, "d1", "b"),
            told("clicked", 0.4, "d1", "of another decision"),
            told("clicked", 0.5, "of somebody else", "a"),
        ],
        [one],
        WEEK,
    )
    assert places(found) == [
        ("shown", "d1", "a"),
        ("clicked", "d1", "b"),
        ("clicked", "d1", ""),
    ]
    assert {one.how for one in found} == {"named"}


def test_an_action_need_not_be_named_where_it_is_the_only_one_or_its_product_says_so() -> None:
    decisions = [made("one", 0, a=("bread",)), made("two", 0, a=("bread",), b=("wine",))]
    found = attribute(
        [
            told("accepted", 1, "one"),
            told("bought", 2, "two", lines=lines("wine"), revenue_minor=500, currency="EUR"),
            told("accepted", 3, "two"),
        ],
        decisions,
        WEEK,
    )
    assert places(found) == [
        ("accepted", "one", "a"),
        ("bought", "two", "b"),
        ("accepted", "two", ""),
    ]
    assert found[1].revenue_minor == 500


def test_a_purchase_belongs_to_the_last_touch_within_the_window() -> None:
    decisions = [made("early", 0, a=("bread",)), made("late", 2, a=("bread",))]
    touches = [told("clicked", 3, "early", "a"), told("shown", 2, "late", "a")]
    sale = told("bought", 5, lines=lines("bread", "wine"), currency="EUR", order_id="o")
    found = attribute([*touches, sale], decisions, WEEK)
    assert places(found)[2:] == [("bought", "early", "a")]
    assert found[2].how == "last_touch"
    assert found[2].revenue_minor == 100
    assert found[2].words == "What it is about was bought 2 days after the person last met it."
    late = told("bought", 10.01, lines=lines("bread"))
    assert places(attribute([*touches, late], decisions, WEEK))[2:] == []


def test_an_action_that_was_not_seen_is_credited_only_where_nothing_was_told() -> None:
    decision = made("d", 0, a=("bread",), b=("wine",))
    sale = told("bought", 1, lines=lines("wine"))
    assert places(attribute([sale], [decision], WEEK)) == [("bought", "d", "b")]
    seen = told("shown", 0.5, "d", "a")
    assert places(attribute([seen, sale], [decision], WEEK)) == [("shown", "d", "a")]


def test_what_was_dismissed_is_credited_with_nothing_afterwards() -> None:
    decision = made("d", 0, a=("bread",))
    found = attribute(
        [
            told("shown", 0.1, "d", "a"),
            told("dismissed", 0.2, "d", "a", because="too dear"),
            told("bought", 0.3, lines=lines("bread")),
        ],
        [decision],
        WEEK,
    )
    assert places(found) == [("shown", "d", "a"), ("dismissed", "d", "a")]
    assert found[1].because == "too dear"


def test_a_return_goes_where_its_purchase_went() -> None:
    decisions = [made("d", 0, a=("bread",), b=("wine",))]
    sale = told("bought", 1, lines=lines("bread", "wine"), order_id="o")
    part = told("returned", 2, lines=lines("wine", each=-100), order_id="o")
    whole = told("returned", 2, order_id="o")
    assert places(attribute([sale, part], decisions, WEEK))[2:] == [("returned", "d", "b")]
    assert attribute([sale, part], decisions, WEEK)[2].revenue_minor == 100
    assert places(attribute([sale, whole], decisions, WEEK))[2:] == [
        ("returned", "d", "a"),
        ("returned", "d", "b"),
    ]
    assert attribute([part, whole], decisions, WEEK) == []


OUTCOMES = st.sampled_from(["shown", "clicked", "accepted", "dismissed", "bought", "returned"])


@settings(max_examples=150, deadline=None)
@given(
    acts=st.lists(
        st.tuples(
            OUTCOMES,
            st.integers(0, 12),
            st.sampled_from(["", "d0", "d1", "other"]),
            st.sampled_from(["", "a", "b", "c"]),
            st.sets(st.sampled_from(["bread", "wine"])),
        ),
        max_size=12,
    ),
    order=st.randoms(use_true_random=False),
)
def test_each_line_is_credited_at_most_once_and_order_of_input_is_moot(
    acts: list[Any], order: Any
) -> None:
    decisions = [made("d0", 1, a=("bread",), b=("wine",)), made("d1", 3, a=("bread", "wine"))]
    events = [
        told(outcome, day, decision, action, lines=lines(*sorted(products)), order_id="o")
        for outcome, day, decision, action, products in acts
    ]
    events = list({event.event_id: event for event in events}.values())
    found = attribute(events, decisions, WEEK)
    shuffled = list(events)
    order.shuffle(shuffled)
    assert attribute(shuffled, list(reversed(decisions)), WEEK) == found
    for event in events:
        mine = [one for one in found if one.event_id == event.event_id]
        if event.outcome == "bought" and mine and mine[0].how == "last_touch":
            assert sum(one.revenue_minor or 0 for one in mine) <= 100 * len(event.lines)
        for one in mine:
            decided_at = {made.decision_id: made.decided_at for made in decisions}[one.decision_id]
            if one.how == "last_touch" and one.outcome == "bought":
                assert decided_at <= one.occurred_at
