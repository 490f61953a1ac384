"""Signing in to the person's page: links, codes, sessions, and how fresh a sign-in is.

A link carries 256 random bits in its fragment; only its SHA-256 is kept. It holds some minutes,
works once, and signs in the browser that asked for it: opened elsewhere it shows a code, to be
typed in the first window. A session is a cookie of 256 random bits, of which SHA-256 is kept too.

References
----------
OWASP ASVS 5.0: 6.5.1 to 6.5.5 and 6.6.2 (links and codes), 7.2 to 7.5 (sessions).
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Collection
from hashlib import sha256
from typing import NamedTuple

from customering.app.portal_settings import PortalSettings
from customering.kernel.clock import MS_PER_DAY, MS_PER_HOUR
from customering.kernel.ids import Identifier, stable_id
from customering.stores.portal_sessions import PortalSessions
from customering.stores.portal_sessions import Session as Session
from customering.stores.portal_sessions import SignIn as SignIn

_MS_PER_MINUTE = 60_000
_CODE_DIGITS = 8
_CODE_ATTEMPTS_MAX = 5
_TOKEN_BYTES = 32
_SEEN_EVERY_MS = _MS_PER_MINUTE


class Begun(NamedTuple):
    """A sign-in that was begun.

    Parameters
    ----------
    token
        What the link carries.
    code
        What may be typed instead, in the browser that asked; empty where none asked.
    """

    token: str
    code: str


class Entered(NamedTuple):
    """What came of a link or a code.

    Parameters
    ----------
    outcome
        ``in`` when the person is signed in; ``elsewhere`` when another browser asked for the link,
        which has to be told the code; ``ended`` when it does not hold (any more).
    token
        Of the new session; empty unless signed in.
    code
        To be typed in the other browser; empty unless ``elsewhere``.
    session
        The new session.
    is_new_device
        Whether this browser was not known for this person before, and others were.
    """

    outcome: str
    token: str = ""
    code: str = ""
    session: Session | None = None
    is_new_device: bool = False


_ENDED = Entered("ended")


class Sessions:
    """Sign-ins and sessions of one home; any thread may use it.

    Parameters
    ----------
    url
        The control database.
    settings
        How long things hold.
    clock
        Gives the real present, milliseconds since 1970.
    chance
        Gives that many bytes nobody can guess.
    """

    def __init__(
        self,
        url: str,
        settings: PortalSettings,
        clock: Callable[[], int],
        *,
        chance: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._store = PortalSessions(url)
        self._settings = settings
        self._clock = clock
        self._chance = chance

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    def secret(self, name: str) -> bytes:
        """Give a secret of this home by its name, 32 bytes."""
        return self._store.secret(name, self._chance)

    def new_token(self) -> str:
        """Make a token that nobody can guess."""
        return urlsafe_b64encode(self._chance(_TOKEN_BYTES)).rstrip(b"=").decode()

    # Signing in

    def begin(
        self,
        person: Identifier,
        how: str,
        *,
        device: str = "",
        minutes: int | None = None,
    ) -> Begun:
        """Begin a sign-in.

        Parameters
        ----------
        person
            Whom it lets in.
        how
            ``email`` for a letter, ``care`` for a link that somebody who works here hands over.
        device
            The cookie of the browser that asks; empty when any browser may use the link.
        minutes
            How long it holds; otherwise as the settings say.
        """
        now_ms = self._clock()
        token = self.new_token()
        code = code_of(token) if device else ""
        self._store.add_sign_in(
            SignIn(
                digest=digest_of(token),
                person=person,
                how=how,
                device=digest_of(device) if device else None,
                code=_keyed(device, code) if device else None,
                code_attempts=0,
                begun_at=now_ms,
                ends_at=now_ms + (minutes or self._settings.sign_in_minutes) * _MS_PER_MINUTE,
            ),
            forget_before=now_ms - MS_PER_DAY,
        )
        return Begun(token, code)

    def enter(self, token: str, *, device: str, label: str, before: str = "") -> Entered:
        """Use a link: sign in, or learn the code for the browser that asked.

        Parameters
        ----------
        token
            What the link carried.
        device
            The cookie of this browser.
        label
            This browser in words.
        before
            The session this browser has so far, which ends.
        """
        found = self._store.sign_in(digest_of(token))
        now_ms = self._clock()
        if found is None or found.used_at is not None or found.ends_at <= now_ms:
            return _ENDED
        if found.device is not None and not hmac.compare_digest(found.device, digest_of(device)):
            return Entered("elsewhere", code=code_of(token))
        return self._use(found, device, label, before)

    def enter_code(self, code: str, *, device: str, label: str, before: str = "") -> Entered:
        """Use the code of a link that this very browser asked for."""
        plain = "".join(character for character in code if character.isdigit())
        keyed = _keyed(device, plain)
        held = self._store.sign_ins_of_device(digest_of(device), self._clock())
        for found in held:
            if found.code is not None and hmac.compare_digest(found.code, keyed):
                return self._use(found, device, label, before)
        if held:
            self._store.count_wrong_code(digest_of(device), _CODE_ATTEMPTS_MAX)
        return _ENDED

    def enter_by_shop(
        self, token: str, person: Identifier, *, device: str, label: str, fresh_at: int
    ) -> Entered:
        """Sign in somebody for whom the shop's own server vouches, once for each of its tokens.

        Parameters
        ----------
        token
            The signed token, already checked.
        fresh_at
            When the person last proved to the shop who they are; 0 when it does not say.
        """
        now_ms = self._clock()
        is_new = self._store.add_sign_in(
            SignIn(digest_of(token), person, "shop", None, None, 0, now_ms, now_ms, now_ms),
            forget_before=now_ms - MS_PER_DAY,
        )
        if not is_new:
            return _ENDED
        return self._begin_session(person, "shop", device, label, min(fresh_at, now_ms))

    def enter_by_passkey(
        self, person: Identifier, *, device: str, label: str, before: str = ""
    ) -> Entered:
        """Sign in somebody whose passkey was checked; the session before, if any, ends."""
        if before:
            self._store.end_session(digest_of(before))
        return self._begin_session(person, "passkey", device, label, self._clock())

    def _use(self, found: SignIn, device: str, label: str, before: str) -> Entered:
        now_ms = self._clock()
        if not self._store.use_sign_in(found.digest, now_ms):
            return _ENDED
        if before:
            self._store.end_session(digest_of(before))
        return self._begin_session(found.person, found.how, device, label, now_ms)

    def _begin_session(
        self, person: Identifier, how: str, device: str, label: str, fresh_at: int
    ) -> Entered:
        now_ms = self._clock()
        token = self.new_token()
        session = Session(
            digest=digest_of(token),
            session_id=stable_id("ses", self._chance(16).hex()),
            person=person,
            device=digest_of(device),
            how=how,
            label=label[:60],
            begun_at=now_ms,
            seen_at=now_ms,
            fresh_at=fresh_at,
        )
        idle_ms, most_ms = self._spans()
        self._store.end_older(seen_before=now_ms - idle_ms, begun_before=now_ms - most_ms)
        is_new = self._store.add_session(session)
        return Entered("in", token=token, session=session, is_new_device=is_new)

    # Being signed in

    def find(self, token: str, device: str) -> Session | None:
        """Give the session of a cookie; None when it ended, or came from another browser."""
        session = self._store.session(digest_of(token)) if token else None
        if session is None or not hmac.compare_digest(session.device, digest_of(device)):
            return None
        now_ms = self._clock()
        idle_ms, most_ms = self._spans()
        if now_ms - session.seen_at >= idle_ms or now_ms - session.begun_at >= most_ms:
            self._store.end_session(session.digest)
            return None
        if now_ms - session.seen_at >= _SEEN_EVERY_MS:
            self._store.note_seen(session.digest, now_ms)
        return session

    def is_fresh(self, session: Session) -> bool:
        """Tell whether the person proved who they are some minutes ago, no longer."""
        return self._clock() - session.fresh_at <= self._settings.fresh_minutes * _MS_PER_MINUTE

    def end(self, token: str) -> None:
        """End the session of a cookie."""
        self._store.end_session(digest_of(token))

    def end_all(self, names: Collection[Identifier]) -> int:
        """End every session of a person, and give how many there were."""
        return self._store.end_sessions(names)

    def end_one(self, names: Collection[Identifier], session_id: str) -> bool:
        """End one session of a person; False when they have none of this id."""
        return self._store.end_sessions(names, session_id=session_id) == 1

    def of(self, names: Collection[Identifier]) -> list[Session]:
        """Give the sessions of a person that hold, the one used last first."""
        now_ms = self._clock()
        idle_ms, most_ms = self._spans()
        return [
            one
            for one in self._store.sessions_of(names)
            if now_ms - one.seen_at < idle_ms and now_ms - one.begun_at < most_ms
        ]

    def forget(self, names: Collection[Identifier]) -> int:
        """Remove every trace of a person here, and give how many rows that were."""
        return self._store.forget(names)

    def _spans(self) -> tuple[int, int]:
        settings = self._settings
        return settings.idle_minutes * _MS_PER_MINUTE, settings.session_hours * MS_PER_HOUR


def digest_of(token: str) -> bytes:
    """Give what is kept of a token: with 256 random bits a plain hash cannot be turned back."""
    return sha256(token.encode()).digest()


def code_of(token: str) -> str:
    """Give the digits that stand for a link, which follow from it and do not lead back to it."""
    number = int.from_bytes(hmac.digest(token.encode(), b"code", "sha256")[:16], "big")
    return f"{number % 10**_CODE_DIGITS:0{_CODE_DIGITS}d}"


def _keyed(device: str, code: str) -> bytes:
    """Give what is kept of a code: keyed by what only the browser has, or it could be tried out."""
    return hmac.digest(device.encode(), code.encode(), "sha256")
