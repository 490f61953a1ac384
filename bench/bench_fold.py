"""What folding an event costs: microseconds of CPU by part, and bytes a person.

Back of the envelope: decoding some 400 bytes of JSON costs 1 to 2 us; a product view steps about
six slots at 0.3 us each, an order of three lines about forty.

The collector of cycles is told to come rarely, as a process that keeps many states should: nothing
here makes cycles, and with Python's own thresholds it doubles the cost of decoding.

Run: python bench/bench_fold.py [events] [people]
"""

import gc
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec

from customering.events.model import Event
from customering.identity.graph import IdentityGraph
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


def make_event(chance: random.Random, number: int, people: int) -> Event:
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
    person = int(people * chance.random())
    return Event(
        event_id=f"event-{number}",
        kind=kind,  # type: ignore[arg-type]
        name=name,
        identifiers=(f"user_id:{person}", f"anonymous_id:a-{person}"),  # type: ignore[arg-type]
        occurred_at=at_ms,
        recorded_at=at_ms + 900,
        properties=properties,
        context={"userAgent": "Mozilla/5.0 (X11; Linux x86_64)", "page": {"path": "/p/1"}},
        source="web",
    )


class Meter:
    """CPU time by part of the path."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    def take(self, part: str, act: Callable[[], Any]) -> Any:
        begun = time.process_time()
        result = act()
        self.spent[part] = self.spent.get(part, 0.0) + time.process_time() - begun
        return result

    def show(self, count: int, of_what: str) -> None:
        for part, seconds in self.spent.items():
            print(f"{part:26} {seconds / count * 1e6:8.2f} us {of_what}")
        if len(self.spent) > 1:
            print(f"{'together':26} {sum(self.spent.values()) / count * 1e6:8.2f} us {of_what}")


def run(blocks: list[bytes], traits: TraitSet, meter: Meter) -> dict[str, Any]:
    """Go the live path, block by block: decode, resolve identity, ask consent, fold."""
    decoder = msgspec.json.Decoder(Event)
    graph = IdentityGraph()
    permitted = traits.mask_of(traits.purposes)
    states: dict[str, Any] = {}
    masks: dict[str, int] = {}

    def fold(events: list[Event], anchors: list[Any]) -> None:
        for event, anchor in zip(events, anchors, strict=True):
            state = states.get(anchor)
            if state is None:
                state = states[anchor] = traits.zero()
            fold_event(traits, state, event, masks.get(anchor, permitted))

    for block in blocks:
        events = meter.take("decode", lambda block=block: decoder.decode_lines(block))
        anchors = meter.take(
            "identity", lambda events=events: [graph.observe_event(event) for event in events]
        )
        meter.take("consent (mask) and fold", lambda e=events, a=anchors: fold(e, a))
    return states


def main(events: int = 100_000, people: int = 5_000) -> None:
    gc.set_threshold(100_000, 50, 1_000)
    chance = random.Random(7)
    lines = [msgspec.json.encode(make_event(chance, n, people)) + b"\n" for n in range(events)]
    blocks = [b"".join(lines[first : first + 1_000]) for first in range(0, events, 1_000)]
    traits = TraitSet(shipped_traits())
    print(f"{len(traits.traits)} traits in {len(traits.slots)} slots; {events:,} events of"
          f" {sum(map(len, lines)) // events} bytes")  # fmt: skip
    live = Meter()
    states = list(run(blocks, traits, live).values())
    live.show(events, "an event")
    by_name(lines, traits)

    now_ms = START_MS + SPAN_MS
    person = Meter()
    packed = person.take("pack", lambda: [traits.encode(state) for state in states])
    person.take("unpack", lambda: [traits.decode(data) for data in packed])
    pairs = [states[first : first + 2] for first in range(len(states))]
    person.take("merge of two anchors", lambda: [merge_states(traits, pair) for pair in pairs])
    person.take("finish, every trait", lambda: [finish(traits, s, now_ms) for s in states])
    person.show(len(states), "an anchor")
    print(f"{sum(map(len, packed)) / len(packed):.0f} bytes an anchor"
          f" of {events / len(packed):.0f} events, {len(packed):,} anchors")  # fmt: skip


def by_name(lines: list[bytes], traits: TraitSet) -> None:
    """Print what folding costs by the name of the event, ten events a person."""
    events = [msgspec.json.decode(line, type=Event) for line in lines[:20_000]]
    mask = traits.mask_of(traits.purposes)
    for name in sorted({event.name for event in events}):
        chosen = [event for event in events if event.name == name]
        states = [traits.zero() for _ in range(len(chosen) // 10 + 1)]
        meter = Meter()

        def fold(chosen: list[Event] = chosen, states: list[Any] = states) -> None:
            for number, event in enumerate(chosen):
                fold_event(traits, states[number // 10], event, mask)

        meter.take(f"  fold of {name or 'page'}"[:26], fold)
        meter.show(len(chosen), "an event")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]))
