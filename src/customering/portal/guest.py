"""Who sits before a browser: its cookies, its language, and the person who is signed in there."""

import hmac
from typing import NamedTuple

from litestar.datastructures import Cookie

from customering.app.people import Person
from customering.app.sessions import Session
from customering.kernel.ids import Identifier, kind_of, value_of
from customering.portal.words import Words
from customering.web.public_address import PublicAddress

_DEVICE_SECONDS = 31_536_000
_LANGUAGE_SECONDS = 31_536_000


class NotSignedIn(Exception):
    """Nobody is signed in in this browser, or not any more."""


class NotFresh(Exception):
    """The person has to prove once more who they are."""


class Forged(Exception):
    """A form that did not come from one of our pages in this browser."""


class Guest(NamedTuple):
    """A browser, whoever sits before it.

    Parameters
    ----------
    words
        Its language.
    device
        Its cookie; a new one where it had none.
    is_new
        Whether that is a new one.
    token
        The cookie of its session; empty for none.
    public
        How it reaches us.
    is_program
        Whether it wants JSON.
    is_granted
        Whether it is a program that the person let act for them.
    """

    words: Words
    device: str
    is_new: bool
    token: str
    public: PublicAddress
    is_program: bool
    is_granted: bool = False

    @property
    def is_secure(self) -> bool:
        """Whether it came by https."""
        return self.public.protocol == "https"

    @property
    def csrf(self) -> str:
        """What forms carry: it follows from cookies that no other site can read."""
        key = f"{self.device} {self.token}".encode()
        return hmac.digest(key, b"form of ours", "sha256").hex()


class Visit(NamedTuple):
    """A person on their page.

    Parameters
    ----------
    guest
        Their browser.
    session
        Their session.
    person
        Who it is, with everything that was acknowledged.
    """

    guest: Guest
    session: Session
    person: Person

    @property
    def names(self) -> tuple[Identifier, ...]:
        """Everything that names them."""
        return self.person.identifiers

    @property
    def words(self) -> Words:
        """Their language."""
        return self.guest.words


class CookieNames(NamedTuple):
    """Names of our cookies."""

    session: str
    device: str
    language: str


def cookie_names(*, is_secure: bool) -> CookieNames:
    """Give the names; over https browsers hold those with the prefix to this very host."""
    prefix = "__Host-" if is_secure else ""
    return CookieNames(f"{prefix}me_session", f"{prefix}me_device", f"{prefix}me_language")


def device_cookie(guest: Guest) -> Cookie:
    """Give the cookie that tells this browser from others."""
    names = cookie_names(is_secure=guest.is_secure)
    return _cookie(names.device, guest.device, guest, seconds=_DEVICE_SECONDS)


def session_cookie(guest: Guest, token: str) -> Cookie:
    """Give the cookie of a session, which ends with the browser at the latest."""
    return _cookie(cookie_names(is_secure=guest.is_secure).session, token, guest, seconds=None)


def no_session_cookie(guest: Guest) -> Cookie:
    """Give the cookie that ends a session in the browser."""
    return _cookie(cookie_names(is_secure=guest.is_secure).session, "", guest, seconds=0)


def language_cookie(guest: Guest, language: str) -> Cookie:
    """Give the cookie that keeps a language."""
    name = cookie_names(is_secure=guest.is_secure).language
    return _cookie(name, language, guest, seconds=_LANGUAGE_SECONDS)


def _cookie(name: str, value: str, guest: Guest, *, seconds: int | None) -> Cookie:
    return Cookie(
        key=name,
        value=value,
        path="/",
        max_age=seconds,
        secure=guest.is_secure,
        httponly=True,
        samesite="lax",
    )


def check_origin(headers: dict[bytes, bytes], public: PublicAddress) -> None:
    """Refuse what a browser says comes from elsewhere.

    Raises
    ------
    Forged
        When it does.
    """
    site = headers.get(b"sec-fetch-site")
    origin = headers.get(b"origin")
    if site is not None and site not in (b"same-origin", b"none"):
        raise Forged
    if origin is not None and origin.decode("latin-1") != public.origin:
        raise Forged


def name_of(person: Person) -> str:
    """Give what to call a person: what they told us, else what names them, half hidden."""
    said = person.values["declared"]
    for field in ("first_name", "firstName", "name"):
        found = said.get(field)
        if isinstance(found, str) and found.strip():
            return found.strip()[:40]
    return hidden_half(person.identifiers[0])


def hidden_half(name: Identifier) -> str:
    """Give an identifier so that its owner knows it and who looks over a shoulder does not.

    Examples
    --------
    >>> hidden_half(Identifier("email:ada@example.org"))
    'a••@example.org'
    """
    value = value_of(name)
    if kind_of(name) == "email":
        local, _, domain = value.partition("@")
        return f"{local[:1]}••@{domain}"
    return value if len(value) <= 4 else f"{value[:2]}••{value[-2:]}"
