"""The webhook door: what is signed becomes an event once, what is not is refused unread."""

from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from all_doors import AllDoors, Run, running_all
from customering.kernel.ids import Identifier
from customering.web.standard_webhooks import sign
from town import OpenShop
from webhook_messages import (
    SHOPIFY_ORDER,
    SHOPIFY_SECRET,
    STRIPE_CHECKOUT,
    STRIPE_SECRET,
    shopify,
    stripe,
)

OWN_SECRET = "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQ="
OWN = """
[bookings]
signature = "standard"
secret_file = "bookings.secret"

[[bookings.event]]
when = { type = "visit.booked" }
event = "Visit Booked"
identifiers = { email = "data.mail" }
properties = { store_id = "data.store" }

[nobody]
signature = "shopify"
secret_variable = "CUSTOMERING_TEST_NO_SUCH_VARIABLE"
event = [{ event = "Order Completed", identifiers = { email = "email" } }]
"""


@pytest.fixture
def shop(open_shop: OpenShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("SHOPIFY_WEBHOOK_SECRET", f"older {SHOPIFY_SECRET}")
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", STRIPE_SECRET)

    def run(act: Any) -> Any:
        engine = open_shop()
        shipped = resources.files("customering.app") / "templates" / "webhooks.toml"
        text = shipped.read_text(encoding="utf-8") + OWN
        (engine.home.folder / "webhooks.toml").write_text(text)
        (engine.home.folder / "bookings.secret").write_text(OWN_SECRET)
        return running_all(engine, tmp_path, act)

    return run


async def send(doors: AllDoors, source: str, message: dict[str, Any]) -> Any:
    return await doors.post(f"/v1/webhooks/{source}", **message)


def test_an_order_of_shopify_becomes_an_order_once(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        answer = await send(doors, "shopify", shopify())
        assert answer.status == 200
        assert answer.json == {"events": 1, "quarantined": 0, "ignored": 0}
        await send(doors, "shopify", shopify())
        assert doors.engine.folding.offset == 1
        [event] = doors.engine.log.tail(10)
        assert (event.kind, event.name) == ("track", "Order Completed")
        assert event.source == "webhook:shopify"
        assert event.identifiers == (
            "email:jon@example.com",
            "shopify_customer_id:115310627314723954",
        )
        told = event.properties
        assert told["order_id"] == "820982911946154508"
        assert (told["revenue_minor"], told["currency"]) == (38_800, "USD")
        assert (told["discount_minor"], told["coupon"]) == (2_000, "SPRING")
        assert [line["price_minor"] for line in told["products"]] == [19_900, 19_900]
        assert [line["product_id"] for line in told["products"]] == ["632910392"] * 2
        person = doors.live.person(Identifier("email:jon@example.com"))
        assert person.values["orders_total"] == 1

    shop(act)


def test_a_paid_checkout_of_stripe_becomes_an_order(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        answer = await send(doors, "stripe", stripe(STRIPE_CHECKOUT, doors.now_ms))
        assert (answer.status, answer.json["events"]) == (200, 1)
        [event] = doors.engine.log.tail(10)
        assert event.occurred_at == 1_772_366_400_000
        assert set(event.identifiers) == {
            "user_id:ada",
            "email:ada@example.org",
            "stripe_customer_id:cus_Qi1234567890",
        }
        told = event.properties
        assert (told["revenue_minor"], told["currency"], told["tax_minor"]) == (2_198, "EUR", 351)
        # The session is paid once, by whatever message it is told again.
        again = {**STRIPE_CHECKOUT, "id": "evt_other"}
        await send(doors, "stripe", stripe(again, doors.now_ms))
        assert doors.engine.folding.offset == 1

    shop(act)


def test_a_message_of_standard_webhooks_counts_once_by_its_id(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        body = b'{"type": "visit.booked", "data": {"mail": "ada@example.org", "store": "7"}}'
        at = doors.now_ms // 1_000
        for message_id in ("msg_1", "msg_1", "msg_2"):
            headers = {
                "webhook-id": message_id,
                "webhook-timestamp": str(at),
                "webhook-signature": sign([OWN_SECRET], message_id, at, body),
            }
            answer = await send(doors, "bookings", {"body": body, "headers": headers})
            assert answer.status == 200
        assert [event.name for event in doors.engine.log.tail(10)] == ["Visit Booked"] * 2

    shop(act)


def test_what_is_not_signed_is_refused_in_the_same_words_and_leaves_no_trace(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        changed = shopify()
        changed["body"] = changed["body"].replace(b"388.00", b"999.00")
        old = stripe(STRIPE_CHECKOUT, doors.now_ms - 3_600_000)
        refused = [
            await send(doors, "shopify", shopify(secret="wrong")),
            await send(doors, "shopify", changed),
            await send(doors, "shopify", {"body": b"{", "headers": {}}),
            await send(doors, "stripe", old),
            await send(doors, "stripe", shopify()),
            await send(doors, "bookings", {"body": b"{}", "headers": {}}),
            await send(doors, "unheard_of", shopify()),
        ]
        assert {answer.status for answer in refused} == {401}
        assert len({answer.body for answer in refused}) == 1
        assert doors.engine.folding.offset == 0
        assert doors.engine.quarantine.count() == 0

    shop(act)


UNUSABLE = [
    (b"not json", ""),
    ({**SHOPIFY_ORDER, "total_price": None}, "total_price"),
    ({**SHOPIFY_ORDER, "total_price": "a lot"}, "total_price"),
    ({**SHOPIFY_ORDER, "created_at": None}, "created_at"),
    ({**SHOPIFY_ORDER, "id": None}, "id"),
    ({**SHOPIFY_ORDER, "line_items": {}}, "line_items"),
    ({**SHOPIFY_ORDER, "email": None, "customer": None}, ""),
]


def test_what_no_event_can_be_made_of_is_set_aside_and_not_sent_again(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        for count, (message, path) in enumerate(UNUSABLE, 1):
            for _ in range(2):
                answer = await send(doors, "shopify", shopify(message))
                assert answer.status == 200, path
                assert answer.json == {"events": 0, "quarantined": 1, "ignored": 0}
            assert doors.engine.quarantine.count() == count, "the same one is kept once"
            held = doors.engine.quarantine.newest()[0].quarantined
            assert path in held.path
            assert held.source == "webhook:shopify"
            assert "jon@" not in held.reason
        assert doors.engine.folding.offset == 0

    shop(act)


def test_a_message_that_no_event_is_named_for_is_passed_over(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        answer = await send(doors, "shopify", shopify(topic="products/update"))
        assert (answer.status, answer.json["ignored"]) == (200, 1)
        unpaid = {**STRIPE_CHECKOUT, "data": {"object": {"payment_status": "unpaid"}}}
        answer = await send(doors, "stripe", stripe(unpaid, doors.now_ms))
        assert (answer.status, answer.json["ignored"]) == (200, 1)

    shop(act)


def test_a_source_without_a_secret_asks_to_be_sent_again(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        answer = await send(doors, "nobody", shopify())
        assert answer.status == 503

    shop(act)
