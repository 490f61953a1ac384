"""A shop with people whose pages are worth looking at: orders, visits, offers and decisions."""

from pathlib import Path
from typing import Any

from customering.kernel.clock import MS_PER_DAY, format_instant

SETTINGS = """
[serve]
public_url = ""
[events]
default_currency = "EUR"
[history]
buckets = 4
[portal]
shop_name = "Corner & Sons"
colour = "#1f5f4a"
support_contact = "hello@corner.example, +43 1 234 56 78"
shop_url = "https://corner.example"
"""
PERMITTED = ("analytics.product", "personalize.web", "personalize.offers", "profile.value_scoring")
ACTIONS = """
[[action]]
action_id = "coffee_week"
kind = "make_offer"
title = "Three for two: coffee from small farms"
purpose = "personalize.offers"
categories = ["Coffee"]
value_minor = 300
base_propensity = 0.2
group = "Coffee"

[[action]]
action_id = "bread_subscription"
kind = "make_offer"
title = "Fresh sourdough every Saturday"
purpose = "personalize.offers"
categories = ["Bread"]
value_minor = 260
base_propensity = 0.16
group = "Bread"

[[action]]
action_id = "olive_tasting"
kind = "offer_consultation"
title = "Olive oil tasting on Friday evening"
purpose = "personalize.offers"
categories = ["Oil"]
value_minor = 200
base_propensity = 0.12
group = "Oil"

[[action]]
action_id = "bicycle_bag"
kind = "make_offer"
title = "Bicycle bag, waterproof, 20 litres"
purpose = "personalize.offers"
categories = ["Bicycle"]
value_minor = 240
base_propensity = 0.02
group = "Bicycle"
"""
PRODUCTS = (
    ("p-coffee", "Espresso beans, 500 g", "Coffee", 1_190),
    ("p-bread", "Sourdough loaf", "Bread", 540),
    ("p-oil", "Olive oil from Crete", "Oil", 1_650),
    ("p-cheese", "Mountain cheese, mature", "Cheese", 890),
    ("p-jam", "Apricot jam", "Jam", 480),
)


def write_definitions(home: Path, *, more: str = "") -> None:
    """Write what the shop may do into a home that was made."""
    stated = "\n".join(
        f'[consent.defaults."{key}"]\nanswer = "allow"\nground = "asked at the till"'
        for key in PERMITTED
    )
    (home / "customering.toml").write_text(f"{SETTINGS}{stated}\n{more}")
    (home / "actions.toml").write_text(ACTIONS)


def identified(who: str, now_ms: int, **traits: Any) -> dict[str, Any]:
    """Tell who somebody is, as the shop's server does."""
    return {
        "type": "identify",
        "userId": who,
        "messageId": f"identify-{who}",
        "timestamp": format_instant(now_ms - 400 * MS_PER_DAY),
        "traits": {"email": f"{who}@example.org", **traits},
        "context": {"traits": {"email": f"{who}@example.org"}},
    }


def life_of_a_regular(who: str, now_ms: int, *, orders: int = 14) -> list[dict[str, Any]]:
    """Give a year of somebody who keeps coming back: orders every three weeks, visits, a till."""
    calls: list[dict[str, Any]] = []
    for number in range(orders):
        at = format_instant(now_ms - (number * 21 + 4) * MS_PER_DAY - 3_600_000 * (number % 5))
        lines = [PRODUCTS[(number + step) % len(PRODUCTS)] for step in range(1 + number % 3)]
        calls.append(_order(who, number, at, lines))
        calls.append(
            {
                "type": "track",
                "event": "Product Viewed",
                "userId": who,
                "messageId": f"view-{who}-{number}",
                "timestamp": at,
                "properties": {
                    "product_id": lines[0][0],
                    "name": lines[0][1],
                    "category": lines[0][2],
                },
            }
        )
    calls.append(
        {
            "type": "track",
            "event": "Store Purchase Completed",
            "userId": who,
            "messageId": f"till-{who}",
            "timestamp": format_instant(now_ms - 30 * MS_PER_DAY),
            "context": {"externalIds": [
                {"type": "loyalty_card", "id": f"29-{who}", "collection": "users",
                 "encoding": "none"}
            ]},
            "properties": {"order_id": f"till-{who}", "total": 23.4, "currency": "EUR",
                           "products": [_line(PRODUCTS[2]), _line(PRODUCTS[3])]},
        }
    )  # fmt: skip
    return calls


def _order(
    who: str, number: int, at: str, lines: list[tuple[str, str, str, int]]
) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Order Completed",
        "userId": who,
        "messageId": f"order-{who}-{number}",
        "timestamp": at,
        "properties": {
            "order_id": f"{who}-{number}",
            "revenue": sum(line[3] for line in lines) / 100,
            "currency": "EUR",
            "products": [_line(line) for line in lines],
        },
    }


def _line(product: tuple[str, str, str, int]) -> dict[str, Any]:
    product_id, name, category, price_minor = product
    return {"product_id": product_id, "name": name, "category": category, "quantity": 1,
            "price": price_minor / 100}  # fmt: skip
