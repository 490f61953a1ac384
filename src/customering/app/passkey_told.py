"""What a browser is asked by, and what it tells of a passkey: a few texts within bounds."""

from base64 import urlsafe_b64decode
from typing import Any, NamedTuple

from customering.kernel.errors import Invalid

_LENGTH_MOST = 4_000


class Site(NamedTuple):
    """For whom passkeys are made.

    Parameters
    ----------
    host
        Its name, without a port: what passkeys are tied to.
    origin
        Where its pages are, such as ``https://data.shop.example``.
    name
        What people call it.
    """

    host: str
    origin: str
    name: str


class Told(NamedTuple):
    """What a browser told after its person unlocked a device; all in base64url.

    Parameters
    ----------
    credential
        The id of the passkey.
    client_data
        What the browser says it was asked, and by which page.
    proof
        The new public key when one is added; otherwise what the device says of itself.
    signature, handle
        Of the device; empty when one is added.
    """

    credential: str
    client_data: str
    proof: str
    signature: str = ""
    handle: str = ""

    def registration(self) -> dict[str, Any]:
        """Give what a browser tells of a new passkey, as the Web Authentication API writes it."""
        return self._whole(attestationObject=self.proof)

    def assertion(self) -> dict[str, Any]:
        """Give what a browser tells of a signature, as the Web Authentication API writes it."""
        return self._whole(
            authenticatorData=self.proof, signature=self.signature, userHandle=self.handle
        )

    def _whole(self, **response: str) -> dict[str, Any]:
        return {
            "id": self.credential,
            "rawId": self.credential,
            "type": "public-key",
            "response": {"clientDataJSON": self.client_data, **response},
        }


def base64url(text: str) -> bytes:
    """Read base64url without its padding.

    Raises
    ------
    ValueError
        When it is none, or has more than 4,000 characters.

    Examples
    --------
    >>> base64url("YWRh")
    b'ada'
    """
    if len(text) > _LENGTH_MOST or not text.isascii():
        raise ValueError("no base64url")
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def does_not_hold() -> Invalid:
    """Give the one answer to every passkey that does not hold, whatever the reason."""
    return Invalid("this passkey does not hold here", hint="try again, or sign in by a letter")
