"""A small town shared by the tests that go through the whole engine: one shop, a few people."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from customering.app.engine import Engine
from customering.app.home import find, init
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


@pytest.fixture
def open_shop(tmp_path: Path) -> Iterator[OpenShop]:
    """Open the shop's home; what is permitted by default and the present can be set."""
    opened: list[Engine] = []

    def shop(
        *,
        permitted: tuple[str, ...] = PERMITTED,
        present: str = "2026-06-01",
        folder: str = "shop",
        overrides: tuple[str, ...] = (),
    ) -> Engine:
        home = tmp_path / folder
        if not (home / "customering.toml").exists():
            init(home)
            stated = "\n".join(
                f'[consent.defaults."{key}"]\nanswer = "allow"\nground = "a test"'
                for key in permitted
            )
            text = f'[clock]\npresent = "{present}"\n[history]\nbuckets = 4\n{stated}\n'
            (home / "customering.toml").write_text(text)
        engine = Engine(find(home, environment={}, overrides=overrides), clock=lambda: NOON * 2)
        opened.append(engine)
        return engine

    yield shop
    for engine in opened:
        engine.__exit__(None, None, None)
