"""A small town shared by the tests that go through the whole engine: one shop, a few people."""

from collections.abc import Callable
from typing import Any

from customering.app.engine import Engine
from customering.kernel.clock import MS_PER_DAY, format_instant, parse_instant

NOON = parse_instant("2026-03-01T12:00:00Z")
PERMITTED = ("analytics.product", "personalize.web", "personalize.offers", "profile.value_scoring")

OpenShop = Callable[..., Engine]


def order(who: dict[str, str], day: int, *products: str, cents: int = 1_000) -> dict[str, Any]:
    """A Segment payload: an order `day` days after the first of March 2026."""
    lines = [
        {"product_id": p, "name": p, "category": p[0], "quantity": 1, "amount_minor": cents}
        for p in products
    ]
    return {
        "type": "track",
        "event": "Order Completed",
        "timestamp": format_instant(NOON + day * MS_PER_DAY),
        "messageId": f"order-{'-'.join(who.values())}-{day}-{'-'.join(products)}",
        "properties": {
            "order_id": f"{day}-{'-'.join(products)}",
            "revenue_minor": cents * len(products),
            "currency": "EUR",
            "products": lines,
        },
        **who,
    }


def view(who: dict[str, str], day: int, product: str) -> dict[str, Any]:
    """A Segment payload: a product looked at."""
    return {
        "type": "track",
        "event": "Product Viewed",
        "timestamp": format_instant(NOON + day * MS_PER_DAY + 1),
        "messageId": f"view-{'-'.join(who.values())}-{day}-{product}",
        "properties": {"product_id": product},
        **who,
    }
