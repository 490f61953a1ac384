"""Keys at the door: which one a request carries, and whether it may do what it asks."""

import binascii
from base64 import b64decode
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from customering.app.key_model import Key, Scope
from customering.app.key_text import kind_of_text
from customering.app.origins import is_allowed
from customering.web.addresses import Proxies
from customering.web.public_address import public_address

Headers = Iterable[tuple[bytes, bytes]]
"""The headers of an ASGI scope, names in lower case."""

_BODY_KEY = "writeKey"  # as the Segment wire format spells it
_AUTHORIZATION_LENGTH = 128  # bytes a key takes at most, however it is written
_AUTHORIZATIONS_MAX = 1_024


class Denied(NamedTuple):
    """Why a request is not let in.

    Parameters
    ----------
    status
        HTTP status: 401 without a key that holds, 403 with one that may not do this.
    code
        One word for programs.
    message
        One sentence for people; the same for every key that does not hold, whatever the reason.
    """

    status: int
    code: str
    message: str


UNKNOWN_KEY = Denied(401, "unauthorized", "the request carries no valid key")
WRONG_SCOPE = Denied(403, "forbidden", "this key may not do this")
WRONG_ORIGIN = Denied(403, "forbidden_origin", "this key may not be used by this origin")


def credentials(headers: Headers, query: bytes = b"", body: Any = None) -> str | None:
    """Give the key a request carries, from the first place that has one.

    Parameters
    ----------
    headers
        The headers of the ASGI scope.
    query
        Its query string, as it came.
    body
        The decoded JSON body, of any form; None when there is none.

    Returns
    -------
    str or None
        In the order that Segment's SDKs need: ``Authorization: Basic`` with the key as user name,
        with or without the colon; ``Bearer`` with a key of ours; ``writeKey`` in the body; in any
        event of its batch; in the query; then whatever the bearer is, such as a subject token.

    Examples
    --------
    >>> credentials([(b"authorization", b"Basic Y3dfMTIzOg==")])
    'cw_123'
    """
    bearer = None
    for name, value in headers:
        if name == b"authorization":
            is_short = len(value) <= _AUTHORIZATION_LENGTH
            key, other = (_known_bearer if is_short else _bearer)(value)
            if key is not None:
                return key
            if other is not None:
                bearer = other
    return _in_body(body) or _in_query(query) or bearer or None


def admit(
    key: Key | None,
    origin: str | None,
    scope: Scope,
    now_ms: int,
    *,
    own_origins: Collection[str] = (),
) -> Denied | None:
    """Say why a request is not let in; None when it is.

    Parameters
    ----------
    key
        The key it carries, None when none was found.
    origin
        Its ``Origin`` header; None when it has none, as from servers and apps.
    scope
        What it wants to do.
    now_ms
        The present, milliseconds since 1970: a stream that was let in is asked about again.
    own_origins
        Where this server's own pages live; they may use every key but a server key.

    Notes
    -----
    A browser sends ``Origin`` with every request that a page of elsewhere makes. A key that is kept
    secret has no business in a page, so a server key is refused with it, and a secret key unless
    its origins say otherwise. Whatever sends no ``Origin`` could have made one up as well.
    """
    if key is None or not key.holds(now_ms):
        return UNKNOWN_KEY
    if scope not in key.scopes:
        return WRONG_SCOPE
    if origin is None or is_allowed(origin, key.origins):
        return None
    if key.kind != "server" and origin in own_origins:
        return None
    return WRONG_ORIGIN


def admit_request(
    key: Key | None,
    request: Mapping[str, Any],
    headers: Mapping[bytes, bytes],
    scope: Scope,
    now_ms: int,
    *,
    public_url: str,
    proxies: Proxies,
) -> Denied | None:
    """Say why a request is not let in, as `admit`; this server's own pages are told by its name.

    Parameters
    ----------
    request, headers
        The ASGI scope, and its headers, names in lower case.
    public_url, proxies
        As in `public_address`.
    """
    origin = headers.get(b"origin")
    page = None if origin is None else origin.decode("latin-1")
    denied = admit(key, page, scope, now_ms)
    if denied is WRONG_ORIGIN:
        here = public_address(request, headers, public_url, proxies)
        denied = admit(key, page, scope, now_ms, own_origins=(here.origin,))
    return denied


def _bearer(authorization: bytes) -> tuple[str | None, str | None]:
    """Read an ``Authorization`` header: the key in it, else what else the bearer is, if it is one.

    What is read is remembered for as long as it may be a key: the same ones come again and again.
    """
    scheme, _, rest = authorization.strip().partition(b" ")
    scheme = scheme.lower()
    if scheme == b"basic":
        return _user_of(rest) or None, None
    if scheme != b"bearer":
        return None, None
    text = rest.strip().decode("latin-1")
    return (text, None) if kind_of_text(text) is not None else (None, text)


_known_bearer = lru_cache(maxsize=_AUTHORIZATIONS_MAX)(_bearer)


def _user_of(encoded: bytes) -> str:
    """Read the user name of Basic credentials; empty when they cannot be read."""
    try:
        decoded = b64decode(encoded.strip() + b"==")  # padding that is too much does no harm
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(b":")[0].decode("latin-1")


def _in_body(body: Any) -> str | None:
    """Find the key in a body: at its top, else in any event of its batch."""
    if not isinstance(body, dict):
        return None
    found = body.get(_BODY_KEY)
    if isinstance(found, str) and found:
        return found
    batch = body.get("batch")
    if isinstance(batch, list):
        for event in batch:
            if isinstance(event, dict):
                found = event.get(_BODY_KEY)
                if isinstance(found, str) and found:
                    return found
    return None


def _in_query(query: bytes) -> str | None:
    """Find the key in a query string."""
    if _BODY_KEY.encode() not in query:
        return None
    for name, value in parse_qsl(query.decode("latin-1"), max_num_fields=None):
        if name == _BODY_KEY:
            return value
    return None
