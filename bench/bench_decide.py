"""Time of one decision, and of one question to the consent gate, in one process on one core.

Sketch before measuring: a candidate passes some ten rules at 0.1 us each, is kept as one record
(1 us) with words that are mostly shared, and is sorted (0.3 us): about 3 us a candidate, so 500
candidates are near 1.5 ms, and a decision over 10 is all overhead, near 0.1 ms.

Run: ``python bench/bench_decide.py``
"""

import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from msgspec.structs import replace

from customering.consent.gate import CompiledPolicy, permit
from customering.consent.model import ConsentRecord, ConsentSettings
from customering.consent.purposes import shipped_purposes
from customering.decision.candidates import ItemSuggestion, item_candidates
from customering.decision.decide import decide
from customering.decision.model import (
    Candidate,
    Contact,
    DecisionRequest,
    DecisionSettings,
    PersonFacts,
)
from customering.decision.policy import DecisionPolicy, compile_policy
from customering.decision.record import properties_of
from customering.kernel.records import to_json

NOW_MS = 1_497_000_000_000
CHOICES: ConsentRecord = {
    "personalize.web": (1, "allow"),
    "personalize.offers": (1, "allow"),
    "marketing.email": (1, "allow"),
    "marketing.sms": (1, "deny"),
    "ads": (1, "deny"),
}


def candidates(count: int) -> list[Candidate]:
    """Give products of 40 categories, every tenth of them with a condition over traits."""
    chances = np.random.default_rng(3).random(count)
    made = item_candidates(
        [
            ItemSuggestion(
                product_id=str(number),
                title=f"Product {number}",
                category=f"category {number % 40}",
                price_minor=100 + number,
                probability=float(chances[number]),
                common_probability=0.01,
                kind="discover" if number % 5 == 0 else "repeat",
                facts={"times_bought": 9, "gap_days": 12.0, "days_since_last": 14.0},
            )
            for number in range(count)
        ],
        purpose="personalize.web",
        margin_share=0.3,
        usual_price_minor=200,
    )
    for number in range(0, count, 10):
        action = replace(made[number].action, eligibility="orders >= 3 and not missing(orders)")
        made[number] = replace(made[number], action=action)
    return made


def decisions_us(
    offered: Sequence[Candidate], people: Sequence[PersonFacts], policy: DecisionPolicy
) -> np.ndarray:
    """Time one decision for each person in turn, after a warm-up.

    Returns
    -------
    ndarray
        Shape (2, people): time on the wall and time on the core. Microseconds. They differ by what
        other programs took from the core meanwhile.
    """
    request = DecisionRequest(placement="home", purpose="personalize.web", slots=6)
    taken = np.empty((2, len(people)))
    for _ in range(2):
        for turn, person in enumerate(people):
            wall, core = time.perf_counter_ns(), time.thread_time_ns()
            decide(request, offered, person, policy, NOW_MS)
            taken[0, turn] = time.perf_counter_ns() - wall
            taken[1, turn] = time.thread_time_ns() - core
    return taken / 1000


def mean_us(act: Callable[[], object], loops: int = 100_000) -> float:
    """Time a question asked many times. Microseconds."""
    start = time.perf_counter()
    for _ in range(loops):
        act()
    return (time.perf_counter() - start) / loops * 1e6


def main() -> None:
    consent = CompiledPolicy(shipped_purposes(), ConsentSettings())
    policy = compile_policy(DecisionSettings(), consent)
    people = [
        PersonFacts(
            person_id=f"per_{number}",
            traits={"orders": number % 50},
            consent=CHOICES,
            contacts=(Contact(at_ms=NOW_MS - 10**9, channel="email", action_id="letter"),),
            zone="Europe/Vienna",
        )
        for number in range(2000)
    ]
    print("one decision, 6 places      p50 us     p99 us    p50 us     p99 us       JSON")
    print("                          on the wall           on the core")
    request = DecisionRequest(placement="home", purpose="personalize.web", slots=6)
    for count in (10, 50, 500):
        offered = candidates(count)
        (wall, core), (wall99, core99) = np.percentile(
            decisions_us(offered, people, policy), [50, 99], axis=1
        )
        size = len(to_json(properties_of(decide(request, offered, people[0], policy, NOW_MS))))
        times = f"{wall:10.0f} {wall99:10.0f} {core:10.0f} {core99:10.0f}"
        print(f"{count:5d} candidates     {times} {size:8d} B")
    print(f"mask, no record        {mean_us(lambda: consent.mask(None)):6.2f} us")
    print(f"mask, 5 choices        {mean_us(lambda: consent.mask(CHOICES)):6.2f} us")
    asked = partial(permit, CHOICES, "marketing.email", "", "email", NOW_MS, policy=consent)
    print(f"permit, 5 choices      {mean_us(asked):6.2f} us")
    masks = np.full(1_000_000, consent.mask(CHOICES), dtype=np.uint64)
    millions = mean_us(lambda: consent.allows_each(masks, "marketing.email"), loops=20)
    print(f"a million masks        {millions / 1000:6.2f} ms")


if __name__ == "__main__":
    main()
