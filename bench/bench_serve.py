"""Speed of the live server: collect, decide, both at once, against a bare server that only decodes.

Run ``python bench/bench_serve.py``; it needs ``wrk`` (a Debian package), which loads one server
process over loopback: the server on the first core, wrk on the second, from so many connections as
the table says. Every event is made for its request, durable and folded into the shipped traits when
it is answered. "CPU" is processor time of the server process for each item, which a busy machine
disturbs least.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import customering
from customering.app.engine import Engine, real_clock
from customering.app.home import find, init
from customering.app.keys import KeyRing

HERE = Path(__file__).parent
BARE = """
import msgspec
decode = msgspec.json.decode
START = {"type": "http.response.start", "status": 200, "headers": [
    (b"content-type", b"application/json"), (b"content-length", b"17")]}
BODY = {"type": "http.response.body", "body": b'{"success": true}'}

async def application(scope, receive, send):
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message["more_body"]:
            break
    decode(body)
    await send(START)
    await send(BODY)
"""
PERMITTED = ("analytics.product", "personalize.web", "personalize.offers", "profile.value_scoring")
ACTION = """
[[action]]
action_id = "offer-{number}"
kind = "show_item"
title = "Offer {number}"
purpose = "personalize.offers"
group = "group {group}"
value_minor = {value}
base_propensity = 0.0{digit}
eligibility = "{eligibility}"
"""
ELIGIBILITY = (
    "", "orders_30d >= 1", "orders_total < 5", "products_viewed_7d > 2", "spend_total_minor > 100",
)  # fmt: skip


class Load(NamedTuple):
    """What wrk measured of one server."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    failed: int
    cpu_us: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


def prepare(folder: Path, people: int, candidates: int) -> str:
    """Make a home whose people have all been here, with offers to choose from; give a key."""
    init(folder)
    stated = "\n".join(
        f'[consent.defaults."{key}"]\nanswer = "allow"\nground = "a bench"' for key in PERMITTED
    )
    limits = "[serve.limits]\nrequests_per_key = 0\nevents_per_key = 0\nper_address = 0\n"
    (folder / "customering.toml").write_text(stated + "\n" + limits)
    (folder / "actions.toml").write_text(
        "".join(
            ACTION.format(
                number=number,
                group=number % 40,
                value=100 + number,
                digit=1 + number % 9,
                eligibility=ELIGIBILITY[number % len(ELIGIBILITY)],
            )
            for number in range(candidates)
        )
    )
    with Engine(find(folder, environment={})) as engine:
        _ = engine.actions, engine.traits
        for start in range(0, people, 5_000):
            engine.ingest(
                {
                    "type": "track",
                    "event": "Product Viewed",
                    "messageId": f"warm-{number}",
                    "userId": f"u{number}",
                    "anonymousId": f"a{number}",
                    "properties": {"product_id": f"p{number % 5_000}", "category": "tea"},
                }
                for number in range(start, min(start + 5_000, people))
            )
    with KeyRing(find(folder, environment={}).control_url, real_clock) as keys:
        return keys.create_secret(name="bench", scopes=("collect", "decide", "metrics"))[1]


def cpu_seconds(process: int) -> float:
    """Give the processor time a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pinned(core: int) -> list[str]:
    """Give the words that keep a process on one core."""
    cores = sorted(os.sched_getaffinity(0))
    return ["taskset", "-c", str(cores[core % len(cores)])]


def compile_once() -> None:
    """Compile the package, as installing it does: a variable may keep Python from it."""
    folder = str(Path(customering.__file__).parent)
    subprocess.run([sys.executable, "-m", "compileall", "-q", folder], check=True)


def start_server(home: Path) -> tuple[subprocess.Popen[str], str, float]:
    """Start the server, and give it with its address and the seconds it took."""
    compile_once()
    begun = time.perf_counter()
    command = [str(Path(sys.executable).with_name("customering")), "serve"]
    process = subprocess.Popen(
        [*pinned(0), *command, "--home", str(home), "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"at (http://\S+)", line):
            return process, found[1], time.perf_counter() - begun
    raise SystemExit("the server did not start")


def start_bare(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """Start the bare server."""
    (folder / "bare.py").write_text(BARE)
    process = subprocess.Popen(
        [
            *pinned(0), sys.executable, "-m", "uvicorn", "bare:application", "--port", "18099",
            "--no-access-log", "--log-level", "warning", "--http", "httptools",
            "--loop", "uvloop", "--lifespan", "off",
        ],
        cwd=folder,
        text=True,
    )  # fmt: skip
    time.sleep(2)
    return process, "http://127.0.0.1:18099"


def command_of(url: str, seconds: float, connections: int) -> list[str]:
    """Give the words that run wrk."""
    return [
        *pinned(1), "wrk", "-t1", f"-c{connections}", f"-d{round(seconds)}s", "--timeout", "20s",
        "-s", str(HERE / "serve_load.lua"), url,
    ]  # fmt: skip


_seed = iter(range(1, 1_000_000))


def environment_of(kind: str, key: str, people: int, **more: Any) -> dict[str, str]:
    """Tell the load what to send."""
    told = {"KIND": kind, "KEY": key, "PEOPLE": people, "SEED": f"{os.getpid()}x{next(_seed)}"}
    return {**os.environ, **{name: str(value) for name, value in (told | more).items()}}


def read_load(text: str, cpu_used: float) -> Load:
    """Read what wrk printed."""
    found = re.search(r"RESULT (\{.*\})", text)
    if found is None:
        raise SystemExit(f"wrk told nothing: {text}")
    told = json.loads(found[1])
    return Load(**told, cpu_us=cpu_used / max(told["requests"], 1) * 1e6)


def load(
    process: subprocess.Popen[str],
    url: str,
    environment: dict[str, str],
    *,
    seconds: float,
    connections: int,
) -> Load:
    """Load a server for a while."""
    before = cpu_seconds(process.pid)
    done = subprocess.run(
        command_of(url, seconds, connections),
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return read_load(done.stdout, cpu_seconds(process.pid) - before)


def row(name: str, measured: Load, items: int = 1) -> None:
    """Print one line of the table."""
    print(
        f"{name:34} {measured.per_second * items:>10,.0f} {measured.p50_ms:>8.2f}"
        f" {measured.p99_ms:>8.2f} {measured.max_ms:>8.1f} {measured.cpu_us / items:>8.1f}"
        f" {measured.failed:>6}",
        flush=True,
    )


def mixed(
    process: subprocess.Popen[str],
    url: str,
    key: str,
    people: int,
    seconds: float,
    share: float = 1.0,
) -> tuple[Load, Load]:
    """Send 20,000 events a second in batches of 100 and ask for 500 decisions a second.

    `share` of both: a server that is not at its limit answers without a queue.
    """
    environments = (
        environment_of("batch", key, people, DELAY_MS=round((80 - 4 * share) / share)),
        environment_of("decide", key, people, DELAY_MS=round((32 - 3 * share) / share)),
    )
    before = cpu_seconds(process.pid)
    running = [
        subprocess.Popen(
            command_of(url, seconds, 16), env=environment, stdout=subprocess.PIPE, text=True
        )
        for environment in environments
    ]
    texts = [one.communicate()[0] for one in running]
    used = cpu_seconds(process.pid) - before
    batches, decisions = (read_load(text, used) for text in texts)
    return batches, decisions


def resident_mb(process: int) -> float:
    """Give the memory a process holds. MB."""
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found
    return int(found[1]) / 1_024


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--candidates", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=8.0)
    options = parser.parse_args(arguments)
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not here: apt-get install wrk")
    people, seconds = options.people, options.seconds
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        key = prepare(folder / "home", people, options.candidates)
        print(f"{people:,} people, {options.candidates} offers; {seconds:g} s each")
        heads = ("items/s", "p50 ms", "p99 ms", "max ms", "CPU us", "failed")
        print(f"{'':34} {heads[0]:>10} " + " ".join(f"{head:>8}" for head in heads[1:5])
              + f" {heads[5]:>6}")  # fmt: skip

        bare, url = start_bare(folder)
        try:
            for kind, connections, items in (("single", 32, 1), ("batch", 16, 100)):
                told = environment_of(kind, key, people)
                row(
                    f"bare server, {kind}",
                    load(bare, url, told, seconds=seconds, connections=connections),
                    items,
                )
        finally:
            bare.terminate()
            bare.wait()

        server, url, took = start_server(folder / "home")
        idle = resident_mb(server.pid)
        try:
            warm = environment_of("batch", key, people)
            load(server, url, warm, seconds=max(seconds, people / 8_000), connections=8)
            for kind, connections, items in (
                ("single", 64, 1), ("single", 32, 1), ("batch", 16, 100),
                ("decide", 8, 1), ("decide", 16, 1),
            ):  # fmt: skip
                told = environment_of(kind, key, people)
                row(
                    f"{kind} from {connections}" if items == 1 else f"{kind} of {items}",
                    load(server, url, told, seconds=seconds, connections=connections),
                    items,
                )
            for name, share in (("mixed", 1.0), ("half of it", 0.5), ("a quarter", 0.25)):
                batches, decisions = mixed(server, url, key, people, seconds, share)
                row(f"{name}: events in batches", batches, 100)
                row(f"{name}: decisions", decisions)
            print(
                f"start {took:.1f} s; memory {idle:.0f} MB idle,"
                f" {resident_mb(server.pid):.0f} MB in the end"
            )
        finally:
            server.terminate()
            server.communicate(timeout=60)


if __name__ == "__main__":
    main()
