"""Letters: built whole, sent by a server or laid into a folder, and nothing slips into a header."""

import asyncio
import email
import email.policy
import logging
from pathlib import Path
from typing import Any

import pytest

from customering.app.mailing import Mailer
from customering.channels.model import Letter, MailSettings
from customering.channels.writing import message_of
from customering.kernel.errors import Invalid, Unavailable

NOW = 1_800_000_000_000
LETTER = Letter(to="ada@example.org", subject="Grüße", text="Hallo\nAda", html="<p>Hallo</p>")


def written(letter: Letter, name: str = "Corner & Sons") -> Any:
    return message_of(letter, sender="us@shop.example", sender_name=name, now_ms=NOW)


def test_a_letter_is_read_as_it_was_meant() -> None:
    read = email.message_from_bytes(written(LETTER).as_bytes(), policy=email.policy.default)
    assert (read["To"], read["Subject"]) == ("ada@example.org", "Grüße")
    assert read["From"] == "Corner & Sons <us@shop.example>"
    assert read["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in read.iter_parts()] == ["text/plain", "text/html"]
    assert read.get_body(("plain",)).get_content().splitlines() == ["Hallo", "Ada"]


@pytest.mark.parametrize(
    "letter",
    [
        Letter(to="ada@example.org\r\nBcc: eve@evil.example", subject="x", text=""),
        Letter(to="ada@example.org, eve@evil.example", subject="x", text=""),
        Letter(to="Ada <ada@example.org>", subject="x", text=""),
        Letter(to="", subject="x", text=""),
        Letter(to="ada@example.org", subject="x\r\nBcc: eve@evil.example", text=""),
        Letter(to="ada@example.org", subject="x\ny", text=""),
        Letter(to="ada@example.org", subject="x" * 1_000, text=""),
        Letter(to="ada@example.org", subject="x", text="", headers={"X-A": "1\r\nBcc: e@e.e"}),
        Letter(to="ada@example.org", subject="x", text="", headers={"X-A\r\nBcc": "e@e.e"}),
        Letter(to="ada@example.org", subject="x", text="", headers={"Bcc": "eve@evil.example"}),
    ],
)
def test_nothing_slips_into_a_header(letter: Letter) -> None:
    with pytest.raises(Invalid) as refused:
        written(letter)
    assert "evil" not in str(refused.value)


def test_the_name_of_the_shop_cannot_end_its_header() -> None:
    with pytest.raises(Invalid):
        written(LETTER, "Shop\r\nBcc: eve@evil.example")


def test_without_a_server_letters_lie_in_the_outbox(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mailer = Mailer(MailSettings(), tmp_path, lambda: NOW, sender_name="Shop")

    async def send() -> None:
        await mailer.send(LETTER)
        await mailer.send(Letter(to="bob@example.org", subject="x", text="y"))

    with caplog.at_level(logging.WARNING):
        asyncio.run(send())
    assert len(caplog.messages) == 1  # said once
    assert "ada@example.org" not in caplog.text
    places = sorted((tmp_path / "outbox").glob("*.eml"))
    assert len(places) == 2
    assert {place.stat().st_mode & 0o777 for place in places} == {0o600}
    assert mailer.forget(["Ada@example.org"]) == 1
    (left,) = (tmp_path / "outbox").glob("*.eml")
    assert b"bob@example.org" in left.read_bytes()
    assert mailer.forget(["nobody@example.org"]) == 0


class Postbox:
    """A mail server that takes everything, or refuses."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.taken: list[bytes] = []
        self.refuses = refuses

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).strip().upper():
            if line.startswith(b"DATA"):
                writer.write(b"354 go on\r\n")
                self.taken.append(await reader.readuntil(b"\r\n.\r\n"))
                writer.write(b"250 taken\r\n")
            elif line.startswith(b"QUIT"):
                writer.write(b"221 bye\r\n")
                break
            elif self.refuses and line.startswith(b"RCPT"):
                writer.write(b"550 nobody here\r\n")
            else:
                writer.write(b"250 ok\r\n")
            await writer.drain()
        writer.close()


@pytest.mark.parametrize("refuses", [False, True])
def test_with_a_server_letters_go_there(tmp_path: Path, refuses: bool) -> None:
    postbox = Postbox(refuses=refuses)

    async def send() -> None:
        server = await asyncio.start_server(postbox.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        settings = MailSettings(host="127.0.0.1", port=port, security="none", timeout_seconds=5)
        async with server:
            await Mailer(settings, tmp_path, lambda: NOW, sender_name="Shop").send(LETTER)

    if refuses:
        with pytest.raises(Unavailable) as refused:
            asyncio.run(send())
        assert "ada" not in str(refused.value)
    else:
        asyncio.run(send())
        assert b"To: ada@example.org" in postbox.taken[0]
    assert not (tmp_path / "outbox").exists()


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    settings = MailSettings(host="127.0.0.1", port=9, security="none", timeout_seconds=1)
    with pytest.raises(Unavailable, match="mail server"):
        asyncio.run(Mailer(settings, tmp_path, lambda: NOW, sender_name="Shop").send(LETTER))
