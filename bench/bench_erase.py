"""Erasing one person among a million while a server runs: when it is in force, when it is complete.

A home is made with a million people and two and a half events each: visits, orders, and for a fifth
of the people a browser and an address that are tied to them. It is opened as a server opens it.
Then two people are erased, and a third one loses the category of visits, while decisions are made
for others all the time; how long those take is printed too.

Run: ``python bench/bench_erase.py [--people 1000000] [--home FOLDER]``. A home in a folder that is
given is made once and used again. Making it takes a few minutes and some 2 GB.
"""

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from customering.app.deciding import request_for
from customering.app.engine import Engine
from customering.app.home import find, init
from customering.app.live import Live
from customering.app.rights_desk import RightsDesk
from customering.consent.rights_scope import EVERYTHING, Scope
from customering.events.model import Event
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.errors import NoSuchPerson
from customering.kernel.ids import Identifier

EVENTS_A_PERSON = 2.5
BATCH = 50_000
DAY_0 = 20_400
PAGES = ("home", "bread", "cheese", "fruit", "cellar", "garden")
SETTINGS = """
[consent.defaults."personalize.web"]
answer = "allow"
ground = "a bench"
[consent.defaults."profile.value_scoring"]
answer = "allow"
ground = "a bench"
"""


def names_of(number: int) -> tuple[Identifier, ...]:
    """Give the identifiers of a person; every fifth has three."""
    user = Identifier(f"user_id:u{number}")
    if number % 5:
        return (user,)
    mail = Identifier(f"email:person.{number}@example.org")
    return (user, mail, Identifier(f"anonymous_id:b{number}"))


def events_of(people: int) -> Iterator[Event]:
    """Give everybody's events in the order of time."""
    chance = Random(7)
    total = int(people * EVENTS_A_PERSON)
    start_ms = DAY_0 * MS_PER_DAY
    for place in range(total):
        number = place if place < people else chance.randrange(people)
        at_ms = start_ms + place * 12
        names = names_of(number)
        if place < people and number % 5:
            names = names[:1]
        kind = place % 5
        product = f"p{(number * 7 + place) % 5_000}"
        if kind < 3:
            yield Event(
                event_id=f"e{place}", kind="track", name="Product Viewed", identifiers=names,
                occurred_at=at_ms, recorded_at=at_ms, source="web",
                properties={"product_id": product, "category": PAGES[number % 6]},
                context={"page": {"url": f"https://shop.example/{PAGES[place % 6]}/{product}"}},
            )  # fmt: skip
        elif kind == 3:
            lines = [{"product_id": product, "quantity": 1, "amount_minor": 500, "name": product}]
            yield Event(
                event_id=f"e{place}", kind="track", name="Order Completed", identifiers=names,
                occurred_at=at_ms, recorded_at=at_ms, source="shop",
                properties={"order_id": f"o{place}", "revenue_minor": 500, "currency": "EUR",
                            "products": lines},
            )  # fmt: skip
        else:
            yield Event(
                event_id=f"e{place}", kind="page", name=PAGES[place % 6], identifiers=names,
                occurred_at=at_ms, recorded_at=at_ms, source="web",
            )  # fmt: skip


def make(folder: Path, people: int) -> None:
    """Make the home: log, history, profiles."""
    init(folder)
    with (folder / "customering.toml").open("a") as file:
        file.write(SETTINGS)
    with Engine(find(folder)) as engine:
        begun, batch = time.perf_counter(), []
        for event in events_of(people):
            batch.append(event)
            if len(batch) == BATCH:
                engine.log.append(batch)
                batch = []
        engine.log.append(batch)
        logged = time.perf_counter()
        engine.rebuild()
        print(
            f"made: {engine.log.end:,} events of {people:,} people;"
            f" log {logged - begun:.0f} s, profiles {time.perf_counter() - logged:.0f} s",
            flush=True,
        )


def is_known(live: Live, who: Identifier) -> bool:
    """Tell whether anything is known of somebody."""
    try:
        live.person(who)
    except NoSuchPerson:
        return False
    return True


async def erased(live: Live, desk: RightsDesk, number: int, scope: Scope) -> dict[str, float]:
    """Erase somebody, and measure; decisions for others are made meanwhile."""
    who = names_of(number)[0]
    waits: list[float] = []
    is_over = asyncio.Event()

    async def decide_all_the_time() -> None:
        chance = Random(number)
        while not is_over.is_set():
            begun = time.perf_counter()
            await asyncio.sleep(0.002)
            other = names_of(chance.randrange(1_000) * 5 + 1)[0]
            live.decide([other], request_for("home", "", 2), keep=False)
            waits.append(time.perf_counter() - begun - 0.002)

    deciding = asyncio.create_task(decide_all_the_time())
    cpu, begun = time.process_time(), time.perf_counter()
    erasure = await desk.erase(who, actor="person", scope=scope)
    in_force = time.perf_counter() - begun
    if scope.is_everything:
        assert not is_known(live, who), "the person is still known"
    certificate = json.loads(await desk.certificate(erasure.request_id))
    complete = time.perf_counter() - begun
    is_over.set()
    await deciding
    rows = {one["store"]: one["rows_deleted"] for one in certificate["per_store"]}
    waits.sort()
    return {
        "in force ms": in_force * 1e3,
        "complete s": complete,
        "processor s": time.process_time() - cpu,
        "events": rows["log"],
        "decision ms, median": waits[len(waits) // 2] * 1e3,
        "decision ms, worst": waits[-1] * 1e3,
    }


async def measure(folder: Path) -> None:
    """Open the home as a server does, and erase."""
    with Engine(find(folder)) as engine:
        begun = time.perf_counter()
        live = Live(engine)
        await live.start()
        desk = RightsDesk(live)
        print(f"opened in {time.perf_counter() - begun:.1f} s", flush=True)
        first = len(engine.journal.erasures()) * 15 + 5  # others each time, with three identifiers
        for what, scope, number in (
            ("a person, the first", EVERYTHING, first),
            ("a person, another", EVERYTHING, first + 5),
            ("the visits of one", Scope(category="visits"), first + 10),
        ):
            told = await erased(live, desk, number, scope)
            print(what, {name: round(value, 2) for name, value in told.items()}, flush=True)
        await live.stop()
        begun = time.perf_counter()
        verified = engine.log.verify()
        print(f"log of {verified.events:,} events whole ({time.perf_counter() - begun:.1f} s)")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:,.0f} MB", flush=True)


def main() -> None:
    """Make the home if need be, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--home", type=Path)
    given = parser.parse_args(sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="customering-") as scratch:
        folder = given.home or Path(scratch) / "home"
        if not (folder / "customering.toml").exists():
            make(folder, given.people)
        sizes = {
            name: sum(one.stat().st_size for one in folder.glob(pattern)) // 1_000_000
            for name, pattern in (("log", "log.sqlite*"), ("state", "state.sqlite*"),
                                  ("history", "history/*/*.parquet"))
        }  # fmt: skip
        print("MB:", sizes, flush=True)
        asyncio.run(measure(folder))


if __name__ == "__main__":
    main()
