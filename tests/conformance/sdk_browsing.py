"""A real browser on a page with Segment's own snippet, driven from a test."""

import json
import os
import subprocess
from typing import Any, NamedTuple, Self

from sdk_installing import HERE, browser, node, node_sdks

from customering.kernel.records import to_json

WebCall = list[Any]
_PATIENCE_SECONDS = 60


class Said(NamedTuple):
    """One call that a page made.

    Parameters
    ----------
    message_id
        Under which the SDK sent it.
    at_ms
        When it was made. Milliseconds since 1970.
    user_id
        Who the visitor was for the SDK once it was made; None for nobody.
    """

    message_id: str
    at_ms: int
    user_id: str | None


class Browser:
    """A visitor of a shop whose page loads the SDK from the server under test.

    Parameters
    ----------
    server
        Host and port of the server, as the page knows it.
    key
        The write key in the page.
    delivery
        The ``deliveryStrategy`` in the options of ``analytics.load``.
    """

    def __init__(self, server: str, key: str, delivery: dict[str, Any] | None = None) -> None:
        own = {} if delivery is None else {"deliveryStrategy": delivery}
        load = {"integrations": {"Segment.io": own}} if own else {}
        self._settings = {
            "chromium": browser(),
            "server": server.removeprefix("http://"),
            "key": key,
            "load": load,
        }
        self.asked: list[str] = []
        """Hosts that the page spoke with, beside its own; known once it is closed."""

    def visit(self, *at_once: WebCall, host: str = "localhost") -> str:
        """Open the page, which makes calls before the SDK is there; give the visitor's id."""
        anonymous_id = self._do("visit", host=host, at_once=at_once)["anonymous_id"]
        assert isinstance(anonymous_id, str)
        return anonymous_id

    def say(self, *calls: WebCall) -> list[Said]:
        """Let the page make calls, one after the other."""
        return [Said(**one) for one in self._do("say", calls=calls)["told"]]

    def leave(self) -> None:
        """Go to another page, which has no SDK."""
        self._do("leave")

    def _do(self, what: str, **given: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(to_json({"do": what, **given}).decode() + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            _, errors = self._process.communicate(timeout=_PATIENCE_SECONDS)
            raise AssertionError(f"the browser ended: {errors[-3_000:]}")
        answered = json.loads(answer)
        assert isinstance(answered, dict)
        return answered

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [node(), str(HERE / "node" / "browser.cjs")],
            env=os.environ | {"NODE_PATH": str(node_sdks())},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(self._settings) + "\n")
        return self

    def __exit__(self, failure: object, *_: object) -> None:
        try:
            if failure is None:
                ended = self._do("end")
                assert ended["errors"] == []
                self.asked = ended["asked"]
        finally:
            # Without more lines to read the driver ends, and takes the browser with it.
            self._process.communicate(timeout=_PATIENCE_SECONDS)
