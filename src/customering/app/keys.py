"""The keys of one home: making them, ending them, and finding one by what a request carries.

Four kinds. A *write* key is public: it stands in web pages and apps, adds events, asks what to show
a visitor, and is bound to a source and to the pages that may use it. A *server* key adds events
too, is kept secret, and what it says about identity is believed. A *secret* key does what its
scopes say. A *subject* key is a pair: the shop's server signs tokens with the private half, each of
which lets a browser read what is decided for one person, for some minutes.
"""

import secrets
from collections.abc import Callable, Collection, Sequence
from hashlib import sha256
from typing import Any, Self

from msgspec.structs import replace

from customering.app.key_model import (
    SCOPES,
    SUBJECT_SCOPES,
    SUBJECT_SCOPES_ALL,
    Key,
    Vouched,
    end_after,
    known_scopes,
    label,
    normal_origins,
)
from customering.app.key_text import LENGTH_MAX, new_text
from customering.events.identifiers import normal_kind
from customering.identity.claims import BELIEVED
from customering.kernel.errors import Absent, Unavailable
from customering.kernel.ids import Identifier, stable_id
from customering.kernel.records import from_json, to_json
from customering.stores.control import Control, KeptKey

_LOOK_MS = 1_000  # a key revoked elsewhere ends here at most so much later
_WRITE_USES_MS = 60_000
_VOUCHED_MAX = 10_000  # good tokens remembered, some 5 MB


class KeyRing:
    """The keys of one home, in memory; a change made by another process is seen within a second.

    Parameters
    ----------
    url
        The control database, such as `Home.control_url`.
    clock
        Gives the real present, milliseconds since 1970. A clock that `clock.present` pretends would
        make an ended key hold.
    chance
        Gives that many bytes nobody can guess.
    run
        Runs an act that writes to disk, given when uses are due to be noted: at once by default; a
        server hands in the ``submit`` of a thread.

    Notes
    -----
    `find` and `subject_of` are for one thread, and are told the present by who has asked for it
    anyhow.

    Raises
    ------
    Unavailable
        When the database cannot be opened.
    """

    def __init__(
        self,
        url: str,
        clock: Callable[[], int],
        *,
        chance: Callable[[int], bytes] = secrets.token_bytes,
        run: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        self.control = Control(url)
        """Where keys are kept, and answers under their idempotency keys."""
        self._clock = clock
        self._chance = chance
        self._run = run or _at_once
        self._revision = -1
        self._looked_at = 0
        self._keys: dict[str, Key] = {}
        self._by_text: dict[str, Key] = {}
        self._by_digest: dict[bytes, Key] = {}
        self._public_keys: dict[str, Any] = {}
        self._vouched: dict[str, Vouched] = {}
        self._uses: dict[str, int] = {}
        self._uses_written_at: int | None = None
        self.reload()

    # Making and ending

    def create_write(
        self,
        *,
        name: str,
        source: str,
        origins: Collection[str] = (),
        believed: Collection[str] = BELIEVED,
        expires_at: int | None = None,
    ) -> tuple[Key, str]:
        """Make a public key for pages and apps, and give it with its text.

        Raises
        ------
        Invalid
            When a name, an origin or a type of identifier cannot be used.
        """
        now_ms = self._clock()
        key = Key(
            key_id=self._new_id(),
            kind="write",
            name=label("name", name),
            source=label("source", source),
            origins=normal_origins(origins),
            scopes=frozenset({"collect"}),
            believed=frozenset(normal_kind(kind) for kind in believed),
            created_at=now_ms,
            expires_at=end_after(expires_at, now_ms),
        )
        text = new_text("write", self._chance)
        return self._keep(replace(key, public=text), text)

    def create_server(
        self, *, name: str, source: str, expires_at: int | None = None
    ) -> tuple[Key, str]:
        """Make a key for a server that sends events, and give it with its text, shown only now.

        Raises
        ------
        Invalid
            When a name cannot be used.
        """
        now_ms = self._clock()
        key = Key(
            key_id=self._new_id(),
            kind="server",
            name=label("name", name),
            source=label("source", source),
            scopes=frozenset({"collect"}),
            created_at=now_ms,
            expires_at=end_after(expires_at, now_ms),
        )
        return self._keep(key, new_text("server", self._chance))

    def create_secret(
        self,
        *,
        name: str,
        scopes: Collection[str],
        source: str = "server",
        origins: Collection[str] = (),
        expires_at: int | None = None,
    ) -> tuple[Key, str]:
        """Make a key that does what its scopes say, and give it with its text, shown only now.

        Raises
        ------
        Invalid
            When a name, an origin or a scope cannot be used.
        """
        now_ms = self._clock()
        key = Key(
            key_id=self._new_id(),
            kind="secret",
            name=label("name", name),
            source=label("source", source),
            origins=normal_origins(origins),
            scopes=known_scopes(scopes, SCOPES),
            created_at=now_ms,
            expires_at=end_after(expires_at, now_ms),
        )
        return self._keep(key, new_text("secret", self._chance))

    def create_subject(
        self,
        *,
        name: str,
        origins: Collection[str] = (),
        scopes: Collection[str] = SUBJECT_SCOPES,
        source: str = "web",
        expires_at: int | None = None,
    ) -> tuple[Key, str]:
        """Make a pair for subject tokens, and give it with its private half, shown only now.

        Returns
        -------
        tuple of Key and str
            The private half is a JSON Web Key, as `mint` takes it.

        Raises
        ------
        Invalid
            When a name, an origin or a scope cannot be used.
        """
        # Here, as below: its libraries take long to import, and few homes have subject keys.
        from customering.app.subject_tokens import new_private_jwk, public_jwk

        key_id, now_ms = self._new_id(), self._clock()
        private = new_private_jwk(key_id, self._chance)
        key = Key(
            key_id=key_id,
            kind="subject",
            name=label("name", name),
            source=label("source", source),
            origins=normal_origins(origins),
            scopes=known_scopes(scopes, SUBJECT_SCOPES_ALL),
            believed=frozenset(),
            public=public_jwk(private),
            created_at=now_ms,
            expires_at=end_after(expires_at, now_ms),
        )
        return self._keep(key, private)

    def revoke(self, key_id: str) -> Key:
        """End a key for good; here at once, in other processes within a second.

        Raises
        ------
        Absent
            When there is no such key.
        """
        self.control.revoke(key_id, self._clock())
        self.reload()
        return self._keys[key_id]

    def list(self) -> list[Key]:
        """Give every key in the order they were made, the revoked ones too."""
        self.reload()
        return sorted(self._keys.values(), key=lambda key: (key.created_at, key.key_id))

    def get(self, key_id: str) -> Key:
        """Give one key by its id.

        Raises
        ------
        Absent
            When there is no such key.
        """
        key = self._keys.get(key_id)
        if key is None:
            raise Absent(
                f"there is no key {key_id}", hint="`customering keys list` shows their ids"
            )
        return key

    def _new_id(self) -> str:
        return stable_id("key", self._chance(16).hex())

    def _keep(self, key: Key, text: str) -> tuple[Key, str]:
        digest = None if key.kind == "subject" else _digest(text)
        self.control.add(KeptKey(key.key_id, digest, to_json(key)))
        self.reload()
        return key, text

    # Finding

    def find(self, text: str, now_ms: int) -> Key | None:
        """Give the key a request carries; None when it is unknown, revoked or at its end.

        Parameters
        ----------
        text
            What the request carries, of any form and length.
        now_ms
            The present, milliseconds since 1970.

        Raises
        ------
        Unavailable
            When the keys had to be read again and cannot be.
        """
        if not -_LOOK_MS < now_ms - self._looked_at < _LOOK_MS:
            self._look(now_ms)
        key = self._by_text.get(text)
        if key is None:
            if len(text) > LENGTH_MAX or not text.isascii():
                return None
            key = self._by_digest.get(_digest(text))
            if key is None:
                return None
            self._by_text[text] = key  # until the keys are read again, as after each revocation
        if key.expires_at is not None and now_ms >= key.expires_at:
            return None
        return key

    def subject_of(self, token: str, now_ms: int) -> tuple[Key, Identifier]:
        """Check a subject token and give its key and the person it names.

        Raises
        ------
        Refused
            When anything is wrong with it; always in the same words.
        Unavailable
            When the keys had to be read again and cannot be.
        """
        from customering.app.subject_tokens import read_token, refusal

        if not -_LOOK_MS < now_ms - self._looked_at < _LOOK_MS:
            self._look(now_ms)
        vouched = self._vouched.get(token)
        if vouched is None:
            vouched = read_token(token, self._public_keys.get, now_ms)
            if len(self._vouched) >= _VOUCHED_MAX:
                self._vouched.clear()
            self._vouched[token] = vouched
        key = self._keys[vouched.key_id]
        if not key.holds(now_ms) or not vouched.holds(now_ms):
            raise refusal()
        return key, vouched.person

    def handed_over(self, token: str, now_ms: int) -> Vouched:
        """Check a token by which a shop's server hands a person over to their own page.

        Raises
        ------
        Refused
            When anything is wrong with it, its key may not do this included; always in the same
            words.
        Unavailable
            When the keys had to be read again and cannot be.
        """
        from customering.app.subject_tokens import PORTAL_AUDIENCE, read_token, refusal

        if not -_LOOK_MS < now_ms - self._looked_at < _LOOK_MS:
            self._look(now_ms)
        vouched = read_token(token, self._public_keys.get, now_ms, audience=PORTAL_AUDIENCE)
        key = self._keys[vouched.key_id]
        if not key.holds(now_ms) or "portal" not in key.scopes:
            raise refusal()
        self.note_use(key.key_id, now_ms)
        return vouched

    def _look(self, now_ms: int) -> None:
        """Read the keys again if another process made or revoked one."""
        if self.control.revision != self._revision:
            self.reload()
        self._looked_at = now_ms

    def reload(self) -> None:
        """Read every key again."""
        revision = self.control.revision  # before the keys: what comes between is read twice
        kept = self.control.keys()
        keys = {row.key_id: _key(row) for row in kept}
        live = {key_id: key for key_id, key in keys.items() if key.revoked_at is None}
        self._by_text = {key.public: key for key in live.values() if key.kind == "write"}
        self._by_digest = {
            row.digest: live[row.key_id]
            for row in kept
            if row.digest is not None and row.key_id in live and live[row.key_id].kind != "write"
        }
        subjects = [key for key in live.values() if key.kind == "subject"]
        self._public_keys = _public_keys(subjects) if subjects else {}
        self._vouched.clear()
        self._keys = keys
        self._revision = revision

    # Uses

    def note_use(self, key_id: str, at_ms: int) -> None:
        """Note that a key was used; written to disk at most once a minute and by `close`."""
        self._uses[key_id] = at_ms
        if self._uses_written_at is None:
            self._uses_written_at = at_ms
        elif at_ms - self._uses_written_at >= _WRITE_USES_MS:
            self._uses_written_at = at_ms
            self._run(self.write_uses)

    def write_uses(self) -> None:
        """Write the uses noted so far to disk; in whatever thread.

        Raises
        ------
        Unavailable
            When they cannot be written; they are kept for the next time.
        """
        uses, self._uses = self._uses, {}
        if not uses:
            return
        try:
            self.control.note_uses(uses)
        except Unavailable:
            self._uses = uses | self._uses
            raise

    def close(self) -> None:
        """Write the uses noted so far, and let go of the database."""
        try:
            self.write_uses()
        finally:
            self.control.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _at_once(act: Callable[[], None]) -> None:
    act()


def _digest(text: str) -> bytes:
    """Give what is kept of a secret: with 190 random bits a plain hash cannot be turned back."""
    return sha256(text.encode()).digest()


def _key(row: KeptKey) -> Key:
    key = from_json(row.record, Key)
    return replace(key, revoked_at=row.revoked_at, last_used_at=row.last_used_at)


def _public_keys(subjects: Sequence[Key]) -> dict[str, Any]:
    """Read the keys that tokens are checked with, by their ids."""
    from customering.app.subject_tokens import public_key

    return {key.key_id: public_key(key.public) for key in subjects}
