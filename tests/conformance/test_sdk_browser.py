"""Segment's SDK for browsers, served by us, in Chromium: all arrives once, and only here."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.request import urlopen

import pytest
from sdk_browsing import Browser, Said, WebCall
from sdk_faults import BROKEN, BUSY, CUT, Fault, Proxy
from sdk_installing import node_sdks
from sdk_proving import new_mark, order
from sdk_serving import Served, Shop, log_of

from customering.events.model import Event
from customering.identity.claims import CLAIMED
from customering.kernel.ids import kind_of

pytestmark = pytest.mark.usefixtures("needs_browser")

BATCHING = {"strategy": "batching", "config": {"size": 4, "timeout": 300}}
STRATEGIES = pytest.mark.parametrize(
    "delivery", [None, BATCHING], ids=["each by itself", "in batches"]
)
PATHS = {"page": "p", "identify": "i", "track": "t", "group": "g", "alias": "a", "screen": "s"}
_PATIENCE_SECONDS = 30


def visit_calls(mark: str) -> list[WebCall]:
    """Give what a visitor does who comes unknown, says who she is, and buys."""
    return [
        ["page", "Shop", "Startseite", {"department": "Größe 42 👟"}],
        ["track", "Product Viewed", {"product_id": "p-1", "price": 19.99, "nothing": None}],
        ["identify", f"ada-{mark}", {"email": f"ada-{mark}@example.org", "plan": "gold"}],
        ["track", "Order Completed", order(mark)],
        ["screen", "Shop", "Kasse", {"step": 2}],
        ["group", "family-7", {"size": 4}],
        ["alias", f"eve-{mark}"],
    ]


def arrived(shop: Shop, mark: str, count: int) -> list[Event]:
    """Give the events of a visitor once there are so many, or time is up."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while len(logged := log_of(shop.home, mark)) < count and time.monotonic() < deadline:
        time.sleep(0.2)
    return logged


def prove_visit(
    calls: Sequence[WebCall], said: Sequence[Said], logged: Sequence[Event], anonymous_id: str
) -> None:
    """Check that the log holds every call of a visitor once, whole, with the right names."""
    by_id = {event.event_id: event for event in logged}
    assert Counter(event.event_id for event in logged) == Counter(one.message_id for one in said)
    for (kind, *given), one in zip(calls, said, strict=True):
        event = by_id[one.message_id]
        assert (event.kind, event.source) == (kind, "web")
        assert -50 <= event.occurred_at - one.at_ms <= 3_000
        assert f"anonymous_id:{anonymous_id}" in event.identifiers
        assert event.context["page"]["search"] == "?from=test"
        if kind in ("page", "screen"):
            assert (event.name, event.properties["category"]) == (given[1], given[0])
        elif kind == "track":
            assert event.name == given[0]
        asked = given[-1] if isinstance(given[-1], dict) else {}
        plain = {key: value for key, value in asked.items() if key != "products"}
        assert {key: event.properties.get(key, "absent") for key in plain} == plain
        if kind != "alias" and one.user_id is not None:
            assert f"user_id:{one.user_id}" in event.identifiers


def prove_claims(logged: Sequence[Event], mark: str) -> None:
    """Check that a page ties a browser to one user id, and nothing else to anybody."""
    for event in logged:
        kinds = Counter(kind_of(name) for name in event.identifiers)
        assert set(kinds) <= {"user_id", "anonymous_id"}
        assert max(kinds.values()) == 1
    (identified,) = [event for event in logged if event.kind == "identify"]
    assert identified.context[CLAIMED] == [f"email:ada-{mark}@example.org"]


@STRATEGIES
def test_a_visit_is_kept_as_it_was_meant_and_nobody_else_hears_of_it(
    served: Served, shop: Shop, delivery: dict[str, Any] | None
) -> None:
    mark = new_mark()
    calls = visit_calls(mark)
    with (
        Proxy(served.address) as proxy,
        Browser(proxy.address, shop.write_key, delivery) as visitor,
    ):
        anonymous_id = visitor.visit()
        said = visitor.say(*calls)
        logged = arrived(shop, anonymous_id, len(calls))
    prove_visit(calls, said, logged, anonymous_id)
    prove_claims(logged, mark)
    assert [f"http://{host}" for host in visitor.asked] == [proxy.address]
    assert {seen.status for seen in proxy.seen} == {200}
    wanted = {f"/v1/{PATHS[kind]}" for kind, *_ in calls} if delivery is None else {"/v1/b"}
    assert {seen.path for seen in proxy.seen} == wanted
    assert len(proxy.seen) == (len(calls) if delivery is None else 2)


def test_what_a_page_calls_before_the_sdk_is_there_arrives_too(served: Served, shop: Shop) -> None:
    mark = new_mark()
    at_once: list[WebCall] = [["page", "Home"], ["identify", f"ada-{mark}"], ["track", "Ready"]]
    with Proxy(served.address) as proxy, Browser(proxy.address, shop.write_key) as visitor:
        anonymous_id = visitor.visit(*at_once)
        logged = arrived(shop, anonymous_id, 3)
    assert sorted(event.name for event in logged) == ["", "Home", "Ready"]
    # Ids are bound when an event leaves: the page before identify may carry the user id already.
    for event in logged:
        names = {f"anonymous_id:{anonymous_id}", f"user_id:ada-{mark}"}
        assert set(event.identifiers) <= names
        assert event.kind == "page" or set(event.identifiers) == names
    assert [f"http://{host}" for host in visitor.asked] == [proxy.address]


@pytest.mark.slow
@STRATEGIES
@pytest.mark.parametrize(
    "faults", [[BROKEN], [BUSY], [CUT]], ids=["down at first", "busy at first", "answer lost"]
)
def test_what_fails_at_first_arrives_later_and_once(
    served: Served, shop: Shop, delivery: dict[str, Any] | None, faults: list[Fault]
) -> None:
    mark = new_mark()
    calls = visit_calls(mark)[:4]
    with (
        Proxy(served.address, faults) as proxy,
        Browser(proxy.address, shop.write_key, delivery) as visitor,
    ):
        anonymous_id = visitor.visit()
        said = visitor.say(*calls)
        logged = arrived(shop, anonymous_id, len(calls))
        wait_until_sent_again(proxy)
    prove_visit(calls, said, log_of(shop.home, anonymous_id), anonymous_id)
    assert len(logged) == len(calls)
    failed = [seen.status for seen in proxy.seen if seen.status != 200]
    assert failed == [fault.status for fault in faults]
    if faults != [CUT]:  # there the browser itself sends again before the SDK hears of it
        assert proxy.seen[-1].headers["x-retry-count"] == "1"


def wait_until_sent_again(proxy: Proxy) -> None:
    """Wait for the repetition of what was not acknowledged."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        sent = Counter(event["messageId"] for seen in proxy.seen for event in seen.events)
        if max(sent.values()) > 1:
            return
        time.sleep(0.05)
    raise AssertionError("nothing was sent again")


def test_what_waits_when_the_visitor_leaves_is_sent_all_the_same(
    served: Served, shop: Shop
) -> None:
    mark = new_mark()
    calls = visit_calls(mark)
    patient = {"strategy": "batching", "config": {"size": 100, "timeout": 600_000}}
    with Proxy(served.address) as proxy, Browser(proxy.address, shop.write_key, patient) as visitor:
        anonymous_id = visitor.visit()
        said = visitor.say(*calls)
        assert proxy.seen == []
        visitor.leave()
        logged = arrived(shop, anonymous_id, len(calls))
    prove_visit(calls, said, logged, anonymous_id)


@pytest.mark.slow
def test_a_visit_outlives_a_killed_server(own_shop: Shop) -> None:
    mark = new_mark()
    served = Served(own_shop.home)
    with served, Browser(served.address, own_shop.write_key) as visitor:
        anonymous_id = visitor.visit()
        calls = [["track", "Counted", {"number": number}] for number in range(12)]
        said = visitor.say(*calls[:4])
        arrived(own_shop, anonymous_id, 2)
        served.kill()
        said += visitor.say(*calls[4:8])
        served.start()
        said += visitor.say(*calls[8:])
        logged = arrived(own_shop, anonymous_id, len(calls))
    prove_visit(calls, said, logged, anonymous_id)
    assert mark not in visitor.asked


def test_a_page_of_another_site_is_refused_without_a_storm(served: Served, shop: Shop) -> None:
    with Proxy(served.address) as proxy, Browser(proxy.address, shop.write_key) as visitor:
        anonymous_id = visitor.visit(host="127.0.0.1")  # the key allows http://localhost only
        visitor.say(*visit_calls(new_mark()))
        time.sleep(1)
    assert {seen.status for seen in proxy.seen} == {403}
    assert len(proxy.seen) == len(PATHS) + 1
    assert log_of(shop.home, anonymous_id) == []


def test_the_script_is_the_published_one(served: Served, shop: Shop) -> None:
    package = node_sdks() / "@segment" / "analytics-next"
    with urlopen(f"{served.address}/analytics.js/v1/{shop.write_key}/analytics.min.js") as answer:
        assert answer.read() == (package / "dist" / "umd" / "standalone.js").read_bytes()
    assert json.loads((package / "package.json").read_text())["license"] == "MIT"
