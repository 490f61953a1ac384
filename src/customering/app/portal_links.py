"""Links that act for one person and one purpose without a sign-in: unsubscribing with one click.

A token is sealed with a secret of the home (AES-GCM), so it tells nobody whom it is about, cannot
be made or changed elsewhere, and opens for its own use only. It has no end: a letter may be read
years later.

References
----------
J. Levine, T. Herkula, RFC 8058 "Signaling One-Click Functionality for List Email Headers", 2017.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import NamedTuple

from customering.kernel.errors import Refused
from customering.kernel.ids import Identifier
from customering.kernel.records import from_json, to_json

_NONCE_BYTES = 12
_USE = b"customering unsubscribe 1"
_LENGTH_MAX = 1_500


class Unsubscribing(NamedTuple):
    """What a token lets whoever holds it do.

    Parameters
    ----------
    person
        Who wants no more of it.
    purpose
        The purpose that is refused, such as ``marketing.email``.
    channel
        By which channel the letter came.
    """

    person: Identifier
    purpose: str
    channel: str


def unsubscribe_token(
    secret: bytes,
    about: Unsubscribing,
    *,
    chance: Callable[[int], bytes] = secrets.token_bytes,
) -> str:
    """Make the token of a letter.

    Parameters
    ----------
    secret
        ``Sessions.secret("unsubscribe")`` of the home, 32 bytes.
    """
    # Here and below: 6 MB that a server does without which sends no letters.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = chance(_NONCE_BYTES)
    sealed = AESGCM(secret).encrypt(nonce, to_json(about), _USE)
    return urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()


def read_unsubscribe_token(secret: bytes, token: str) -> Unsubscribing:
    """Read a token.

    Raises
    ------
    Refused
        When it is none of ours; always in the same words.
    """
    if len(token) > _LENGTH_MAX or not token.isascii():
        raise _refusal()
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        data = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        told = AESGCM(secret).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], _USE)
        return from_json(told, Unsubscribing)
    except (ValueError, InvalidTag) as error:
        raise _refusal() from error


def unsubscribe_headers(public_url: str, token: str) -> dict[str, str]:
    """Give the headers of a letter by which mail programs unsubscribe with one click.

    Parameters
    ----------
    public_url
        How browsers reach this server, such as ``https://data.example.org``.
    """
    return {
        "List-Unsubscribe": f"<{public_url}/u/{token}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def _refusal() -> Refused:
    return Refused("this link is not one of ours", hint="copy the whole link from the letter")
