"""Run every bench at its default size, one after the other, below the facts of the machine.

Each runs in a process of its own and is given half an hour at most.

Run: ``make bench``, or ``python bench/run.py [NAME ...]`` for some of them, such as ``rebuild``.
"""

import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

BENCHES = {
    path.stem.removeprefix("bench_"): path for path in Path(__file__).parent.glob("bench_*.py")
}
LONGEST_SECONDS = 1_800
LIBRARIES = ("duckdb", "numpy", "msgspec", "pyarrow", "scipy", "sqlglot", "zstandard")


def machine() -> str:
    """Tell what the figures depend on beside the code."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{platform.system()} {platform.machine()}, {cores} cores{load};"
        f" Python {platform.python_version()}; {libraries}"
    )


def run(name: str) -> bool:
    """Run one bench below a heading; tell whether it came to its end."""
    path = BENCHES[name]
    summary = path.read_text(encoding="utf-8").split('"""')[1].splitlines()[0]
    print(f"\n== {name}: {summary}", flush=True)
    begun = time.perf_counter()
    try:
        code = subprocess.run(
            [sys.executable, path], timeout=LONGEST_SECONDS, check=False
        ).returncode
        ended = "" if code == 0 else f", FAILED with exit code {code}"
    except subprocess.TimeoutExpired:
        code, ended = 1, ", STOPPED: it took too long"
    print(f"-- {name}: {time.perf_counter() - begun:.0f} s{ended}", flush=True)
    return code == 0


def main() -> None:
    """Run those named, or all; exit 1 when one failed."""
    wanted = sys.argv[1:] or sorted(BENCHES)
    unknown = [name for name in wanted if name not in BENCHES]
    if unknown:
        sys.exit(f"no bench {', '.join(unknown)}; there are {', '.join(sorted(BENCHES))}")
    print(machine(), flush=True)
    failed = [name for name in wanted if not run(name)]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
