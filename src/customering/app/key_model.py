"""What a key is, and what may be said of a new one."""

from collections.abc import Collection
from typing import Literal, get_args

from customering.app.origins import normal_origin
from customering.kernel.errors import Invalid
from customering.kernel.ids import Identifier
from customering.kernel.records import Record

Kind = Literal["write", "server", "secret", "subject"]
Scope = Literal["collect", "decide", "outcomes", "people", "stream", "import", "metrics", "portal"]

SCOPES: frozenset[str] = frozenset(get_args(Scope)) - {"portal"}
SUBJECT_SCOPES = frozenset({"decide", "outcomes", "stream"})
"""What a browser is allowed about the one person a token names, unless its key says otherwise."""
SUBJECT_SCOPES_ALL = SUBJECT_SCOPES | {"people", "portal"}
"""What it may be allowed: with ``people`` the person reads and changes what is known of them, with
``portal`` the shop's server hands people over who are signed in there to their own page here."""

LEEWAY_SECONDS = 60
"""How far the clock of the shop's server may be from ours."""

_NAME_LENGTH_MAX = 100


class Key(Record, frozen=True):
    """One key, without its secret.

    Parameters
    ----------
    key_id
        Its name in lists, logs and tokens; no secret.
    kind
        What it is for.
    name
        What the operator calls it.
    source
        Where events that come with it come from.
    origins
        The web origins whose pages may use it; empty: no page may, only what sends no ``Origin``.
    scopes
        What it may do.
    believed
        The types of identifiers its source is believed about; None for one that is believed.
    public
        What anybody may see: the text of a write key, the public half of a subject key.
    created_at, expires_at, revoked_at, last_used_at
        Milliseconds since 1970; None when it never was, or never will be. Uses are noted now and
        then, so the last one may be a minute later than it says.
    """

    key_id: str
    kind: Kind
    name: str
    created_at: int
    source: str = ""
    origins: tuple[str, ...] = ()
    scopes: frozenset[str] = frozenset()
    believed: frozenset[str] | None = None
    public: str = ""
    expires_at: int | None = None
    revoked_at: int | None = None
    last_used_at: int | None = None

    def holds(self, now_ms: int) -> bool:
        """Tell whether it is neither revoked nor at its end."""
        return self.revoked_at is None and (self.expires_at is None or now_ms < self.expires_at)


class Vouched(Record, frozen=True):
    """What a good subject token says.

    Parameters
    ----------
    key_id
        The key it was signed with.
    person
        Whom it names.
    expires_at
        When it ends, our leeway not counted, milliseconds since 1970.
    signed_in_at
        When the person proved who they are, as the shop says; 0 when it does not. Milliseconds
        since 1970.
    """

    key_id: str
    person: Identifier
    expires_at: int
    signed_in_at: int = 0

    def holds(self, now_ms: int) -> bool:
        """Tell whether it has not ended yet."""
        return now_ms < self.expires_at + LEEWAY_SECONDS * 1_000


def label(what: str, text: str) -> str:
    """Give what an operator calls something.

    Raises
    ------
    Invalid
        When it is empty, longer than 100 characters, or cannot be seen.
    """
    plain = text.strip()
    if not plain.isprintable() or not 1 <= len(plain) <= _NAME_LENGTH_MAX:
        raise Invalid(
            f"the {what} of a key has 1 to {_NAME_LENGTH_MAX} visible characters",
            hint=f"give a {what} such as web-shop",
        )
    return plain


def normal_origins(origins: Collection[str]) -> tuple[str, ...]:
    """Give web origins as browsers send them, each once.

    Raises
    ------
    Invalid
        When one of them is none.
    """
    return tuple(dict.fromkeys(normal_origin(origin) for origin in origins))


def known_scopes(scopes: Collection[str], known: frozenset[str]) -> frozenset[str]:
    """Give scopes that are all known.

    Raises
    ------
    Invalid
        When one is not, or there are none.
    """
    unknown = sorted(set(scopes) - known)
    if unknown or not scopes:
        what = f"there is no scope {unknown[0]!r} here" if unknown else "a key without a scope"
        raise Invalid(what, hint=f"scopes: {', '.join(sorted(known))}")
    return frozenset(scopes)


def end_after(expires_at: int | None, now_ms: int) -> int | None:
    """Give when a key ends, which is after it was made; None for one without an end.

    Raises
    ------
    Invalid
        When it is before.
    """
    if expires_at is not None and expires_at <= now_ms:
        raise Invalid(
            "the key would have ended before it began", hint="name an instant still to come"
        )
    return expires_at
