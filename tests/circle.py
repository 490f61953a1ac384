"""People who know each other, in a shop of eight products and a lamp that nobody bought."""

from typing import Any

import numpy as np

from customering.app.engine import Engine
from customering.app.purchases import Item
from customering.kernel.clock import MS_PER_DAY, format_instant, parse_instant
from customering.taste.history import gather
from customering.taste.model import TasteSettings
from customering.taste.train import train
from town import PERMITTED

NOW = parse_instant("2026-06-01")
QUIET = ("decision.exploration_share=0", "decision.control_share=0", "decision.random_share=0")
ALLOWED = (*PERMITTED, "personalize.friends", "share.friends")
FRIENDS = ["ben", "cleo", "dora", "emil"]


def event(who: str, name: str, days_ago: float, **properties: Any) -> dict[str, Any]:
    at = int(NOW - days_ago * MS_PER_DAY)
    said = "-".join(str(one) for one in properties.values())
    return {
        "type": "track",
        "event": name,
        "userId": who,
        "timestamp": format_instant(at),
        "messageId": f"{name}-{who}-{at}-{said}"[:200],
        "properties": properties,
    }


def friends(*pairs: tuple[str, str], days_ago: float = 50) -> list[dict[str, Any]]:
    return [
        event(one, "Friend Added", days_ago, friend=f"user_id:{other}")
        for pair in pairs
        for one, other in (pair, pair[::-1])
    ]


def bought(who: str, product: str, days_ago: float) -> dict[str, Any]:
    lines = [{"product_id": product, "quantity": 1}]
    return event(who, "Order Completed", days_ago, order_id=f"{who}{product}", products=lines)


def stocked(engine: Engine) -> Engine:
    names = ["tea", "cup", "jam", "bread", "soap", "brush", "pen", "ink"]
    person, item = (one.ravel() for one in np.indices((60, 8)))
    day = NOW // MS_PER_DAY - 1 - (person * 7 + item * 3) % 100
    kept = (person + item) % 3 == 0
    learned = TasteSettings(discovery_items_max=8, neighbours_kept=4, discovery_ridge=10.0)
    model = train(
        gather(person[kept], item[kept], day[kept], people=60, items=8),
        names,
        through_day=NOW // MS_PER_DAY - 1,
        settings=learned,
    )
    items = {
        name: Item(product_id=name, title=name.title(), category=name, price_minor=500)
        for name in [*names, "lamp"]
    }
    engine.models.put(value=None, taste=model, items=items)
    return engine


def circle(*buyers: str, days_ago: float = 5) -> list[dict[str, Any]]:
    return [
        *friends(*(("ada", one) for one in FRIENDS)),
        *(bought(one, "lamp", days_ago) for one in buyers),
    ]
