"""Time of one decision from profiles in memory to its answer and its record, in one process.

A shop of 4,000 products and 420 offers decides for people who bought some hundred products each:
about 500 candidates a decision. Times are of the core that works (the machine may be busy), over
people in turn: once when nothing is remembered of them, as on the first page of a visit, and once
when it is, as on every other page of the day.

Sketch before measuring: some twenty sums over 500 numbers at 2 us each, 25 conditions at 1 us, a
status at 40 us, and some fifty small objects for the answer and the record: about 200 us. What a
person may want takes a sparse product over what they bought and 25 features of it: about 1 ms.

Run: ``python bench/bench_decide.py``
"""

import time
from collections.abc import Callable, Iterable
from functools import partial
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np

from customering.app.deciding import Deciding, request_for
from customering.app.people import People
from customering.app.purchases import Item
from customering.app.settings import CustomeringSettings
from customering.consent.gate import CompiledPolicy, permit
from customering.consent.model import ConsentRecord, ConsentSettings, StatedDefault
from customering.consent.purposes import shipped_purposes
from customering.decision.model import Action, DecisionSettings
from customering.decision.policy import DecisionPolicy, compile_policy
from customering.decision.record import event_of
from customering.events.model import Event
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.ids import Identifier, PersonId
from customering.kernel.records import to_json
from customering.profile.definitions import shipped_traits
from customering.profile.fold import fold_events
from customering.profile.model import State
from customering.profile.traits import TraitSet
from customering.relationship.histories import summarise
from customering.relationship.model import Purchases as Orders
from customering.relationship.value import fit_value
from customering.taste.history import gather
from customering.taste.model import TasteSettings
from customering.taste.train import train

PEOPLE, PRODUCTS, OFFERS, DAYS = 400, 4_000, 420, 400
NOW_MS = DAYS * MS_PER_DAY + 43_200_000
CHOICES: ConsentRecord = {
    "personalize.web": (1, "allow"),
    "personalize.offers": (1, "allow"),
    "marketing.email": (1, "allow"),
    "marketing.sms": (1, "deny"),
    "ads": (1, "deny"),
}
GATE = CompiledPolicy(
    shipped_purposes(),
    ConsentSettings(
        defaults={
            key: StatedDefault(answer="allow", ground="a bench")
            for key in ("personalize.web", "personalize.offers", "profile.value_scoring")
        }
    ),
)


def purchases() -> dict[int, dict[int, list[int]]]:
    """Give for each person the products bought on each day: some hundred in all, skewed."""
    chance = np.random.default_rng(3)
    bought: dict[int, dict[int, list[int]]] = {}
    for person in range(PEOPLE):
        often = int(chance.integers(8, 90))
        own = np.minimum(chance.zipf(1.2, 250), PRODUCTS) - 1
        bought[person] = {
            int(day): chance.choice(own, int(chance.integers(2, 14))).tolist()
            for day in chance.choice(DAYS, often, replace=False)
        }
    return bought


def models(bought: dict[int, dict[int, list[int]]]) -> SimpleNamespace:
    """Fit what a home has after `customering learn`."""
    lines = np.array(
        [
            (person, product, day)
            for person, days in bought.items()
            for day, products in days.items()
            for product in products
        ]
    ).T
    names = [f"{number:07d}" for number in range(PRODUCTS)]
    orders = np.array([(person, day) for person, days in bought.items() for day in days]).T
    amounts = np.random.default_rng(4).random(orders.shape[1]) * 5_000
    history = summarise(
        Orders(person=orders[0], day=orders[1], amount_minor=amounts), until_day=DAYS
    )
    return SimpleNamespace(
        taste=train(
            gather(*lines, people=PEOPLE, items=PRODUCTS),
            names,
            through_day=DAYS - 1,
            settings=TasteSettings(discovery_items_max=2_000),
        ),
        persuasion=None,
        arrivals=None,
        value=fit_value(history, until_day=DAYS, fitted_at_ms=NOW_MS),
        items={
            name: Item(
                product_id=name,
                title=f"Product {name}",
                category=f"category {number % 60}",
                price_minor=100 + number % 900,
            )
            for number, name in enumerate(names)
        },
    )


def offers() -> tuple[Action, ...]:
    """Give a catalogue: every fourth offer with one of 25 conditions, each about ten products."""
    return tuple(
        Action(
            action_id=f"offer:{number:05d}",
            kind="make_offer",
            title=f"Offer {number}",
            purpose="personalize.offers",
            group=f"campaign {number % 40}",
            eligibility=f"orders_total >= {number % 25}" if number % 4 == 0 else "",
            base_propensity=0.002,
            value_minor=50 + number % 100,
            products=tuple(f"{(number * 37 + n) % PRODUCTS:07d}" for n in range(10)),
            valid_until=NOW_MS + MS_PER_DAY,
            content={"subject": f"Offer {number}"},
        )
        for number in range(OFFERS)
    )


def states(traits: TraitSet, bought: dict[int, dict[int, list[int]]]) -> list[State]:
    """Fold everybody's orders, as the live path does."""

    def orders_of(person: int) -> Iterable[Event]:
        for day, products in sorted(bought[person].items()):
            yield Event(
                event_id=f"{person}-{day}",
                kind="track",
                name="Order Completed",
                identifiers=(Identifier(f"user_id:{person}"),),
                occurred_at=day * MS_PER_DAY,
                recorded_at=NOW_MS,
                properties={
                    "revenue_minor": 250 * len(products),
                    "products": [
                        {"product_id": f"{one:07d}", "category": f"category {one % 60}"}
                        for one in products
                    ],
                },
            )

    return [fold_events(traits, orders_of(person)) for person in bought]


class Bench:
    """The parts of a decision, timed."""

    def __init__(self) -> None:
        bought = purchases()
        known = models(bought)
        settings = CustomeringSettings()
        self.policy: DecisionPolicy = compile_policy(DecisionSettings(), GATE)
        traits = TraitSet(shipped_traits(), sorted(GATE.keys))
        self.states = states(traits, bought)
        nowhere: Any = None
        self.people = People(
            log=nowhere,
            history=nowhere,
            state=nowhere,
            traits=traits,
            policy=GATE,
            settings=settings,
            models=known,  # type: ignore[arg-type]
        )
        self.deciding = Deciding(
            models=known,  # type: ignore[arg-type]
            policy=self.policy,
            actions=offers(),
            settings=settings,
        )
        self.request = request_for("home", "", 6)
        self.taken: dict[str, list[float]] = {}
        self.candidates = self.bytes = 0

    def timed(self, part: str, act: Callable[[], Any]) -> Any:
        begun = time.thread_time_ns()
        made = act()
        self.taken.setdefault(part, []).append((time.thread_time_ns() - begun) / 1000)
        return made

    def decide(self, number: int, kept: list[State], name: Identifier) -> None:
        """Make one decision, part by part."""
        person_id = PersonId(f"per_{number}")
        glance = self.timed(
            "read the person", lambda: self.people.glance(person_id, (name,), kept, NOW_MS)
        )
        self.timed("  of it the status", lambda: glance.contract)
        self.timed("candidates", lambda: self.deciding.offer(glance, NOW_MS))
        decision = self.timed(
            "candidates and decision",
            lambda: self.deciding.decide(glance, self.request, NOW_MS),
        )
        self.timed("answer as JSON", lambda: msgspec.json.encode(decision.picks))
        record = self.timed("record", lambda: to_json(event_of(decision, (name,), NOW_MS)))
        self.candidates, self.bytes = len(decision.candidates), len(record)

    def whole(self, number: int, kept: list[State], name: Identifier) -> None:
        """Make one decision, as a server does."""
        glance = self.people.glance(PersonId(f"per_{number}"), (name,), kept, NOW_MS)
        decision = self.deciding.decide(glance, self.request, NOW_MS)
        msgspec.json.encode(decision.picks)
        to_json(event_of(decision, (name,), NOW_MS))

    def everybody(self, part: str) -> None:
        """Decide for all, and print how long each took."""
        for number, state in enumerate(self.states):
            name = Identifier(f"user_id:{number}")
            self.timed(part, partial(self.whole, number, [state], name))

    def report(self, title: str) -> None:
        """Print what was timed, and begin anew."""
        print(f"{title:34s} p50 us     p99 us    mean us      /s")
        for part, taken in self.taken.items():
            p50, p99, mean = *np.percentile(taken, [50, 99]), np.mean(taken)
            print(f"{part:30s} {p50:10.0f} {p99:10.0f} {mean:10.0f} {1e6 / mean:7.0f}")
        self.taken = {}


def mean_us(act: Callable[[], object], loops: int = 100_000) -> float:
    """Time a question asked many times. Microseconds."""
    start = time.perf_counter()
    for _ in range(loops):
        act()
    return (time.perf_counter() - start) / loops * 1e6


def main() -> None:
    bench = Bench()
    bench.whole(-1, [], Identifier("user_id:-1"))  # compiles the catalogue
    bench.everybody("whole, first of the day")
    for _ in range(3):
        bench.everybody("whole, remembered")
    for number in range(1_000):
        name = Identifier(f"anonymous_id:{number}")
        bench.timed("whole, nothing known", partial(bench.whole, PEOPLE + number, [], name))
    bench.report("one decision, 6 places")
    for number, state in enumerate(bench.states):
        bench.decide(number, [state], Identifier(f"user_id:{number}"))
    bench.report("parts, remembered")
    print(f"{bench.candidates} candidates, record {bench.bytes} B of JSON")
    print(f"mask, no record        {mean_us(lambda: GATE.mask(None)):6.2f} us")
    print(f"mask, 5 choices        {mean_us(lambda: GATE.mask(CHOICES)):6.2f} us")
    asked = partial(permit, CHOICES, "marketing.email", "", "email", NOW_MS, policy=GATE)
    print(f"permit, 5 choices      {mean_us(asked):6.2f} us")
    masks = np.full(1_000_000, GATE.mask(CHOICES), dtype=np.uint64)
    millions = mean_us(lambda: GATE.allows_each(masks, "marketing.email"), loops=20)
    print(f"a million masks        {millions / 1000:6.2f} ms")


if __name__ == "__main__":
    main()
