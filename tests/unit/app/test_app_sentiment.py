"""What a person says of us, in stars, points and complaints, changes how we stand."""

from typing import Any

import pytest

from customering.app.engine import Engine
from customering.app.people import Person
from customering.kernel.clock import MS_PER_DAY, format_instant, parse_instant
from customering.kernel.ids import Identifier
from town import OpenShop, assert_rebuild_changes_nothing, order

NOW = parse_instant("2026-06-01")
ADA = Identifier("user_id:ada")


def said(name: str, days_ago: int, **properties: Any) -> dict[str, Any]:
    at = NOW - days_ago * MS_PER_DAY
    return {
        "type": "track",
        "event": name,
        "userId": "ada",
        "timestamp": format_instant(at),
        "messageId": f"{name}-{days_ago}-{sorted(properties.items())}",
        "properties": properties,
    }


@pytest.fixture
def shop(open_shop: OpenShop) -> Engine:
    engine = open_shop()
    engine.ingest([order({"userId": "ada"}, day, "bread") for day in range(0, 91, 7)])
    return engine


def seen(engine: Engine) -> Person:
    engine.catch_up()
    return engine.people.read(ADA, now_ms=NOW)


def test_an_angry_review_changes_the_words_of_the_status(shop: Engine) -> None:
    before = seen(shop)
    shop.ingest([said("Product Reviewed", 1, product_id="bread", rating=1, review_body="Stale.")])
    after = seen(shop)
    assert before.status.name != after.status.name
    assert after.status.name == "at_risk"
    assert after.status.person_words != before.status.person_words
    assert any("-1.0 on a scale" in fact for fact in after.status.facts)
    assert_rebuild_changes_nothing(shop)


def test_praise_afterwards_mends_it_and_so_does_time(shop: Engine) -> None:
    angry = said("Product Reviewed", 60, product_id="bread", rating="1")
    shop.ingest([angry])
    assert seen(shop).status.name == "at_risk"
    shop.ingest([said("Product Reviewed", 2, product_id="tea", rating="5")])
    assert seen(shop).values["sentiment_90d"] == 0.0
    assert seen(shop).status.name != "at_risk"
    old = shop.people.read(ADA, now_ms=NOW + 31 * MS_PER_DAY)
    assert old.values["sentiment_90d"] == 1.0


@pytest.mark.parametrize(
    ("event", "sentiment"),
    [
        (said("Product Reviewed", 1, product_id="x", rating=4), 0.5),
        (said("Product Reviewed", 1, product_id="x", rating=1, rating_max=10), -1.0),
        (said("Survey Answered", 1, survey_id="s", score=0), -1.0),
        (said("Survey Answered", 1, survey_id="s", score=4, score_max=5), 0.6),
        (said("Ticket Opened", 1, ticket_id="t", topic="Complaint"), -0.8),
        (said("Action Dismissed", 1, action_id="a", because="too often"), -0.6),
        (said("Call Ended", 1, call_id="c", sentiment=-0.4), -0.4),
        (said("Ticket Opened", 1, ticket_id="t", topic="delivery"), None),
        (said("Action Dismissed", 1, action_id="a", because="I have one"), None),
        (said("Product Reviewed", 1, product_id="x", rating=9), None),
        (said("Call Ended", 1, call_id="c", sentiment=-7), None),
    ],
)
def test_each_way_of_saying_it_has_its_weight(
    shop: Engine, event: dict[str, Any], sentiment: float | None
) -> None:
    shop.ingest([event])
    found = seen(shop).values.get("sentiment_90d")
    assert found == (None if sentiment is None else pytest.approx(sentiment))
