"""Subject tokens made by the shop's own server, without asking ours: a JWT signed with Ed25519.

References
----------
M. Jones, J. Bradley, N. Sakimura, RFC 7519 "JSON Web Token (JWT)", 2015.
I. Liusvaara, RFC 8037 "CFRG Elliptic Curve Signatures in JOSE", 2017.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry

from customering.client.errors import Rejected

AUDIENCE = "customering"
MINUTES_MAX = 15


class _Ed25519Only(JWSRegistry):
    """Knows one algorithm, under the name that keys of RFC 8037 carry."""

    def get_alg(self, name: str) -> Any:
        return self.algorithms["EdDSA"]


_REGISTRY = _Ed25519Only()


def subject_token(
    private_jwk: str | Mapping[str, Any],
    person: str,
    minutes: int = MINUTES_MAX,
    *,
    clock: Callable[[], float] = time.time,
) -> str:
    """Make a token that lets a browser read what is decided for one person, for some minutes.

    Parameters
    ----------
    private_jwk
        The private key as ``customering keys create subject`` printed it. It belongs on a server.
    person
        An identifier of who is signed in, such as ``user_id:ada``.
    minutes
        How long it holds, 1 to 15.
    clock
        Gives the present, seconds since 1970.

    Raises
    ------
    Rejected
        When the key, the identifier or the time cannot be used.
    """
    if not 1 <= minutes <= MINUTES_MAX:
        raise Rejected(
            f"a subject token cannot hold for {minutes} minutes", hint=f"1 to {MINUTES_MAX}"
        )
    kind, colon, value = person.partition(":")
    if not (kind and colon and value):
        raise Rejected("a person is named by type:value", hint="write user_id:ada")
    try:
        given = json.loads(private_jwk) if isinstance(private_jwk, str) else dict(private_jwk)
        key = OKPKey.import_key(given)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise _no_key() from error
    if not key.is_private or key.curve_name != "Ed25519" or not key.kid:
        raise _no_key()
    issued_at = int(clock())
    claims = {
        "sub": person,
        "iat": issued_at,
        "exp": issued_at + minutes * 60,
        "aud": AUDIENCE,
    }
    return jwt.encode({"alg": "EdDSA", "kid": key.kid}, claims, key, registry=_REGISTRY)


def _no_key() -> Rejected:
    return Rejected(
        "this is not the private key of a subject key",
        hint="give the whole JSON text that `customering keys create subject` printed",
    )
