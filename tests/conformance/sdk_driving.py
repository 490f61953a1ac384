"""The SDKs under test, each run in a process of its own on a script of calls."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sdk_installing import HERE, node, node_sdks, python_sdk

Call = dict[str, Any]
_PATIENCE_SECONDS = 120


class Told(NamedTuple):
    """What an SDK says of one call.

    Parameters
    ----------
    call
        The call.
    message_id
        The id it gave the message; None when the SDK does not say.
    at_ms
        When the call was made by the true clock, milliseconds since 1970.
    error
        Why it was given up; None when the SDK takes it for delivered.
    """

    call: Call
    message_id: str | None
    at_ms: int
    error: str | None


class Sdk(NamedTuple):
    """One SDK, installed.

    Parameters
    ----------
    name
        As in the parameters of the tests.
    command
        What drives it.
    environment
        Where its packages are.
    options
        Settings of the SDK that make it send soon; all others are its defaults.
    """

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    options: dict[str, Any]

    def begin(
        self,
        calls: Sequence[Call],
        *,
        host: str,
        key: str,
        pause_seconds: float = 0.0,
        clock_ahead_seconds: int = 0,
        **options: Any,
    ) -> "Running":
        """Start making calls.

        Parameters
        ----------
        pause_seconds
            Between two calls.
        clock_ahead_seconds
            How wrong the clock of the process is.
        options
            Further settings of the SDK.
        """
        script = {
            "sdk": "rudder" if "rudder" in self.name else "segment",
            "host": host,
            "key": key,
            "calls": calls,
            "options": self.options | options,
            "pause_seconds": pause_seconds,
            "clock_ahead_seconds": clock_ahead_seconds,
        }
        process = subprocess.Popen(
            self.command,
            env=os.environ | self.environment | {"NO_PROXY": "*", "no_proxy": "*"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        return Running(process, json.dumps(script), calls)

    def run(self, calls: Sequence[Call], **given: Any) -> list[Told]:
        """Make calls, flush, and tell what became of each."""
        return self.begin(calls, **given).end()


class Running:
    """An SDK that is making its calls."""

    def __init__(
        self, process: "subprocess.Popen[str]", script: str, calls: Sequence[Call]
    ) -> None:
        assert process.stdin is not None
        self._process = process
        self._calls = calls
        process.stdin.write(script)
        process.stdin.close()
        process.stdin = None

    def end(self) -> list[Told]:
        """Wait until everything is flushed, and tell what became of each call."""
        try:
            said, errors = self._process.communicate(timeout=_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired as error:
            self._process.kill()
            _, errors = self._process.communicate()
            raise AssertionError(f"the SDK did not come to an end: {errors[-2_000:]}") from error
        assert self._process.returncode == 0, errors[-2_000:]
        told = json.loads(said)["told"]
        assert len(told) == len(self._calls)
        return [Told(call, **one) for call, one in zip(self._calls, told, strict=True)]


def _python(name: str, folder: str, **options: Any) -> Sdk:
    command = (sys.executable, str(HERE / "python" / "drive.py"))
    return Sdk(name, command, {"PYTHONPATH": str(python_sdk(folder))}, options)


def _node(name: str, driver: str, **options: Any) -> Sdk:
    command = (node(), str(HERE / "node" / driver))
    return Sdk(name, command, {"NODE_PATH": str(node_sdks())}, options)


SDKS: dict[str, Callable[[], Sdk]] = {
    "segment-python-2.3.4": lambda: _python("segment-python-2.3.4", "segment-2.3.4", gzip=True),
    "segment-python": lambda: _python("segment-python", "segment-newest", gzip=True),
    "rudder-python": lambda: _python("rudder-python", "rudder"),
    "segment-node": lambda: _node("segment-node", "drive_segment.cjs", flushInterval=200),
    "rudder-node": lambda: _node("rudder-node", "drive_rudder.cjs", flushInterval=200),
}


def installed(name: str) -> Sdk:
    """Give an SDK, which is installed when it is not yet.

    Raises
    ------
    NotInstalled
        When it cannot be.
    """
    return SDKS[name]()
