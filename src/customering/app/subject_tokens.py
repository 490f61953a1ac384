"""Subject tokens: a shop's own server vouches, for some minutes, for who is in front of a browser.

A token is a JSON Web Token (RFC 7519) signed with Ed25519 (RFC 8037). The header names the key
(``kid``) and the algorithm; the claims name one person (``sub``, written ``type:value``), when it
was made (``iat``) and when it ends (``exp``, at most 15 minutes later). Whatever is wrong with a
token, the refusal is the same.
"""

import re
from collections.abc import Callable, Mapping
from json import dumps, loads
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry

from customering.app.key_model import LEEWAY_SECONDS, Vouched
from customering.events.identifiers import normalise
from customering.kernel.errors import Invalid, InvalidEvent, Refused
from customering.kernel.ids import Identifier

AUDIENCE = "customering"
PORTAL_AUDIENCE = "customering:portal"
"""For whom a token is by which a shop hands a person over to their own page here."""
MINUTES_MAX = 15

_INSTANT_END_S = 100_000_000_000  # the year 5138
# Header, claims and a signature of 64 bytes, in base64url without padding.
_FORM = re.compile(r"[A-Za-z0-9_-]{1,512}\.[A-Za-z0-9_-]{1,4096}\.[A-Za-z0-9_-]{86}")


class _Ed25519Only(JWSRegistry):
    """Knows one algorithm, under its names of RFC 8037 and of RFC 9864; the key is on Ed25519."""

    def get_alg(self, name: str) -> Any:
        if name not in ("EdDSA", "Ed25519"):
            raise UnsupportedAlgorithmError("another algorithm")
        return self.algorithms["EdDSA"]


_REGISTRY = _Ed25519Only()


def new_private_jwk(key_id: str, chance: Callable[[int], bytes]) -> str:
    """Make a private key, written as a JSON Web Key that carries its id."""
    from_chance = OKPKey.import_key(
        OKPKey.binding.from_private_bytes("Ed25519", chance(32)),
        {"kid": key_id, "alg": "EdDSA", "use": "sig"},
    )
    return dumps(from_chance.as_dict(private=True), separators=(",", ":"))


def public_jwk(private_jwk: str) -> str:
    """Give the half of a private key that anybody may see."""
    return dumps(_private_key(private_jwk).as_dict(private=False), separators=(",", ":"))


def public_key(jwk: str) -> OKPKey:
    """Read a public key that tokens are checked with."""
    return OKPKey.import_key(loads(jwk))


def mint(
    private_jwk: str | Mapping[str, Any],
    person: str,
    now_ms: int,
    minutes: int = MINUTES_MAX,
    *,
    audience: str = AUDIENCE,
    signed_in_at: int | None = None,
) -> str:
    """Make a token that lets a browser read what is decided for one person.

    Parameters
    ----------
    private_jwk
        The private key as ``customering keys create subject`` printed it.
    person
        An identifier, such as ``user_id:ada``.
    now_ms
        The present, milliseconds since 1970.
    minutes
        How long it holds, 1 to 15.
    audience
        For whom it is.
    signed_in_at
        When the person proved who they are (``auth_time``), milliseconds since 1970; None does not
        say.

    Raises
    ------
    Invalid
        When the key, the identifier or the time cannot be used.
    """
    if not 1 <= minutes <= MINUTES_MAX:
        raise Invalid(
            f"a subject token cannot hold for {minutes} minutes",
            hint=f"1 to {MINUTES_MAX}; mint a new one when the page needs it",
        )
    kind, colon, value = person.partition(":")
    if not colon:
        raise Invalid("a person is named by type:value", hint="write user_id:ada")
    key = _private_key(private_jwk)
    issued_at = now_ms // 1_000
    claims = {
        "sub": normalise(kind, value),
        "iat": issued_at,
        "exp": issued_at + minutes * 60,
        "aud": audience,
    }
    if signed_in_at is not None:
        claims["auth_time"] = signed_in_at // 1_000
    return jwt.encode({"alg": "EdDSA", "kid": key.kid}, claims, key, registry=_REGISTRY)


def read_token(
    token: str,
    key_of: Callable[[str], OKPKey | None],
    now_ms: int,
    *,
    audience: str = AUDIENCE,
) -> Vouched:
    """Check a token and give what it says.

    Parameters
    ----------
    token
        As it came.
    key_of
        Gives the public key of a key id, None for one that is unknown or revoked.
    now_ms
        The present, milliseconds since 1970.
    audience
        For whom it has to be; one that names nobody is for `AUDIENCE`.

    Raises
    ------
    Refused
        When anything is wrong with it; always in the same words.
    """
    if _FORM.fullmatch(token) is None:
        raise refusal()
    try:
        read = jwt.decode(
            token, lambda signed: _key_for(signed.headers(), key_of), registry=_REGISTRY
        )
        person, expires_at = _checked(read.claims, now_ms, audience)
        signed_in_at = int(_instant(read.claims.get("auth_time", 0)) * 1_000)
    except (JoseError, InvalidEvent, ValueError, TypeError, RecursionError) as error:
        raise refusal() from error
    return Vouched(
        key_id=read.header["kid"], person=person, expires_at=expires_at, signed_in_at=signed_in_at
    )


def refusal() -> Refused:
    """Give the one refusal of every token."""
    return Refused(
        "the subject token is not valid",
        hint="have your server mint a new one, as docs/how-to/keys.md shows",
    )


def _private_key(jwk: str | Mapping[str, Any]) -> OKPKey:
    """Read a private key.

    Raises
    ------
    Invalid
        When it is not one of ours; the key itself is never repeated.
    """
    try:
        key = OKPKey.import_key(loads(jwk) if isinstance(jwk, str) else dict(jwk))
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise _no_key() from error
    if not key.is_private or key.curve_name != "Ed25519" or not key.kid:
        raise _no_key()
    return key


def _no_key() -> Invalid:
    return Invalid(
        "this is not the private key of a subject key",
        hint="give the whole JSON text that `customering keys create subject` printed",
    )


def _key_for(header: Mapping[str, Any], key_of: Callable[[str], OKPKey | None]) -> OKPKey:
    """Find the key of a header that says nothing else that could matter."""
    if not header.keys() <= {"alg", "kid", "typ"} or header.get("typ", "JWT") != "JWT":
        raise ValueError("a header of another form")
    key_id = header.get("kid")
    key = key_of(key_id) if isinstance(key_id, str) else None
    if key is None:
        raise ValueError("no such key")
    return key


def _checked(claims: Mapping[str, Any], now_ms: int, wanted: str) -> tuple[Identifier, int]:
    """Give the person and the end of a token whose signature is good."""
    now_s = now_ms / 1_000
    issued_at, expires_at = _instant(claims.get("iat")), _instant(claims.get("exp"))
    not_before = _instant(claims.get("nbf", issued_at))
    audience = claims.get("aud", AUDIENCE)
    holds = (
        max(issued_at, not_before) <= now_s + LEEWAY_SECONDS
        and now_s < expires_at + LEEWAY_SECONDS
        and 0 < expires_at - issued_at <= MINUTES_MAX * 60
        and (audience == wanted or (isinstance(audience, list) and wanted in audience))
    )
    subject = claims.get("sub")
    if not holds or not isinstance(subject, str) or ":" not in subject:
        raise ValueError("a claim that does not hold")
    kind, _, value = subject.partition(":")
    return normalise(kind, value), int(expires_at * 1_000)


def _instant(value: Any) -> float:
    """Read a numeric date of RFC 7519: seconds since 1970."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value < _INSTANT_END_S:
        raise ValueError("no instant")
    return float(value)
