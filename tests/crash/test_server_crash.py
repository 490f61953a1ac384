"""Kill the server under load, cut its power, fill its disk: nothing acknowledged is ever lost."""

import json
import resource
import shutil
import sqlite3
import time
from collections import Counter
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

import pytest

from customering.app.engine import Engine
from customering.app.home import find
from customering.events.commerce import tracking_plan
from customering.events.intake import intake
from customering.events.settings import EventsSettings
from customering.kernel.clock import format_instant
from customering.stores.sqlite_log import SqliteLog
from serving import command, kill, make_home, running, start, stop
from town import NOON, assert_rebuild_changes_nothing

SETTINGS = """
[consent.defaults."personalize.web"]
answer = "allow"
ground = "a test"
[history]
buckets = 4
"""


def payload(sender: int, number: int) -> dict[str, Any]:
    """Something one of a few people did; told by its id, so that it can be looked for."""
    return {
        "type": "track",
        "event": "Product Viewed",
        "messageId": f"s{sender}-{number}",
        "anonymousId": f"a{number % 9}",
        "userId": f"u{number % 5}" if number % 3 else None,
        "timestamp": format_instant(NOON + number),
        "properties": {"product_id": f"p{number % 4}"},
    }


class Sender(Thread):
    """Sends events one after the other, alone or in batches, until nobody answers."""

    def __init__(self, url: str, key: str, number: int, seed: int) -> None:
        super().__init__(daemon=True)
        self.acknowledged: list[str] = []
        self._server = _Post(url)
        self._key, self._number, self._random = key, number, Random(seed)

    def run(self) -> None:
        sent = 0
        while True:
            some = [
                payload(self._number, sent + n) for n in range(self._random.choice([1, 1, 5, 40]))
            ]
            try:
                if len(some) == 1:
                    done = self._server("/v1/track", {**some[0], "writeKey": self._key})
                else:
                    done = self._server("/v1/batch", {"batch": some, "writeKey": self._key})
            except OSError:
                return
            if done == 200:
                self.acknowledged.extend(one["messageId"] for one in some)
                sent += len(some)
            else:
                time.sleep(0.01)


class _Post:
    """Posts JSON over a connection of its own each time, as a client that was just started."""

    def __init__(self, url: str) -> None:
        self._host = url.removeprefix("http://")

    def __call__(self, path: str, value: Any) -> int:
        connection = HTTPConnection(self._host, timeout=10)
        try:
            connection.request("POST", path, json.dumps(value))
            answer = connection.getresponse()
            answer.read()
        except HTTPException as error:
            raise OSError from error
        finally:
            connection.close()
        return answer.status


def ids_in(home: Path) -> Counter[str]:
    with SqliteLog(home / "log.sqlite", EventsSettings(), read_only=True) as log:
        log.verify()
        return Counter(event.event_id for block in log.read() for event in block.events())


def check(home: Path, acknowledged: list[str]) -> None:
    """Everything acknowledged is in the log, once, and the profiles are what a rebuild gives."""
    found = ids_in(home)
    assert set(found.values()) <= {1}
    assert not set(acknowledged) - set(found)
    with Engine(find(home, environment={})) as engine:
        engine.catch_up()
        assert engine.state.offset == engine.log.end == found.total()
        assert_rebuild_changes_nothing(engine)


@pytest.mark.parametrize("seed", range(4))
def test_killed_under_load_and_started_again(tmp_path: Path, seed: int) -> None:
    home = tmp_path / "home"
    key = make_home(home, SETTINGS + "\n[serve]\ncheckpoint_seconds = 0.2\n")
    random = Random(seed)
    acknowledged: list[str] = []
    for life in range(2):
        server = start(home)
        senders = [Sender(server.url, key, life * 10 + n, seed * 100 + n) for n in range(4)]
        for sender in senders:
            sender.start()
        time.sleep(random.uniform(0.3, 1.2))
        kill(server)
        for sender in senders:
            sender.join(15)
            acknowledged += sender.acknowledged
    assert acknowledged
    with running(home) as server:  # it starts by itself and takes events
        assert server.post("/v1/track", {**payload(99, 1), "writeKey": key}).status == 200
        assert stop(server)[0] == 0
    check(home, [*acknowledged, "s99-1"])


def test_what_was_sent_before_and_after_a_kill_counts_once(tmp_path: Path) -> None:
    home = tmp_path / "home"
    key = make_home(home, SETTINGS)
    batch = {"batch": [payload(1, n) for n in range(50)], "writeKey": key}
    server = start(home)
    assert server.post("/v1/batch", batch).status == 200
    kill(server)
    with running(home) as server:
        assert server.post("/v1/batch", batch).status == 200
        stop(server)
    assert ids_in(home).total() == 50


@pytest.mark.parametrize("seed", range(6))
def test_power_cut_at_any_write(tmp_path: Path, seed: int) -> None:
    """Whatever part of the last writes reached the disk, all that was acknowledged is there.

    A cut leaves the files as of some moment after an acknowledgement, with any part of what was
    written to the write-ahead log later: here every such moment is a copy of the files, and the
    later part is cut off or spoilt at random.
    """
    random = Random(seed)
    path = tmp_path / "log.sqlite"
    wal = path.with_name("log.sqlite-wal")
    moments: list[tuple[int, bytes, bytes]] = []
    with SqliteLog(path, EventsSettings()) as log:
        engineless = _events(120)
        for number in range(0, 120, 10):
            log.append(engineless[number : number + 10])
            moments.append((number + 10, path.read_bytes(), wal.read_bytes()))
        later = wal.read_bytes()
    for count, main, durable in moments:
        cut = random.randrange(len(durable), len(later) + 1)
        tail = bytearray(later[len(durable) : cut])
        if tail and random.random() < 0.5:
            tail[random.randrange(len(tail))] ^= 0xFF
        spoilt = tmp_path / f"cut-{count}"
        spoilt.mkdir()
        (spoilt / "log.sqlite").write_bytes(main)
        (spoilt / "log.sqlite-wal").write_bytes(durable + tail)
        with SqliteLog(spoilt / "log.sqlite", EventsSettings()) as log:
            assert log.end >= count
            log.verify()
            found = [event for block in log.read() for event in block.events()]
            assert found == engineless[: log.end]
            assert log.append(engineless).appended == 120 - len(found)


def _events(count: int) -> list[Any]:
    taken = intake(
        [payload(1, number) for number in range(count)],
        plan=tracking_plan(None),
        settings=EventsSettings(),
        source="web",
        received_at=NOON * 2,
    )
    return list(taken.accepted)


def test_a_second_server_on_the_same_home_refuses_and_says_why(tmp_path: Path) -> None:
    home = tmp_path / "home"
    key = make_home(home)
    with running(home) as first:
        second = command("serve", "--home", home, "--port", "0")
        assert second.returncode == 1
        assert "Another process" in second.stderr
        assert "Traceback" not in second.stderr
        assert first.post("/v1/track", {**payload(1, 1), "writeKey": key}).status == 200


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    make_home(tmp_path / "a")
    make_home(tmp_path / "b")
    with running(tmp_path / "a") as first:
        port = first.url.rpartition(":")[2]
        second = command("serve", "--home", tmp_path / "b", "--port", port)
        assert second.returncode == 1
        assert port in second.stderr
        assert "Traceback" not in second.stderr


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    home = tmp_path / "home"
    make_home(home)
    # A folder stands where the log must be: as good as no permission, for the superuser too.
    for path in home.glob("log.sqlite*"):
        path.unlink()
    (home / "log.sqlite").mkdir()
    told = command("serve", "--home", home, "--port", "0")
    assert told.returncode == 1
    assert "log.sqlite" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_long_unfolded_tail_is_folded_before_the_first_answer(tmp_path: Path) -> None:
    home = tmp_path / "home"
    key = make_home(home, SETTINGS)
    with SqliteLog(home / "log.sqlite", EventsSettings()) as log:
        log.append(_events(5_000))
    with running(home) as server:
        assert server.post("/v1/track", {**payload(2, 1), "writeKey": key}).status == 200
        stop(server)
    check(home, [f"s1-{number}" for number in range(5_000)])


def test_a_full_disk_is_told_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """The file may not grow beyond what it has: as a full disk, without filling the machine's."""
    home = tmp_path / "home"
    key = make_home(home, SETTINGS)
    server = start(home)
    try:
        assert server.post("/v1/track", {**payload(1, 0), "writeKey": key}).status == 200
        filled = _fill(server.process.pid)
        refused = server.post("/v1/batch", {"batch": _long(1), "writeKey": key})
        filled()
        again = server.post("/v1/batch", {"batch": _long(1), "writeKey": key})
        stop(server)
    finally:
        if server.process.poll() is None:
            kill(server)
    assert refused.status == 503
    assert refused.body["code"]
    assert again.status == 200
    check(home, ["s1-0", *(one["messageId"] for one in _long(1))])


def _long(sender: int) -> list[dict[str, Any]]:
    random = Random(7)
    return [
        {**payload(sender, number), "properties": {"text": random.randbytes(6_000).hex()}}
        for number in range(100, 130)
    ]


def _fill(process: int) -> Any:
    """Let a process write no byte more to any file; gives what takes that back."""
    before = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (65_536, before[1]))
    return lambda: resource.prlimit(process, resource.RLIMIT_FSIZE, before)


def test_a_clock_that_jumps_back_loses_and_doubles_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    make_home(home, SETTINGS)
    instants = iter([NOON * 2, NOON * 2 - 86_400_000 * 3, NOON * 2 + 5])
    sent = [[payload(1, number) for number in range(start, start + 5)] for start in (0, 5, 10)]
    with Engine(find(home, environment={}), clock=lambda: NOON * 2) as engine:
        engine.create()
    for some in sent:
        now_ms = next(instants)
        with Engine(find(home, environment={}), clock=lambda: now_ms) as engine:  # noqa: B023
            engine.ingest(some)
            engine.ingest(some)
    check(home, [one["messageId"] for some in sent for one in some])


def test_a_log_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    make_home(home)
    with Engine(find(home, environment={})) as engine:
        engine.create()
    connection = sqlite3.connect(home / "log.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    told = command("serve", "--home", home, "--port", "0")
    assert told.returncode == 1
    assert "newer version" in told.stderr


def test_profiles_of_another_version_are_refused_and_made_anew(tmp_path: Path) -> None:
    home = tmp_path / "home"
    key = make_home(home, SETTINGS)
    with SqliteLog(home / "log.sqlite", EventsSettings()) as log:
        log.append(_events(50))
    with Engine(find(home, environment={})) as engine:
        engine.catch_up()
    connection = sqlite3.connect(home / "state.sqlite")
    with connection:
        connection.execute("UPDATE meta SET value = '0' WHERE key = 'schema_version'")
    connection.close()
    told = command("serve", "--home", home, "--port", "0")
    assert told.returncode == 1
    assert "delete state.sqlite" in told.stderr
    shutil.copy(home / "state.sqlite", tmp_path / "old")
    for path in home.glob("state.sqlite*"):
        path.unlink()
    with running(home) as server:
        assert server.post("/v1/track", {**payload(2, 1), "writeKey": key}).status == 200
        stop(server)
    check(home, [f"s1-{number}" for number in range(50)])


def test_backup_while_serving_and_restore(tmp_path: Path) -> None:
    home = tmp_path / "home"
    key = make_home(home, SETTINGS)
    with running(home) as server:
        for number in range(20):
            assert server.post("/v1/track", {**payload(1, number), "writeKey": key}).status == 200
        told = command("backup", tmp_path / "copy", "--home", home, "--json")
        assert told.returncode == 0, told.stderr
        stop(server)
    assert command("restore", tmp_path / "copy", tmp_path / "again").returncode == 0
    check(tmp_path / "again", [f"s1-{number}" for number in range(20)])
    with running(tmp_path / "again") as server:  # with the keys it had
        assert server.post("/v1/track", {**payload(3, 1), "writeKey": key}).status == 200
