"""People's own browsers, driven from a test: real clicks on the person's page."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Self

from sdk_installing import HERE, browser, node, node_sdks

from customering.kernel.records import to_json

_PATIENCE_SECONDS = 60


class Browsers:
    """Some browsers, each with cookies of its own; no script of the page is waited for.

    Attributes
    ----------
    hosts, errors
        Whom they spoke with, and what went wrong in pages; known once they are closed.
    """

    def __init__(self) -> None:
        self.hosts: list[str] = []
        self.errors: list[str] = []

    def window(self, name: str, **how: Any) -> "Window":
        """Open a browser."""
        self.do("open", name, **how)
        return Window(self, name)

    def do(self, what: str, window: str, **given: Any) -> Any:
        """Let one browser do something, and give what came of it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(to_json({"do": what, "in": window, **given}).decode() + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            _, errors = self._process.communicate(timeout=_PATIENCE_SECONDS)
            raise AssertionError(f"the browser ended: {errors[-3_000:]}")
        answer = json.loads(line)
        assert "error" not in answer, f"{what} {given}: {answer['error']}"
        return answer["ok"]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [node(), str(HERE / "node" / "portal_browser.cjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "NODE_PATH": str(node_sdks())},
        )
        assert self._process.stdin is not None
        self._process.stdin.write(to_json({"chromium": browser()}).decode() + "\n")
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._process.poll() is None:
                ended = self.do("end", "")
                self.hosts, self.errors = ended["hosts"], ended["errors"]
                self._process.communicate(timeout=_PATIENCE_SECONDS)
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.communicate()


class Window:
    """One browser."""

    def __init__(self, browsers: Browsers, name: str) -> None:
        self._browsers = browsers
        self._name = name

    def do(self, what: str, **given: Any) -> Any:
        """Do anything that ``portal_browser.cjs`` can, and give what came of it."""
        return self._browsers.do(what, self._name, **given)

    def go(self, url: str) -> int | None:
        """Open a page, and give its status."""
        status = self.do("goto", url=url)
        assert status is None or isinstance(status, int)
        return status

    def click(self, name: str, role: str = "button", **how: Any) -> None:
        """Press what is named so."""
        self.do("press", role=role, name=name, **how)

    def press(self, selector: str) -> None:
        """Press what is found so."""
        self.do("press", selector=selector)

    def write(self, label: str, value: str) -> None:
        """Write into a field."""
        self.do("fill", label=label, value=value)

    def read(self, selector: str = "main") -> str:
        """Give what is to be read."""
        found = self.do("text", selector=selector)
        assert isinstance(found, str)
        return found

    def url(self) -> str:
        """Give the address of the page that is open."""
        found = self.do("url")
        assert isinstance(found, str)
        return found

    def snap(self, path: Path, **how: Any) -> None:
        """Take a picture of the page, as PNG or WebP."""
        self.do("look", path=str(path), **how)
