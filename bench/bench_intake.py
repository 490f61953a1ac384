"""What an event costs from the bytes of a batch to the folded state: microseconds of CPU by part.

The mix is that of a web shop as the browser SDK sends it, 100 events a batch: 40 % pages; 40 %
products, lists and searches; 8 % cart; 5 % identify; 4 % orders of three lines; 3 % events of the
shop's own. 100,000 people are known before; a few of them do most. Ten batches share a commit.
The median is the cost on a quiet machine; the mean holds its interruptions and the collector too.

Run: python bench/bench_intake.py [events] [people]
"""

import gc
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Any

import msgspec

from customering.api.payloads import read_batch
from customering.app.serve_settings import ServeSettings
from customering.events.commerce import tracking_plan
from customering.events.intake import Intake, intake
from customering.events.model import Event
from customering.events.settings import EventsSettings
from customering.identity.graph import IdentityGraph
from customering.kernel.clock import format_instant
from customering.profile.definitions import shipped_traits
from customering.profile.fold import fold_event
from customering.profile.traits import TraitSet
from customering.stores.sqlite_log import SqliteLog

START_MS = 1_714_564_800_000
BATCH = 100
BATCHES_A_COMMIT = 10
GROUPED = ("append, durable", "identity", "fold")
EVENTS_A_SECOND = 60_000
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)
BRANDS = [
    {"brand": "Not/A)Brand", "version": "8"},
    {"brand": "Chromium", "version": "126"},
    {"brand": "Google Chrome", "version": "126"},
]


def product(chance: random.Random) -> dict[str, Any]:
    item = int(2_000 * chance.random() ** 2)
    return {
        "product_id": f"sku-{item}",
        "sku": f"{item:06d}",
        "name": f"Product number {item}",
        "category": f"category {item % 30}",
        "department": f"department {item % 8}",
        "brand": f"brand {item % 40}",
        "price": (199 + 37 * item) / 100,
        "quantity": 1 + item % 3,
    }


def track(chance: random.Random, number: int, person: int) -> dict[str, Any]:
    """Make the parts of a payload that tell what happened."""
    draw = chance.random()
    if draw < 0.40:
        return {"type": "page", "properties": page(number)}
    if draw < 0.60:
        one = product(chance) | {"currency": "EUR", "position": number % 20}
        return {"type": "track", "event": "Product Viewed", "properties": one}
    if draw < 0.70:
        shown = [product(chance) for _ in range(4)]
        body = {"list_id": f"list-{number % 50}", "category": "wine", "products": shown}
        return {"type": "track", "event": "Product List Viewed", "properties": body}
    if draw < 0.80:
        body = {"query": f"red wine {number % 300}"}
        return {"type": "track", "event": "Products Searched", "properties": body}
    if draw < 0.88:
        one = product(chance) | {"currency": "EUR", "cart_id": f"cart-{number}"}
        return {"type": "track", "event": "Product Added", "properties": one}
    if draw < 0.93:
        traits = {"email": f"Ada.{person}@Example.org", "firstName": "Ada", "plan": "gold"}
        return {"type": "identify", "traits": traits}
    if draw < 0.97:
        lines = [product(chance) for _ in range(3)]
        total = round(sum(line["price"] * line["quantity"] for line in lines), 2)
        body = {"order_id": f"o-{number}", "revenue": total, "total": total, "tax": 3.5}
        body |= {"shipping": 4.95, "currency": "EUR", "products": lines}
        return {"type": "track", "event": "Order Completed", "properties": body}
    body = {"tasting": f"tasting {number % 9}", "guests": number % 5, "paid": True}
    return {"type": "track", "event": "Tasting Booked", "properties": body}


def page(number: int) -> dict[str, Any]:
    path = f"/p/{number % 2_000}"
    return {
        "path": path,
        "referrer": "https://www.example.com/",
        "search": "",
        "title": f"Product number {number % 2_000}",
        "url": f"https://shop.example{path}",
    }


def payload(chance: random.Random, number: int, people: int, at_ms: int) -> dict[str, Any]:
    """Make one payload, with the members analytics-next 1.84 sends."""
    known = number < people  # at first everybody comes once, with both ids
    person = number if known else int(people * chance.random() ** 2)
    return {
        "timestamp": format_instant(at_ms - int(chance.random() * 5_000)),
        "integrations": {},
        "anonymousId": f"{person:08x}-0000-4000-8000-{person * 7919:012x}",
        **({"userId": f"u{person}"} if known or chance.random() < 0.8 else {}),
        **track(chance, number, person),
        "context": {
            "page": page(number),
            "userAgent": AGENT,
            "userAgentData": {"brands": BRANDS, "mobile": False, "platform": "Linux"},
            "locale": "en-GB",
            "library": {"name": "analytics.js", "version": "next-1.84.3"},
            "timezone": "Europe/Berlin",
        },
        "messageId": f"ajs-next-{at_ms}-{chance.getrandbits(64):016x}-{number:08x}",
        "writeKey": "cw_shop",
        "_metadata": {"bundled": ["Segment.io"], "unbundled": [], "bundledIds": []},
    }


def bodies(events: int, people: int) -> list[bytes]:
    """Make the bodies of batch calls."""
    chance = random.Random(7)
    made: list[bytes] = []
    for first in range(0, events, BATCH):
        at_ms = START_MS + first * 1_000 // EVENTS_A_SECOND
        batch = [payload(chance, number, people, at_ms) for number in range(first, first + BATCH)]
        body = {"writeKey": "cw_shop", "batch": batch, "sentAt": format_instant(at_ms + 5)}
        made.append(msgspec.json.encode(body))
    return made


class Meter:
    """CPU time by part of the path, of each batch."""

    def __init__(self) -> None:
        self.spent: dict[str, list[float]] = {}

    def take(self, part: str, act: Callable[[], Any]) -> Any:
        begun = time.process_time()
        result = act()
        self.spent.setdefault(part, []).append(time.process_time() - begun)
        return result

    def show(self) -> None:
        print(f"{'microseconds of CPU an event':34} {'median':>8} {'mean':>8}")
        totals = [0.0, 0.0]
        for part, spent in self.spent.items():
            events = BATCH * (BATCHES_A_COMMIT if part in GROUPED else 1)
            costs = [measure(spent) / events * 1e6 for measure in (median, fmean)]
            print(f"{part:34} {costs[0]:8.2f} {costs[1]:8.2f}")
            totals = [totals[0] + costs[0], totals[1] + costs[1]]
        print(f"{'together':34} {totals[0]:8.2f} {totals[1]:8.2f}")


class Path100:
    """The live path, a batch at a time."""

    def __init__(self, log: SqliteLog) -> None:
        self.log = log
        self.plan, self.settings = tracking_plan(), EventsSettings()
        self.traits = TraitSet(shipped_traits())
        self.mask = self.traits.mask_of(self.traits.purposes)
        self.limits = ServeSettings()
        self.graph = IdentityGraph()
        self.states: dict[Any, list[Any]] = {}

    def take(self, payloads: list[Any], received_at: int) -> Intake:
        taken = intake(
            payloads,
            plan=self.plan,
            settings=self.settings,
            source="web",
            received_at=received_at,
        )
        assert not taken.quarantined, taken.quarantined[0].reason
        return taken

    def fold(self, events: list[Event], anchors: list[Any]) -> None:
        traits, states, mask = self.traits, self.states, self.mask
        for event, anchor in zip(events, anchors, strict=True):
            state = states.get(anchor)
            if state is None:
                state = states[anchor] = traits.zero()
            fold_event(traits, state, event, mask)

    def run(self, sent: list[bytes], meter: Meter, first_ms: int) -> None:
        waiting: list[Intake] = []
        for number, body in enumerate(sent):
            now_ms = first_ms + number * BATCH * 1_000 // EVENTS_A_SECOND
            payloads = meter.take("read", lambda body=body: self.read(body))
            waiting.append(meter.take("intake", lambda p=payloads, n=now_ms: self.take(p, n)))
            if len(waiting) == BATCHES_A_COMMIT:
                events = meter.take("append, durable", lambda w=waiting: self.append(w))
                anchors = meter.take(
                    "identity", lambda e=events: list(map(self.graph.observe_event, e))
                )
                meter.take("fold", lambda e=events, a=anchors: self.fold(e, a))
                waiting = []

    def read(self, body: bytes) -> list[Any]:
        limits = self.limits
        return read_batch(
            body, event_bytes_max=limits.event_bytes_max, events_max=limits.batch_events_max
        ).payloads

    def append(self, waiting: list[Intake]) -> Sequence[Event]:
        events = [event for taken in waiting for event in taken.accepted]
        lines = [line for taken in waiting for line in taken.lines]
        return self.log.append(events, lines).events


def main(events: int = 50_000, people: int = 100_000) -> None:
    """Print the table."""
    gc.set_threshold(100_000, 50, 1_000)
    sent = bodies(events + people, people)
    cut = people // BATCH
    size = sum(map(len, sent)) / (events + people)
    print(f"{events:,} events of {size:.0f} bytes as sent; {people:,} people known before")
    with tempfile.TemporaryDirectory() as folder, SqliteLog(Path(folder) / "log.sqlite") as log:
        path = Path100(log)
        path.run(sent[:cut], Meter(), START_MS + 60_000)
        gc.freeze()
        meter = Meter()
        path.run(sent[cut:], meter, START_MS + 120_000)
        meter.show()


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]))
