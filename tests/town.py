"""A small town shared by the tests that go through the whole engine: one shop, a few people."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from customering.app.engine import Engine
from customering.identity.graph import IdentityGraph
from customering.identity.model import Link
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


class Profiles(NamedTuple):
    """All that is derived from a log: states, masks and links by what they mean, and the offset."""

    states: dict[str, list[Any]]
    masks: dict[str, int | None]
    links: frozenset[Link]
    offset: int


def states_of(engine: Engine) -> dict[str, list[Any]]:
    return {anchor: engine.traits.decode(state) for anchor, state in engine.state.scan()}


def profiles_of(engine: Engine) -> Profiles:
    # The live path may have met a later proof of a link first; only the earliest one counts.
    graph = IdentityGraph(engine.state.links(), engine.settings.identity)
    return Profiles(
        states=states_of(engine),
        masks={anchor: kept.mask for anchor, kept in engine.state.choices()},
        links=frozenset(graph.links()),
        offset=engine.state.offset,
    )


def same(left: Any, right: Any) -> bool:
    """Equal, floats to 1e-9 relative."""
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-9)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    return bool(left == right)


def assert_same_profiles(left: Profiles, right: Profiles) -> None:
    assert left.offset == right.offset
    assert left.states.keys() == right.states.keys()
    for anchor, state in left.states.items():
        for slot, (one, other) in enumerate(zip(state, right.states[anchor], strict=True)):
            assert same(one, other), (anchor, slot)
    assert left.masks == right.masks
    assert left.links == right.links


def assert_rebuild_changes_nothing(engine: Engine) -> None:
    live = profiles_of(engine)
    engine.rebuild()
    assert_same_profiles(live, profiles_of(engine))
