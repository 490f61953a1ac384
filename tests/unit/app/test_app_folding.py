"""The live path where permission and identity meet: always what a rebuild gives."""

from typing import Any

import pytest

from customering.app.folding import packed, unpacked
from customering.events.model import CONSENT_UPDATED, Event
from customering.kernel.ids import Identifier
from customering.kernel.records import to_json
from town import NOON, OpenShop, assert_rebuild_changes_nothing, states_of

ADA, PHONE = Identifier("user_id:ada"), Identifier("anonymous_id:phone")
PURPOSE = "analytics.product"


def viewed(number: int, *names: Identifier) -> Event:
    return Event(
        event_id=f"e{number}",
        kind="track",
        name="Product Viewed",
        identifiers=names,
        occurred_at=NOON + number,
        recorded_at=NOON + number,
        properties={"product_id": "tea"},
    )


def chose(number: int, answer: str) -> Event:
    return Event(
        event_id=f"c{number}",
        kind="track",
        name=CONSENT_UPDATED,
        identifiers=(ADA,),
        occurred_at=NOON + number,
        recorded_at=NOON + number,
        properties={"purposes": {PURPOSE: answer}},
    )


@pytest.mark.parametrize(
    "value", [[], [None] * 9, ["null,", "\0", "\\0", {"null,null,": None}, [1, None]]]
)
def test_what_is_read_ahead_is_unpacked_as_it_was(value: list[Any]) -> None:
    state = to_json(value)
    assert unpacked(packed(state)) == state
    assert len(packed(state)) <= len(state)


def test_an_identifier_without_events_of_its_own_has_no_state(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.append([viewed(1, ADA, PHONE)])
    shop.append([chose(2, "deny")])
    assert set(states_of(shop)) == {ADA}
    assert_rebuild_changes_nothing(shop)


def test_what_was_refused_by_another_identifier_comes_back_whole(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.append([viewed(1, ADA, PHONE), chose(2, "deny")])
    shop.rebuild()
    # The first event of the phone itself: its person has already refused.
    shop.append([viewed(3, PHONE)])
    slot = shop.traits.traits["products_viewed_7d"].slot
    assert states_of(shop)[PHONE][slot] is None
    assert_rebuild_changes_nothing(shop)
    shop.append([viewed(4, PHONE)])
    shop.append([chose(5, "allow")])
    assert states_of(shop)[PHONE][slot] is not None
    assert_rebuild_changes_nothing(shop)


def test_the_refusal_is_known_when_the_first_event_comes_with_the_link(
    open_shop: OpenShop,
) -> None:
    shop = open_shop()
    shop.append([viewed(1, ADA), chose(2, "deny"), viewed(3, PHONE)])
    shop.append([viewed(4, ADA, PHONE)])
    assert_rebuild_changes_nothing(shop)
    shop.append([chose(5, "allow")])
    assert_rebuild_changes_nothing(shop)


def test_what_happens_between_a_refusal_and_a_new_permission_is_not_lost(
    open_shop: OpenShop,
) -> None:
    """Both choices may be folded before permission is settled: what lies between counts again."""
    shop = open_shop()
    shop.append([viewed(1, ADA), chose(2, "deny"), viewed(3, ADA), chose(4, "allow")])
    person = shop.people.read(ADA, now_ms=NOON + 1_000)
    assert person.values["products_viewed_7d"] == 2
    assert_rebuild_changes_nothing(shop)


def test_what_was_read_ahead_is_used_and_the_store_is_not_asked_again(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_shop() as first:
        first.append([viewed(1, ADA), viewed(2, PHONE)])
    shop = open_shop()
    stored = states_of(shop)
    assert shop.folding.warm(shop.state.scan())
    shop.folding.has_warmed()
    asked: list[object] = []
    monkeypatch.setattr(shop.state, "get", lambda names: asked.append(names) or {})
    nobody = Identifier("anonymous_id:nobody")
    assert shop.folding.states_of([ADA, PHONE, nobody]) == [stored[ADA], stored[PHONE]]
    shop.folding.fold([viewed(3, ADA)], shop.folding.offset)
    assert shop.folding.states_of([ADA]) != [stored[ADA]]
    assert not asked
    # Whoever was let go of may be in the store again: from then on it is asked.
    shop.folding.forget([PHONE])
    shop.folding.forgotten([PHONE])
    assert shop.folding.states_of([PHONE, nobody]) == []
    assert asked


def test_what_is_read_ahead_too_late_changes_nothing(open_shop: OpenShop) -> None:
    with open_shop() as first:
        first.append([viewed(1, ADA)])
    shop = open_shop()
    old = list(shop.state.scan())
    shop.folding.fold([viewed(2, ADA)], shop.folding.offset)
    now = shop.folding.states_of([ADA])
    assert shop.folding.warm(old)
    assert shop.folding.states_of([ADA]) == now
    shop.folding.forget([ADA])
    assert not shop.folding.warm(old)
    assert shop.folding.states_of([ADA]) == []
