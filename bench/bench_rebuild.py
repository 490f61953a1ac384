"""The batch path against SQL written by hand: values and states of everybody, on one machine.

The history is made by DuckDB with the columns of `customering.stores.history`: 70 % product views,
5 % orders of one to three lines, some ten events a person. Each way runs in a process of its own,
so that its peak memory is its own. The rival, ``rebuild_rival.sql``, gives the values of the
shipped traits and nothing else; the states hold enough to give the values at any later instant,
and to go on from live, so they must cost more.

Run: ``python bench/bench_rebuild.py [--events 1000000] [--people 100000]``. Ten million events of a
million people: ``--events 10000000 --people 1000000 --rounds 1`` (some 1.5 GB of scratch space).
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from string import Template
from typing import Any

import duckdb

from customering.kernel.clock import MS_PER_DAY, day_of
from customering.profile.batch import states_sql, values_sql
from customering.profile.definitions import shipped_traits
from customering.profile.traits import TraitSet
from customering.stores.history_load import COLUMNS

NOW_MS = 20_000 * MS_PER_DAY
SPAN_MS = 400 * MS_PER_DAY
WAYS = {"hand": "SQL by hand, values", "values": "values_sql", "states": "states_sql"}
FLOATS = {"mean_gap_days", "sd_gap_days", "average_order_minor", "recent_spend_decayed"}


def connected(path: Path) -> duckdb.DuckDBPyConnection:
    """Open DuckDB with the limits of the bench, and the file as the history."""
    connection = duckdb.connect(
        config={"threads": 2, "memory_limit": "8GB", "temp_directory": str(path.parent)}
    )
    if path.exists():
        connection.execute(f"CREATE VIEW history AS FROM read_parquet('{path}')")
    return connection


def filled(name: str, **values: int) -> str:
    """Read a file of SQL and fill in the present and other numbers."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return Template(text).substitute(values, now=NOW_MS)


def make_history(path: Path, events: int, people: int) -> None:
    """Write the history to one Parquet file, in the order and the row groups of the real one."""
    select = filled("rebuild_history.sql", events=events, people=people, span=SPAN_MS)
    with connected(path) as connection:
        connection.execute(
            f"COPY ({select}) TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 8192)"
        )
        connection.execute(f"CREATE VIEW made AS FROM read_parquet('{path}')")
        described = connection.execute("DESCRIBE made").fetchall()
    kinds = {name: kind.replace('"', "") for name, kind, *_ in described}
    assert kinds == {name: kind.replace('"', "") for name, kind in COLUMNS.items()}, kinds


def statement(way: str) -> str:
    """Give the SQL of one way, which leaves its answer in a table."""
    if way == "hand":
        return filled("rebuild_rival.sql", today=day_of(NOW_MS))
    traits = TraitSet(shipped_traits())
    if way == "values":
        made = values_sql(traits, "history", NOW_MS, "anchor")
    else:
        made = states_sql(traits, "history")
    return f"CREATE TEMP TABLE answer AS {made.sql('duckdb')}"


def run_one(way: str, path: Path) -> None:
    """Run one way in this process, and print what it took as JSON."""
    text = statement(way)
    with connected(path) as connection:
        processor, wall = time.process_time(), time.perf_counter()
        connection.execute(text)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        rows = connection.execute("SELECT count(*) FROM answer").fetchone()
    print(json.dumps({"wall": wall, "cpu": processor, "peak_mb": peak_memory_mb(), "rows": rows}))


def peak_memory_mb() -> float:
    """Give the largest memory this process had; Linux counts that of its parent into rusage."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2  # bytes on macOS


def measured(way: str, path: Path) -> dict[str, Any]:
    """Run one way in a process of its own."""
    command = [sys.executable, __file__, "--way", way, "--file", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{way} failed:\n{done.stderr}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def assert_equal(path: Path) -> int:
    """Check that the rival gives the same values as ours, and count the values compared."""
    with connected(path) as connection:
        for way in ("hand", "values"):
            connection.execute(statement(way).replace("TABLE answer", f"TABLE {way}"))
        names = [row[0] for row in connection.execute("DESCRIBE hand").fetchall()]
        assert names == [row[0] for row in connection.execute("DESCRIBE values").fetchall()], names
        tests = ", ".join(f"count(*) FILTER ({_differs(name)})" for name in names[1:])
        found = connection.execute(
            f'SELECT {tests} FROM hand h FULL JOIN "values" v USING (anchor)'
        ).fetchone()
        rows = connection.execute("SELECT count(*) FROM hand").fetchone()
    assert found is not None
    assert rows is not None
    differing = {name: count for name, count in zip(names[1:], found, strict=True) if count}
    assert not differing, differing
    return int(rows[0]) * len(found)


def _differs(name: str) -> str:
    if name in FLOATS:
        return f"h.{name} IS DISTINCT FROM v.{name} AND NOT abs(h.{name} / v.{name} - 1) < 1e-9"
    if name in ("habits", "dismissed_actions", "declared"):
        return " IS DISTINCT FROM ".join(
            f"list_sort(map_entries({side}.{name}::MAP(VARCHAR, JSON)))" for side in "hv"
        )
    if name.startswith(("top_", "favourite_")):
        return f"to_json(h.{name})::VARCHAR IS DISTINCT FROM to_json(v.{name})::VARCHAR"
    return f"h.{name} IS DISTINCT FROM v.{name}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=2, help="the best of so many runs counts")
    parser.add_argument("--way", choices=list(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        run_one(given.way, given.file)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.parquet"
        begun = time.perf_counter()
        make_history(path, given.events, given.people)
        size_mb = path.stat().st_size / 1e6
        print(
            f"{given.events:,} events of {given.people:,} people, {size_mb:,.0f} MB"
            f" of Parquet made in {time.perf_counter() - begun:.1f} s; 2 threads, 8 GB"
        )
        if given.events <= 1_000_000:
            print(f"{assert_equal(path):,} values by hand and ours compared: equal")
        rounds = [{way: measured(way, path) for way in WAYS} for _ in range(given.rounds)]
    best = {way: min((one[way] for one in rounds), key=lambda told: told["wall"]) for way in WAYS}
    print(f"{'':22}{'wall s':>9}{'CPU s':>9}{'peak MB':>10}{'wall':>9}{'CPU':>9}")
    rival = best["hand"]
    for way, words in WAYS.items():
        told = best[way]
        print(
            f"{words:22}{told['wall']:>9.2f}{told['cpu']:>9.2f}{told['peak_mb']:>10,.0f}"
            f"{told['wall'] / rival['wall']:>8.2f}x{told['cpu'] / rival['cpu']:>8.2f}x"
        )


if __name__ == "__main__":
    main()
