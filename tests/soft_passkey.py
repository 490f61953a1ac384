"""A device that makes passkeys and signs with them, in some lines, for tests without a browser."""

import json
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any, NamedTuple

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, BACKUP, BACKED_UP, ATTESTED = 1, 4, 8, 16, 64


class Kept(NamedTuple):
    """One passkey on the device."""

    site: str
    handle: bytes
    key: ec.EllipticCurvePrivateKey


class SoftDevice:
    """A device whose owner always unlocks it, unless told otherwise."""

    def __init__(self) -> None:
        self.kept: dict[bytes, Kept] = {}
        self.flags = PRESENT | VERIFIED | BACKUP | BACKED_UP
        self.signed = 0
        self.counts = True

    def make(self, asked: dict[str, Any], origin: str) -> dict[str, str]:
        """Make a passkey, and give what the form carries."""
        credential = sha256(bytes([len(self.kept)]) + bytes_of(asked["user"]["id"])).digest()
        key = ec.generate_private_key(ec.SECP256R1())
        self.kept[credential] = Kept(asked["rp"]["id"], bytes_of(asked["user"]["id"]), key)
        numbers = key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        attested = bytes(15) + b"\1" + struct.pack(">H", len(credential)) + credential
        said = self._said(asked["rp"]["id"], ATTESTED) + attested + cbor2.dumps(public)
        proof = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": said})
        told = client_data("webauthn.create", asked["challenge"], origin)
        return {
            "credential": text_of(credential),
            "client_data": text_of(told),
            "proof": text_of(proof),
        }

    def sign(
        self, asked: dict[str, Any], origin: str, credential: bytes | None = None
    ) -> dict[str, str]:
        """Sign with the passkey made last, or a certain one, and give what the form carries."""
        credential = credential or list(self.kept)[-1]
        kept = self.kept[credential]
        self.signed += self.counts
        said = self._said(asked["rpId"], 0)
        told = client_data("webauthn.get", asked["challenge"], origin)
        signature = kept.key.sign(said + sha256(told).digest(), ec.ECDSA(SHA256()))
        return {
            "credential": text_of(credential),
            "client_data": text_of(told),
            "proof": text_of(said),
            "signature": text_of(signature),
            "handle": text_of(kept.handle),
        }

    def _said(self, site: str, more: int) -> bytes:
        head = sha256(site.encode()).digest() + bytes([self.flags | more])
        return head + struct.pack(">I", self.signed)


def client_data(kind: str, challenge: str, origin: str, **more: Any) -> bytes:
    """Write what a browser says it was asked."""
    told = {"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False, **more}
    return json.dumps(told).encode()


def text_of(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
