"""What a home signs with: an Ed25519 key of its own, whose public half anybody may have.

The libraries are imported where they are used: most commands never sign anything.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from customering.consent.chain import Holds, canonical
from customering.kernel.errors import Invalid
from customering.stores.home_secrets import HomeSecrets

Jwk = Mapping[str, Any]

_SEED_BYTES = 32


class HomeKey:
    """Signs in the name of a home; the key is made when it is first needed.

    Parameters
    ----------
    kept
        Where it lies.
    clock
        Gives the real present, milliseconds since 1970.
    chance
        Gives that many bytes nobody can guess.
    """

    def __init__(
        self,
        kept: HomeSecrets,
        clock: Callable[[], int],
        *,
        chance: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._kept = kept
        self._clock = clock
        self._chance = chance
        self._signing: tuple[str, Any] | None = None
        self._public: dict[str, Jwk] = {}

    def sign(self, data: bytes) -> tuple[str, bytes]:
        """Sign some bytes.

        Returns
        -------
        tuple of str and bytes
            The id of the key, and the signature of 64 bytes.
        """
        if self._signing is None:
            self._read()
        assert self._signing is not None, "a key was made"
        kid, key = self._signing
        signature: bytes = key.sign(data)
        return kid, signature

    def sign_text(self, data: bytes) -> tuple[str, str]:
        """Sign some bytes, and give the signature in base64url without padding."""
        kid, signature = self.sign(data)
        return kid, to_text(signature)

    def holds(self, kid: str, data: bytes, signature: bytes) -> bool:
        """Tell whether a signature by one of the home's keys fits some bytes."""
        if kid not in self._public:  # another process may have made it
            self._public = {}
        return holding(self.jwks())(kid, data, signature)

    def jwks(self) -> dict[str, Any]:
        """Give the public halves of all keys the home ever signed with, as a JWK set."""
        if not self._public:
            self._read()
        return {"keys": list(self._public.values())}

    def renew(self) -> str:
        """Make a new key to sign with from now on, and give its id; the old ones still verify."""
        return self._keep(self._chance(_SEED_BYTES))

    def _keep(self, seed: bytes) -> str:
        kid = str(_public_jwk(seed)["kid"])
        self._kept.add_seed(kid, seed, self._clock())
        self._read()
        return kid

    def _read(self) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        seeds = self._kept.seeds()
        if not seeds:
            # Of two processes that need the first key at once, both get the same.
            self._keep(self._kept.secret("first signing key", self._chance(_SEED_BYTES)))
            return
        self._public = {kid: _public_jwk(seed) for kid, seed in seeds}
        kid, seed = seeds[-1]
        self._signing = kid, Ed25519PrivateKey.from_private_bytes(seed)


def holding(jwks: Mapping[str, Any]) -> Holds:
    """Give what checks signatures by the Ed25519 keys of a JWK set, or of one JWK.

    Raises
    ------
    Invalid
        When there is no Ed25519 key in it.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    listed = jwks.get("keys", [jwks])
    keys: dict[str, Ed25519PublicKey] = {}
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, Mapping) and one.get("crv") == "Ed25519":
            raw = from_text(str(one.get("x", "")))
            if len(raw) == _SEED_BYTES:
                kid = thumbprint(str(one["x"]))
                key = Ed25519PublicKey.from_public_bytes(raw)
                keys |= {kid: key, str(one.get("kid", kid)): key}
                if one is jwks:  # whoever hands in one key need not name it
                    keys[""] = key
    if not keys:
        raise Invalid(
            "there is no Ed25519 key to check with",
            hint="hand in the JSON of /.well-known/consent-log.json, a JWK set or a JWK",
        )

    def holds(kid: str, data: bytes, signature: bytes) -> bool:
        key = keys.get(kid)
        if key is None:
            return False
        try:
            key.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    return holds


def thumbprint(x: str) -> str:
    """Give the thumbprint of an Ed25519 key (RFC 7638, RFC 8037): its id wherever it goes."""
    return to_text(sha256(canonical({"crv": "Ed25519", "kty": "OKP", "x": x})).digest())


def to_text(data: bytes) -> str:
    """Write bytes in base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def from_text(text: str) -> bytes:
    """Read base64url without padding; nothing when it is something else."""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""


def _public_jwk(seed: bytes) -> Jwk:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    x = to_text(public)
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": thumbprint(x), "alg": "EdDSA"}
