"""The server is killed while SDKs stream; nothing is lost, nothing is there twice."""

import time
from collections import Counter
from random import Random

import pytest
from sdk_driving import Sdk, Told
from sdk_proving import new_mark, numbered
from sdk_serving import Served, Shop, log_of, verify_log

from customering.app.engine import Engine
from customering.app.home import find
from customering.events.model import Event

COUNT = 1_000
KILLS = 2
# Far more patience than it takes to start again; the other SDKs have it of their own.
PATIENCE = {"rudder-node": {"retryCount": 10}}


@pytest.mark.slow
def test_a_killed_server_loses_nothing_and_doubles_nothing(
    every_sdk: list[Sdk], own_shop: Shop
) -> None:
    random = Random(5)
    marks = {sdk.name: new_mark() for sdk in every_sdk}
    total = COUNT * len(every_sdk)
    counts = []
    with Served(own_shop.home) as served:
        streaming = {
            sdk.name: sdk.begin(
                numbered(COUNT, marks[sdk.name]),
                host=served.address,
                key=own_shop.server_key,
                pause_seconds=0.001,
                **PATIENCE.get(sdk.name, {}),
            )
            for sdk in every_sdk
        }
        for kill in range(KILLS):
            wait_for(own_shop, total * (kill + random.uniform(0.2, 0.8)) / (KILLS + 1))
            served.kill()
            counts.append(len(log_of(own_shop.home)))
            served.start()
        told = {name: sdk.end() for name, sdk in streaming.items()}
    assert 0 < counts[0] < counts[1] < total, "it was not killed in mid-stream"
    for name, mark in marks.items():
        prove_once(name, told[name], log_of(own_shop.home, mark))
    assert verify_log(own_shop.home) == total


def wait_for(shop: Shop, events: float) -> None:
    """Wait until the log has so many events."""
    deadline = time.monotonic() + 60
    with Engine(find(shop.home, environment={})) as engine:
        while engine.reading_log.end < events:
            assert time.monotonic() < deadline, "the events do not come"
            time.sleep(0.005)


def prove_once(name: str, told: list[Told], logged: list[Event]) -> None:
    """Check that every call of one SDK is in the log once, and that none was given up."""
    numbers = Counter(event.properties["number"] for event in logged)
    assert [number for number, times in numbers.items() if times > 1] == [], name
    assert len({event.event_id for event in logged}) == len(logged), name
    delivered = {one.call["properties"]["number"] for one in told if one.error is None}
    assert delivered - set(numbers) == set(), name
    assert [one.error for one in told if one.error] == [], name
    assert len(numbers) == COUNT, name
