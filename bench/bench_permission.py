"""What asking permission costs: one person, a column of people, an event at the door.

Rival of one question: a dictionary of the purposes a person permits, kept beside the profile. It is
as quick to read; what costs is to make it from what the person said, which is the slow twin below.
Rival of a column: the same dictionaries, asked one by one.

Run: python bench/bench_permission.py [people]
"""

import random
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from customering.consent.collecting import CompiledCollecting
from customering.consent.gate import CompiledPolicy, masks_of, permit
from customering.consent.model import ConsentRecord, ConsentSettings, Permit
from customering.consent.purposes import shipped_purposes
from customering.events.model import Event
from customering.kernel.ids import Identifier

START_MS = 1_714_564_800_000
REPEATS = 5
TARGET_US = 2.0


def seconds(act: Callable[[], object]) -> float:
    """Give the CPU seconds of the quickest of some runs."""
    found = []
    for _ in range(REPEATS):
        begun = time.process_time()
        act()
        found.append(time.process_time() - begun)
    return min(found)


def people(count: int, policy: CompiledPolicy) -> list[ConsentRecord | None]:
    """Make what people said: half said nothing, most others a few things, a tenth has voices."""
    chance = random.Random(7)
    keys = sorted(policy.keys)
    voices = ("signal:gpc", "objection:marketing", "agreement:SD-BASE", "agreement:SD-BASE-A")
    found: list[ConsentRecord | None] = []
    for _ in range(count):
        if chance.random() < 0.5:
            found.append(None)
            continue
        said = chance.sample(keys, chance.randint(1, 6))
        record: ConsentRecord = {
            key: (START_MS + chance.randrange(10**9), chance.choice(["allow", "deny"]))
            for key in said
        }
        if chance.random() < 0.2:
            record[chance.choice(voices)] = START_MS, "deny"
        found.append(record)
    return found


def tell(what: str, us: float, beside: str = "") -> None:
    """Print one line."""
    print(f"{what:<62} {us:9.3f} us  {beside}", flush=True)


def bench_one(records: Sequence[ConsentRecord | None], policy: CompiledPolicy) -> None:
    """Ask about single people."""
    some = list(records[:20_000])
    spoken = [record for record in some if record]
    keys = list(policy.purposes)
    masks = [policy.mask(record) for record in some]
    asked = [keys[place % len(keys)] for place in range(len(some))]
    each = 1e6 / len(some)

    def ask_bits() -> None:
        allows = policy.allows
        for mask, key in zip(masks, asked, strict=True):
            allows(mask, key)

    def ask_whole() -> None:
        allows, mask_of = policy.allows, policy.mask
        for record, key in zip(some, asked, strict=True):
            allows(mask_of(record), key)

    def twin(record: ConsentRecord | None) -> dict[str, bool]:
        answers = (permit(record, key, "", "", START_MS, policy=policy) for key in keys)
        return {key: isinstance(said, Permit) for key, said in zip(keys, answers, strict=True)}

    kept = [twin(record) for record in some]

    def ask_dictionaries() -> None:
        for answers, key in zip(kept, asked, strict=True):
            answers[key]

    tell("one bit of a mask that is kept", seconds(ask_bits) * each, f"target {TARGET_US} us")
    tell("rival: one entry of a dictionary that is kept", seconds(ask_dictionaries) * each)
    whole = seconds(ask_whole) * each
    tell(
        "from what a person said to the answer, half said nothing", whole, f"target {TARGET_US} us"
    )
    made = seconds(lambda: [policy.mask(record) for record in spoken]) * 1e6 / len(spoken)
    tell("all purposes of one who said something, as a mask", made, f"{len(keys)} purposes")
    few = some[:1_000]
    slow = seconds(lambda: [twin(record) for record in few]) * 1e6 / len(few)
    tell("rival, slow twin: the same as a dictionary, in words", slow, f"{slow / made:.0f}x")


def bench_column(records: Sequence[ConsentRecord | None], policy: CompiledPolicy) -> None:
    """Ask about everybody at once."""
    masks = masks_of(records, policy)
    key = "personalize.offers"
    bit = policy.bit(key)
    kept = [{one for one in policy.purposes if policy.allows(int(mask), one)} for mask in masks]
    fast = seconds(lambda: policy.allows_each(masks, key))
    slow = seconds(lambda: [key in answers for answers in kept])
    assert policy.allows_each(masks, key).tolist() == [key in answers for answers in kept]
    assert int(np.count_nonzero(masks & np.uint64(bit))) == sum(key in one for one in kept)
    count = len(records)
    print(
        f"{f'a column of {count:,} people, one vectorised AND':<62} {fast * 1e3:9.3f} ms"
        f"  {fast * 1e9 / count:.2f} ns a person"
    )
    print(
        f"{'rival: as many sets, one by one':<62} {slow * 1e3:9.3f} ms  {slow / fast:.0f}x",
        flush=True,
    )


def bench_door(policy: CompiledPolicy) -> None:
    """Ask about events: what the gate before the log adds to each."""
    rules = CompiledCollecting(shipped_purposes(), ConsentSettings(), policy)
    names = ("Product Viewed", "Order Completed", "Product Added", "Products Searched", "")
    events = [
        Event(
            event_id=f"e{number}",
            kind="page" if number % 5 == 4 else "track",
            name=names[number % 5],
            identifiers=(
                Identifier(f"user_id:u{number % 997}"),
                Identifier(f"anonymous_id:a{number % 991}"),
            ),
            occurred_at=START_MS,
            recorded_at=START_MS,
        )
        for number in range(20_000)
    ]
    other = {Identifier(f"user_id:x{number}") for number in range(10_000)}
    each = 1e6 / len(events)

    def look() -> None:
        """Do what `app.collecting.Collecting.sift` does with an event of nobody who refuses."""
        kind_of, parts, refused = rules.kind_of, rules.parts, rules.of_nobody
        for event in events:
            kind = kind_of(event)
            if not kind and not parts:
                continue
            if not other.isdisjoint(event.identifiers):
                raise AssertionError("nobody here refuses anything")
            if refused & (kind | parts):
                raise AssertionError("silence refuses nothing")

    tell("an event at the door while 10,000 others refuse something", seconds(look) * each)
    record: ConsentRecord = {"personalize": (START_MS, "deny")}
    asked = seconds(lambda: [rules.not_kept(record, None, START_MS) for _ in events]) * each
    tell("an event of one of these: what is refused", asked)


def main() -> None:
    """Run all of it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300_000
    policy = CompiledPolicy(shipped_purposes(), ConsentSettings())
    records = people(count, policy)
    bench_one(records, policy)
    bench_column(records, policy)
    bench_door(policy)


if __name__ == "__main__":
    main()
