"""Letters as messages of RFC 5322, built by the standard library; nothing slips into a header."""

import re
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from customering.channels.model import Letter
from customering.kernel.clock import MS_PER_SECOND
from customering.kernel.errors import Invalid

_ADDRESS = re.compile(r"[^@\s<>()\[\],;:\\\"]{1,64}@[^@\s<>()\[\],;:\\\"]{1,253}")
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,70}")
_LINE_LENGTH_MAX = 900  # RFC 5322, 2.1.1: 998 for a whole line


def message_of(letter: Letter, *, sender: str, sender_name: str, now_ms: int) -> EmailMessage:
    """Build the message of a letter.

    Parameters
    ----------
    sender, sender_name
        The address it comes from, and what stands beside it.
    now_ms
        The present, which the message is dated with. Milliseconds since 1970.

    Raises
    ------
    Invalid
        When an address or a header holds what could begin another header; its text is not repeated.

    Examples
    --------
    >>> letter = Letter(to="ada@example.org", subject="Hello", text="It is me.")
    >>> message_of(letter, sender="us@example.org", sender_name="Us", now_ms=0)["Subject"]
    'Hello'
    """
    message = EmailMessage(policy=SMTP)
    local, _, domain = _address(sender).partition("@")
    name = _plain("sender", sender_name)
    message["From"] = Address(display_name=name, username=local, domain=domain)
    message["To"] = _address(letter.to)
    message["Subject"] = _plain("subject", letter.subject)
    message["Date"] = format_datetime(datetime.fromtimestamp(now_ms / MS_PER_SECOND, UTC))
    # Letters of ours are answers of a machine: no out-of-office note is to come back.
    message["Auto-Submitted"] = "auto-generated"
    for name, value in letter.headers.items():
        if _HEADER_NAME.fullmatch(name) is None or name.lower() in _OURS:
            raise Invalid("a header of a letter cannot be named so", hint="use letters and hyphens")
        message[name] = _plain(name, value)
    message.set_content(letter.text)
    if letter.html:
        message.add_alternative(letter.html, subtype="html")
    return message


_OURS = frozenset({"from", "to", "cc", "bcc", "subject", "date", "sender", "reply-to"})


def _address(text: str) -> str:
    if _ADDRESS.fullmatch(text) is None or not text.isprintable():
        raise Invalid("this is no plain e-mail address", hint="write name@domain and nothing else")
    return text


def _plain(what: str, text: str) -> str:
    """Give a text that stays in its header.

    Raises
    ------
    Invalid
        When it holds a line break or another control character, or is too long for a line.
    """
    if len(text) > _LINE_LENGTH_MAX or any(
        ord(character) < 32 or character == "\x7f" for character in text
    ):
        raise Invalid(
            f"the {what} of a letter holds a line break or is too long",
            hint="give one line of text",
        )
    return text
