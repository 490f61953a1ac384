"""Drives the person's page of a running shop as a browser would, in one event loop."""

import asyncio
import email
import email.policy
import re
from collections.abc import Awaitable, Callable
from html import unescape
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from customering.app.engine import Engine
from customering.app.key_model import SUBJECT_SCOPES
from customering.app.rights_desk import desk_of
from customering.portal.application import portal
from shop_doors import Answer, Doors, scope_of

HOST = "localhost:8000"
ORIGIN = f"http://{HOST}"
_CSRF = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


class PortalDoors(Doors):
    """A running shop with the person's page, and its letters."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        super().__init__(engine, folder)
        scopes = SUBJECT_SCOPES | {"portal"}
        self.handing = self.keys.create_subject(name="log-in", scopes=scopes)[1]
        self._portal: Any = None

    @property
    def portal(self) -> Any:
        """The portal, made once the home runs."""
        if self._portal is None:
            self._portal = portal(self.entrance, desk_of(self.live))
            self._portal.state["sign_ins"].pause_ms_most = 0
        return self._portal

    @property
    def desk(self) -> Any:
        return self.portal.state["desk"]

    def letters(self, to: str = "") -> list[Any]:
        """Give the letters in the outbox, the oldest first."""
        found = []
        folder = self.engine.home.folder / "outbox"
        # The clock of tests stands still, so names do not tell which came first.
        for place in sorted(folder.glob("*.eml"), key=lambda one: one.stat().st_mtime_ns):
            letter = email.message_from_bytes(place.read_bytes(), policy=email.policy.default)
            if to in str(letter["To"]):
                found.append(letter)
        return found

    async def settle(self) -> None:
        await self.portal.state["sign_ins"].settle()

    async def asked(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        messages: list[Any] = []
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            return waiting.pop() if waiting else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            messages.append(message)

        await self.portal(scope_of(method, path, headers), receive, send)
        start = messages[0]
        told: dict[str, str] = {}
        for key, value in start["headers"]:
            name = key.decode().lower()
            told[name] = f"{told[name]}\n{value.decode()}" if name in told else value.decode()
        return Answer(start["status"], told, b"".join(m.get("body", b"") for m in messages[1:]))


class Browser:
    """One browser with its cookies."""

    def __init__(self, doors: PortalDoors, **headers: str) -> None:
        self.doors = doors
        self.cookies: dict[str, str] = {}
        self.headers = {"host": HOST, "user-agent": "Mozilla Firefox/140 Linux", **headers}
        self.page = ""

    async def get(self, path: str, **headers: str) -> Answer:
        """Open a page; its forms are remembered."""
        answer = await self._ask("GET", path, b"", headers)
        if answer.headers.get("content-type", "").startswith("text/html"):
            self.page = answer.body.decode()
        return answer

    async def json(self, path: str) -> Any:
        answer = await self._ask("GET", path, b"", {"accept": "application/json"})
        assert answer.status == 200, answer
        return answer.json

    async def post(
        self, path: str, *, follow: bool = True, csrf: str | None = None, **fields: Any
    ) -> Answer:
        """Send a form of the page that is open; two underscores stand for a dot."""
        named = {name.replace("__", "."): value for name, value in fields.items()}
        return await self.send(path, named, follow=follow, csrf=csrf)

    async def send(
        self, path: str, fields: dict[str, Any], *, follow: bool = True, csrf: str | None = None
    ) -> Answer:
        token = self.csrf if csrf is None else csrf
        body = urlencode({"csrf": token, **fields}, doseq=True).encode()
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "origin": ORIGIN,
            "sec-fetch-site": "same-origin",
        }
        answer = await self._ask("POST", path, body, headers)
        if follow and answer.status == 303:
            return await self.get(answer.headers["location"])
        if answer.headers.get("content-type", "").startswith("text/html") and answer.body:
            self.page = answer.body.decode()
        return answer

    @property
    def csrf(self) -> str:
        found = _CSRF.search(self.page)
        return found[1] if found else ""

    @property
    def text(self) -> str:
        """What is to be read on the page."""
        body = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", self.page, flags=re.DOTALL)
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())

    async def sign_in(self, address: str) -> Self:
        """Sign in by the letter that comes."""
        await self.get("/me/sign-in")
        await self.post("/me/sign-in", email=address)
        await self.doors.settle()
        links = [one for one in self.doors.letters(address) if "/me/enter#" in one.get_content()]
        token = token_of(links[-1])
        await self.get("/me/enter")
        answer = await self.post("/me/enter", token=token)
        assert answer.status == 200, self.text
        return self

    async def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        sent = {**self.headers, **headers}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = await self.doors.asked(method, path, body, sent)
        for line in answer.headers.get("set-cookie", "").splitlines():
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return answer


def without_chance(text: str) -> str:
    """Give a text in small letters without what is drawn by chance, which may spell anything."""
    return re.sub(r"[\w-]{22,}|\b[a-z]{2,4}_[a-z2-7]{16}\b", "", text.lower())


def token_of(letter: Any) -> str:
    found = re.search(r"/me/enter#(\S+)", letter.get_content())
    assert found, "no link in the letter"
    return found[1]


def code_in(letter: Any) -> str:
    found = re.search(r"\b(\d{4} \d{4})\b", letter.get_content())
    assert found, "no code in the letter"
    return found[1]


async def receipts_of(browser: Browser) -> Any:
    """Give the receipts once there are any: they are written moments after the answer."""
    for _ in range(100):
        receipts = (await browser.json("/me/receipts.json"))["receipts"]
        if receipts:
            return receipts
        await asyncio.sleep(0.02)
    raise AssertionError("no receipt came")


Story = Callable[[PortalDoors], Awaitable[Any]]


def with_portal(engine: Engine, folder: Path, story: Story) -> Any:
    """Let a story happen in a running shop."""

    async def run() -> Any:
        doors = PortalDoors(engine, folder)
        await doors.live.start()
        try:
            return await story(doors)
        finally:
            await doors.settle()
            await doors.live.stop()
            doors.keys.close()
            doors.desk.sessions.close()
            doors.desk.passkeys.close()
            doors.desk.transfers.close()

    return asyncio.run(run())
