"""What is here again is noted for those who still wait for it, once, as far as they permit it."""

from typing import Any

import pytest

from customering.app.engine import Engine
from customering.app.restocking import restock
from customering.events.model import CONSENT_UPDATED
from customering.kernel.clock import MS_PER_DAY, format_instant, parse_instant
from customering.kernel.ids import Identifier
from town import OpenShop, order

NOW = parse_instant("2026-06-01")


def wished(who: str, days_ago: int, *, is_taken_off: bool = False) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Product Removed from Wishlist" if is_taken_off else "Product Added to Wishlist",
        "userId": who,
        "timestamp": format_instant(NOW - days_ago * MS_PER_DAY),
        "messageId": f"{who}-{days_ago}-{is_taken_off}",
        "properties": {"product_id": "lamp"},
    }


@pytest.fixture
def shop(open_shop: OpenShop) -> Engine:
    return open_shop()


def told(engine: Engine) -> set[str]:
    return {
        one.identifiers[0].removeprefix("user_id:")
        for one in engine.everybody()
        if "lamp" in one.values.get("back_in_stock_products", ())
    }


def test_who_waits_is_told_once(shop: Engine) -> None:
    shop.ingest([wished(who, 9) for who in ("ada", "ben", "cleo")])
    shop.ingest([order({"userId": "ben"}, 80, "lamp")])
    shop.ingest([wished("cleo", 5, is_taken_off=True)])
    assert restock(shop, "lamp") == 1
    assert told(shop) == {"ada"}
    assert restock(shop, "lamp") == 0
    assert restock(shop, "another") == 0


def test_who_wished_for_it_again_waits_again(shop: Engine) -> None:
    shop.ingest([wished("ada", 9), wished("ada", 5, is_taken_off=True), wished("ada", 3)])
    assert restock(shop, "lamp") == 1


def test_who_does_not_permit_it_is_not_seen(shop: Engine) -> None:
    shop.ingest([wished("ada", 9), wished("ben", 9)])
    ada = [Identifier("user_id:ada")]
    shop.note(CONSENT_UPDATED, ada, {"purposes": {"personalize.offers": "deny"}})
    assert restock(shop, "lamp") == 1
    assert told(shop) == {"ben"}
