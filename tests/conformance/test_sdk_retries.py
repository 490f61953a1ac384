"""When an answer is bad or never comes, SDKs send again, and the log still has everything once."""

from itertools import groupby

import pytest
from sdk_driving import Sdk
from sdk_faults import BROKEN, BUSY, CUT, Fault, Proxy
from sdk_proving import new_mark, numbered, prove_delivered
from sdk_serving import Served, Shop, log_of

COUNT = 30
TROUBLE = {
    "the server is down at first": [BROKEN, BROKEN],
    "the server is too busy at first": [BUSY],
    "the answer gets lost": [CUT, CUT],
    "everything at once": [CUT, BUSY, BROKEN],
}
OBEDIENT = "segment-python"  # sends one batch after the other, and waits as Retry-After says
# All others try more often than that by default.
RETRIES = {"rudder-node": {"retryCount": 8}}


@pytest.mark.parametrize("faults", TROUBLE.values(), ids=TROUBLE)
def test_events_arrive_once_whatever_becomes_of_the_first_answers(
    sdk: Sdk, served: Served, shop: Shop, faults: list[Fault]
) -> None:
    mark = new_mark()
    options = RETRIES.get(sdk.name, {})
    with Proxy(served.address, faults) as proxy:
        calls = numbered(COUNT, mark)
        told = sdk.run(calls, host=proxy.address, key=shop.server_key, **options)
    prove_delivered(told, proxy, log_of(shop.home, mark))
    wanted = [fault.status for fault in faults]
    assert sorted(seen.status for seen in proxy.seen if seen.status != 200) == sorted(wanted)
    assert_sent_again(proxy)


def assert_sent_again(proxy: Proxy) -> None:
    """Check that what was not acknowledged came again under the same ids."""
    acknowledged = {
        event["messageId"] for seen in proxy.seen if seen.status == 200 for event in seen.events
    }
    for seen in proxy.seen:
        assert {event["messageId"] for event in seen.events} <= acknowledged
    lost = [seen for seen in proxy.seen if seen.status != 200]
    assert lost, "no fault came to pass"


@pytest.mark.slow
def test_who_sends_too_much_is_asked_to_wait_and_all_arrives(
    sdk: Sdk, strict: Served, strict_shop: Shop
) -> None:
    mark = new_mark()
    options = RETRIES.get(sdk.name, {})
    with Proxy(strict.address) as proxy:
        calls = numbered(200, mark)
        told = sdk.run(calls, host=proxy.address, key=strict_shop.server_key, **options)
    prove_delivered(told, proxy, log_of(strict_shop.home, mark))
    answers = [seen.status for seen in proxy.seen]
    assert set(answers) == {200, 429}
    if sdk.name == OBEDIENT:
        refused_runs = [len(list(run)) for status, run in groupby(answers) if status == 429]
        assert max(refused_runs) <= 2, "it waited as told, and was refused again and again"


def test_a_wrong_key_is_refused_once_and_for_all(sdk: Sdk, served: Served, shop: Shop) -> None:
    mark = new_mark()
    wrong = shop.server_key[:-3] + "abc"
    with Proxy(served.address) as proxy:
        told = sdk.run(numbered(COUNT, mark), host=proxy.address, key=wrong)
    assert {seen.status for seen in proxy.seen} == {401}
    ids = [event["messageId"] for seen in proxy.seen for event in seen.events]
    assert len(ids) == len(set(ids)) == COUNT
    assert all(one.error for one in told)
    assert log_of(shop.home, mark) == []
