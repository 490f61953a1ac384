"""The live path where permission and identity meet: always what a rebuild gives."""

from customering.events.model import CONSENT_UPDATED, Event
from customering.kernel.ids import Identifier
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
