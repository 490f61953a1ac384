"""What folding an event costs: microseconds of CPU by part, and bytes a person.

Back of the envelope: decoding some 400 bytes of JSON costs 1 to 2 us; a product view steps about
six slots at 0.3 us each, an order of three lines about forty.

Run: python bench/bench_fold.py [events] [people]
"""

import random
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec

from customering.events.model import Event
from customering.profile.definitions import shipped_traits
from customering.profile.fold import finish, fold_event, merge_states
from customering.profile.traits import TraitSet

START_MS = 1_700_000_000_000
SPAN_MS = 120 * 86_400_000


def product(chance: random.Random, number: int = 500) -> dict[str, Any]:
    item = int(number * chance.random() ** 2)
    price = 199 + 37 * item
    return {
        "product_id": f"sku-{item}",
        "name": f"Product {item}",
        "category": f"category {item % 30}",
        "department": f"department {item % 8}",
        "brand": f"brand {item % 40}",
        "price": price / 100,
        "price_minor": price,
        "quantity": 1 + item % 3,
        "amount_minor": price * (1 + item % 3),
        "discount_minor": 10 * (item % 4),
    }


def make_event(chance: random.Random, number: int, people: int) -> tuple[str, Event]:
    """70 % product views and pages, 10 % cart adds, 15 % others, 5 % orders of three lines."""
    draw = chance.random()
    kind, name = "track", "Product Viewed"
    properties: dict[str, Any] = {}
    if draw < 0.35:
        kind, name, properties = "page", "", {"url": "https://shop.example/p/1", "title": "Wine"}
    elif draw < 0.70:
        properties = product(chance)
    elif draw < 0.80:
        name, properties = "Product Added", product(chance)
    elif draw < 0.95:
        name = chance.choice(
            ["Products Searched", "Email Opened", "Cart Viewed", "Email Delivered"]
        )
        properties = {"query": "red wine", "message_id": f"m-{number}"}
    else:
        name = chance.choice(["Order Completed", "Store Purchase Completed"])
        lines = [product(chance) for _ in range(3)]
        total = sum(line["amount_minor"] for line in lines)
        properties = {"order_id": f"o-{number}", "revenue_minor": total, "currency": "EUR"}
        properties |= {"revenue": total / 100, "products": lines, "store_id": f"s-{number % 9}"}
    at_ms = START_MS + int(SPAN_MS * (number + chance.random()) / 1_000_000) % SPAN_MS
    anchor = f"user_id:{int(people * chance.random())}"
    event = Event(
        event_id=f"event-{number}",
        kind=kind,  # type: ignore[arg-type]
        name=name,
        identifiers=(anchor, f"anonymous_id:a-{number % people}"),  # type: ignore[arg-type]
        occurred_at=at_ms,
        recorded_at=at_ms + 900,
        properties=properties,
        context={"userAgent": "Mozilla/5.0 (X11; Linux x86_64)", "page": {"path": "/p/1"}},
        source="web",
    )
    return anchor, event


def cpu_us(act: Callable[[], Any], events: int, rounds: int = 3) -> float:
    """Give the best of some rounds, in microseconds of CPU an event."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.process_time()
        act()
        best = min(best, time.process_time() - begun)
    return best / events * 1e6


def main(events: int = 50_000, people: int = 5_000) -> None:
    chance = random.Random(7)
    pairs = [make_event(chance, number, people) for number in range(events)]
    anchors = [anchor for anchor, _ in pairs]
    lines = b"".join(msgspec.json.encode(event) + b"\n" for _, event in pairs)
    traits = TraitSet(shipped_traits())
    decoder = msgspec.json.Decoder(Event)
    decoded = decoder.decode_lines(lines)
    mask = traits.mask_of(traits.purposes)

    def fold() -> dict[str, Any]:
        states: dict[str, Any] = {}
        for anchor, event in zip(anchors, decoded, strict=True):
            state = states.get(anchor)
            if state is None:
                state = states[anchor] = traits.zero()
            fold_event(traits, state, event, mask)
        return states

    states = list(fold().values())
    packed = [traits.encode(state) for state in states]
    now_ms = START_MS + SPAN_MS
    count = len(states)
    print(f"{len(traits.traits)} traits in {len(traits.slots)} slots, {events:,} events,"
          f" {len(lines) // events} bytes an event, {count:,} people")  # fmt: skip
    decode_us = cpu_us(lambda: decoder.decode_lines(lines), events)
    fold_us = cpu_us(fold, events)
    print(f"decode              {decode_us:8.2f} us an event")
    print(f"fold                {fold_us:8.2f} us an event")
    print(f"decode and fold     {decode_us + fold_us:8.2f} us an event")
    by_name(traits, decoded, mask)
    pack_us = cpu_us(lambda: [traits.encode(state) for state in states], count)
    unpack_us = cpu_us(lambda: [traits.decode(data) for data in packed], count)
    merge_us = cpu_us(
        lambda: [merge_states(traits, states[i : i + 2]) for i in range(count)], count
    )
    finish_us = cpu_us(lambda: [finish(traits, state, now_ms) for state in states], count)
    print(f"pack                {pack_us:8.2f} us a person")
    print(f"unpack              {unpack_us:8.2f} us a person")
    print(f"merge of two        {merge_us:8.2f} us a person")
    print(f"finish, all traits  {finish_us:8.2f} us a person")
    print(f"state               {sum(map(len, packed)) / count:8.0f} bytes a person"
          f" of {events / count:.0f} events")  # fmt: skip


def by_name(traits: TraitSet, events: list[Event], mask: int) -> None:
    """Print what each name costs, over states that are warm."""
    names = sorted({event.name for event in events})
    for name in names:
        chosen = [event for event in events if event.name == name]
        states = [traits.zero() for _ in range(len(chosen) // 10 + 1)]

        def fold(chosen: list[Event] = chosen, states: list[Any] = states) -> None:
            for number, event in enumerate(chosen):
                fold_event(traits, states[number // 10], event, mask)

        print(f"  fold of {name or 'page':26} {cpu_us(fold, len(chosen)):6.2f} us")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]))
