"""A real server process for tests: started on a home, told to stop, or killed."""

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from customering.app.engine import real_clock
from customering.app.home import find, init
from customering.app.keys import KeyRing

ADDRESS = re.compile(r"at (http://\S+)")
COMMAND = [str(Path(sys.executable).with_name("customering"))]


class Answer(NamedTuple):
    """What the server answered."""

    status: int
    body: Any


class Server(NamedTuple):
    """A running server."""

    url: str
    process: subprocess.Popen[str]

    def post(self, path: str, value: Any, seconds: float = 10.0) -> Answer:
        """Send JSON; an answer of any status is an answer, no answer is an `OSError`."""
        request = urllib.request.Request(self.url + path, data=json.dumps(value).encode())
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                return Answer(answer.status, json.load(answer))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, json.load(error))


def make_home(folder: Path, settings: str = "") -> str:
    """Make a home, and give a key of a server that sends events to it."""
    init(folder)
    (folder / "customering.toml").write_text(settings)
    with KeyRing(find(folder, environment={}).control_url, real_clock) as keys:
        return keys.create_server(name="till", source="till")[1]


def start(home: Path, *options: str) -> Server:
    """Start a server on any free port, and wait until it answers."""
    process = subprocess.Popen(
        [*COMMAND, "serve", "--home", str(home), "--port", "0", *options],
        stderr=subprocess.PIPE,
        text=True,
    )
    told = []
    assert process.stderr is not None
    for line in process.stderr:
        told.append(line)
        if found := ADDRESS.search(line):
            return Server(found[1], process)
    process.wait()
    raise RuntimeError(f"the server did not start: {''.join(told)}")


def stop(server: Server) -> tuple[int, str]:
    """Tell a server to stop, and give its exit code and what it said since it started."""
    server.process.send_signal(signal.SIGTERM)
    _, said = server.process.communicate(timeout=60)
    return server.process.returncode, said


def kill(server: Server) -> None:
    """End a server without warning."""
    server.process.kill()
    server.process.communicate()


@contextmanager
def running(home: Path, *options: str) -> Iterator[Server]:
    """Run a server for a while; whatever happens, it is not left behind."""
    server = start(home, *options)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            kill(server)


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )
