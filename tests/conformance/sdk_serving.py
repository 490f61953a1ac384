"""A home with its keys, the real `customering serve` on it, and what is in its log."""

import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple, Self

from typer.testing import CliRunner

from customering.app.engine import Engine
from customering.app.home import find
from customering.cli.main import every_command
from customering.events.model import Event

COMMAND = (str(Path(sys.executable).with_name("customering")),)
_ADDRESS = re.compile(r"at (http://\S+)$", re.MULTILINE)
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0


class Shop(NamedTuple):
    """A home, and the keys that were made for it.

    Parameters
    ----------
    server_key
        For SDKs on servers: kept secret, believed.
    write_key
        For pages of this machine: public.
    """

    home: Path
    server_key: str
    write_key: str


def make_shop(home: Path) -> Shop:
    """Make a home as its owner does: by commands."""
    _customering("init", str(home))
    server_key = _key(home, "server", "--source", "backend")
    origins = ("--origin", "http://localhost:*")
    return Shop(home, server_key, _key(home, "write", "--source", "web", *origins))


def _key(home: Path, kind: str, *options: str) -> str:
    made = _customering("keys", "create", kind, "--home", str(home), "--json", *options)
    text = json.loads(made)["text"]
    assert isinstance(text, str)
    return text


def _customering(*arguments: str) -> str:
    done = CliRunner().invoke(every_command(), arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


class Served:
    """The live server on a home, in a process of its own, which may be killed and started again.

    Parameters
    ----------
    overrides
        Settings that differ, such as ``serve.limits.events_per_key=100``.
    """

    def __init__(self, home: Path, *overrides: str) -> None:
        self.home = home
        self.port = 0
        self._options = [part for override in overrides for part in ("--set", override)]
        self._process: subprocess.Popen[bytes] | None = None
        self._said = Path(tempfile.mkstemp(prefix="serve-", suffix=".log", dir=home)[1])

    @property
    def address(self) -> str:
        """Where it listens; the same after every start."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it tells its address."""
        place = ["--home", str(self.home), "--port", str(self.port)]
        command = [*COMMAND, "serve", *place, *self._options]
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=said)
        self.port = int(self._told().rsplit(":", 1)[1])

    def _told(self) -> str:
        assert self._process is not None
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if found := _ADDRESS.search(self.said):
                return found[1]
            time.sleep(0.02)
        raise AssertionError(f"the server did not start: {self.said}")

    @property
    def said(self) -> str:
        """Everything it wrote to stderr since its start."""
        return self._said.read_text("utf-8", "replace")

    def kill(self) -> None:
        """End it without warning, as the kernel does when memory runs out."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        assert self._process.wait(_STOP_SECONDS) == -signal.SIGKILL

    def stop(self) -> None:
        """End it with care."""
        assert self._process is not None
        self._process.terminate()
        assert self._process.wait(_STOP_SECONDS) == 0, self.said
        assert '"trace":' not in self.said, self.said

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, failure: object, *_: object) -> None:
        if failure is None:
            self.stop()
        elif self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def log_of(home: Path, mark: str = "") -> list[Event]:
    """Read from the log every event of whose identifiers one contains a mark."""
    with Engine(find(home, environment={})) as engine:
        blocks = list(engine.reading_log.read())
    events = [event for block in blocks for event in block.events()]
    return [event for event in events if any(mark in name for name in event.identifiers)]


def verify_log(home: Path) -> int:
    """Check every block of the log against its checksum, and tell how many events there are."""
    with Engine(find(home, environment={})) as engine:
        return engine.reading_log.verify().events


def refused_by(home: Path) -> list[str]:
    """Tell why payloads of this home were set aside."""
    with Engine(find(home, environment={})) as engine:
        return [held.quarantined.reason for held in engine.quarantine.newest(limit=1_000)]
