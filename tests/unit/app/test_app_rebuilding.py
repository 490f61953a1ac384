"""The rebuild gives what the live path gave, however small its slices; damage stops it."""

import pytest

from customering.app import rebuilding
from customering.events.model import CONSENT_UPDATED, Event
from customering.kernel.errors import Corrupt
from customering.kernel.ids import Identifier
from town import NOON, OpenShop, assert_same_profiles, order, profiles_of, view


def refused(person: str, purpose: str) -> Event:
    return Event(
        event_id=f"refused-{person}",
        kind="track",
        name=CONSENT_UPDATED,
        identifiers=(Identifier(f"user_id:{person}"),),
        occurred_at=NOON,
        recorded_at=NOON,
        properties={"purposes": {purpose: "deny"}},
    )


@pytest.mark.parametrize("slice_rows", [1, 30, 10_000])
def test_slices_of_any_size_give_the_states_of_the_live_path(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch, slice_rows: int
) -> None:
    shop = open_shop()
    payloads = []
    for number in range(40):
        # Two identifiers a person: their states, and what was refused, lie in different buckets.
        phone, both = (
            {"anonymousId": f"a{number}"},
            {"anonymousId": f"a{number}", "userId": f"u{number}"},
        )
        payloads += [view(phone, 0, "tea"), order(both, 1, "tea", "milk"), order(both, 400, "tea")]
    shop.ingest(payloads, source="web")
    shop.append([refused("u3", "analytics.product"), refused("u7", "personalize.offers")])
    shop.catch_up()
    live = profiles_of(shop)
    assert len(live.states) > 40
    assert any(mask is not None for mask in live.masks.values())
    monkeypatch.setattr(rebuilding, "_SLICE_ROWS", slice_rows)
    shop.rebuild()
    assert_same_profiles(live, profiles_of(shop))


def test_a_changed_part_stops_the_rebuild_and_leaves_the_states(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.ingest([order({"userId": "ada"}, 0, "tea")], source="web")
    shop.rebuild()
    before = profiles_of(shop)
    part = next(shop.home.history_folder.glob("*/*.parquet"))
    whole = bytearray(part.read_bytes())
    whole[len(whole) // 3] ^= 1
    part.write_bytes(whole)
    with pytest.raises(Corrupt, match=part.name):
        shop.rebuild()
    assert_same_profiles(before, profiles_of(shop))
