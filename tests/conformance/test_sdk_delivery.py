"""What unmodified SDKs are told to send is in the log: once, whole, with the right names."""

from typing import Any

import pytest
from sdk_driving import Sdk
from sdk_faults import Proxy
from sdk_proving import every_call, new_mark, numbered, prove_delivered
from sdk_serving import Served, Shop, log_of, refused_by

BODY_ONLY = "segment-python-2.3.4"


def sent(sdk: Sdk, served: Served, shop: Shop, calls: list[Any], mark: str, **given: Any) -> Proxy:
    """Let an SDK make calls, prove that all arrived, and give what passed on the wire."""
    with Proxy(served.address) as proxy:
        told = sdk.run(calls, host=proxy.address, key=shop.server_key, **given)
    prove_delivered(told, proxy, log_of(shop.home, mark))
    assert all(seen.status == 200 for seen in proxy.seen)
    return proxy


def test_every_kind_of_call_is_kept_as_it_was_meant(sdk: Sdk, served: Served, shop: Shop) -> None:
    mark = new_mark()
    proxy = sent(sdk, served, shop, every_call(mark), mark)
    assert {seen.path for seen in proxy.seen} == {"/v1/batch"}
    has_header = ["authorization" in seen.headers for seen in proxy.seen]
    assert not any(has_header) if sdk.name == BODY_ONLY else all(has_header)
    is_packed = ["content-encoding" in seen.headers for seen in proxy.seen]
    assert not any(is_packed) if sdk.name == "segment-node" else all(is_packed)
    assert not [reason for reason in refused_by(shop.home) if mark in reason]


def test_five_hundred_events_arrive_in_batches(sdk: Sdk, served: Served, shop: Shop) -> None:
    mark = new_mark()
    proxy = sent(sdk, served, shop, numbered(500, mark), mark)
    assert 5 <= len(proxy.seen) <= 60


@pytest.mark.parametrize("ahead_seconds", [3_600, -86_400])
def test_a_wrong_clock_of_the_sender_does_no_harm(
    sdk: Sdk, served: Served, shop: Shop, ahead_seconds: int
) -> None:
    mark = new_mark()
    proxy = sent(sdk, served, shop, numbered(5, mark), mark, clock_ahead_seconds=ahead_seconds)
    waits = []
    for event in log_of(shop.home, mark):
        clock = event.context["clock"]
        assert abs(clock["sent_at"] - event.recorded_at - ahead_seconds * 1_000) < 3_000
        waits.append(clock["sent_at"] - clock["original_at"])
        assert event.recorded_at - event.occurred_at == waits[-1]
    assert max(waits) > 0, "no event waited in the SDK, so the wrong clock made no difference"
    assert len(proxy.message_ids()) == len(waits) == 5
