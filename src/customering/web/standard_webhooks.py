"""Signatures of webhooks: Standard Webhooks 1.0.0, and those of Shopify and Stripe.

Standard Webhooks signs ``id.timestamp.body``: ``v1`` is HMAC-SHA256 under a secret both sides have
(``whsec_`` and base64), ``v1a`` is Ed25519 (``whsk_`` the private half, ``whpk_`` the public one).
Several signatures stand in one header, so that keys can be changed without a gap. Comparisons take
the same time whatever differs, and every refusal has the same words.
"""

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence

from customering.kernel.errors import Invalid, Refused

TOLERANCE_SECONDS = 300
_SECRET, _PRIVATE, _PUBLIC = "whsec_", "whsk_", "whpk_"
_ED25519_BYTES = 32
_SIGNATURES_MAX = 20  # more in one header is no rotation of keys


def sign(secrets: Sequence[str], message_id: str, timestamp_s: int, body: bytes) -> str:
    """Give the value of ``webhook-signature``, one signature for each secret.

    Parameters
    ----------
    secrets
        ``whsec_...`` or ``whsk_...``; the newest first.
    message_id
        The value of ``webhook-id``, the same when a message is sent again; without a full stop.
    timestamp_s
        The value of ``webhook-timestamp``, seconds since 1970.
    body
        The exact bytes sent.

    Raises
    ------
    Invalid
        When a secret or the id cannot be used.
    """
    if not message_id or "." in message_id:
        raise Invalid("a message id is not empty and holds no full stop", hint="use letters")
    content = _content(message_id, str(timestamp_s), body)
    signatures = []
    for secret in secrets:
        raw = secret_bytes(secret)
        if secret.startswith(_PUBLIC):
            raise Invalid("a public key cannot sign", hint=f"use the private half, {_PRIVATE}...")
        if secret.startswith(_PRIVATE):
            # Here and below: 6 MB that a server without such a sender does without.
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

            signature = Ed25519PrivateKey.from_private_bytes(raw).sign(content)
            signatures.append(f"v1a,{b64encode(signature).decode()}")
        else:
            signatures.append(f"v1,{b64encode(_hmac(raw, content)).decode()}")
    return " ".join(signatures)


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now_ms: int) -> str:
    """Check a webhook of Standard Webhooks and give its id, the same when it is sent again.

    Parameters
    ----------
    headers
        The headers, names in lower case.
    body
        The exact bytes that came.
    secrets
        ``whsec_...`` or ``whpk_...``, those still valid; one that fits is enough.
    now_ms
        The present, milliseconds since 1970.

    Raises
    ------
    Refused
        When nothing fits, or it is more than five minutes old or ahead.
    Invalid
        When one of our own secrets cannot be used.
    """
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").split(" ")[:_SIGNATURES_MAX]
    if not message_id or not _is_recent(timestamp, now_ms):
        raise _refusal()
    content = _content(message_id, timestamp, body)
    for secret in secrets:
        raw = secret_bytes(secret)
        version = "v1a" if secret.startswith(_PUBLIC) else "v1"
        for signature in _of_version(given, version):
            if _fits(version, raw, content, signature):
                return message_id
    raise _refusal()


def verify_shopify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> str:
    """Check a webhook of Shopify and give its id, empty when it has none.

    Raises
    ------
    Refused
        When ``X-Shopify-Hmac-Sha256``, base64 of the HMAC of the body, fits none of the secrets.
    """
    given = _decoded(headers.get("x-shopify-hmac-sha256", ""))
    if not any(hmac.compare_digest(_hmac(one.encode(), body), given) for one in secrets):
        raise _refusal()
    return headers.get("x-shopify-webhook-id", "")


def verify_stripe(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now_ms: int
) -> None:
    """Check a webhook of Stripe; its id is that of the event in the body.

    Parameters
    ----------
    headers
        With ``Stripe-Signature``: ``t=`` seconds since 1970, and ``v1=`` the HMAC in hexadecimal of
        ``t.body``, several times while keys are changed.
    secrets
        ``whsec_...`` as Stripe shows it; the whole text is the key of the HMAC.

    Raises
    ------
    Refused
        When nothing fits, or it is more than five minutes old or ahead.
    """
    parts = [part.strip().partition("=") for part in headers.get("stripe-signature", "").split(",")]
    timestamp = next((value for name, _, value in parts if name == "t"), "")
    if not _is_recent(timestamp, now_ms):
        raise _refusal()
    content = f"{timestamp}.".encode() + body
    wanted = [_hmac(one.encode(), content).hex().encode() for one in secrets]
    given = [value.encode() for name, _, value in parts if name == "v1"][:_SIGNATURES_MAX]
    if not any(hmac.compare_digest(one, other) for one in wanted for other in given):
        raise _refusal()


def secret_bytes(secret: str) -> bytes:
    """Read a secret of Standard Webhooks.

    Raises
    ------
    Invalid
        When its form is another; the secret itself is never repeated.
    """
    prefix, _, encoded = secret.partition("_")
    raw = _decoded(encoded)
    is_pair = f"{prefix}_" in (_PRIVATE, _PUBLIC)
    if f"{prefix}_" not in (_SECRET, _PRIVATE, _PUBLIC) or not raw:
        raise Invalid(
            "this is no secret of Standard Webhooks",
            hint="write whsec_ (or whsk_, whpk_) and base64, as the sender shows it",
        )
    if is_pair and len(raw) != _ED25519_BYTES:
        raise Invalid(
            "an Ed25519 key has 32 bytes", hint="write whsk_ or whpk_ and base64 of those bytes"
        )
    return raw


def _fits(version: str, raw: bytes, content: bytes, signature: bytes) -> bool:
    if version == "v1":
        return hmac.compare_digest(_hmac(raw, content), signature)
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, content)
    except InvalidSignature:
        return False
    return True


def _of_version(given: Sequence[str], version: str) -> list[bytes]:
    """Give the signatures of one version; what cannot be read is passed over."""
    pairs = (one.partition(",") for one in given)
    return [_decoded(value) for name, comma, value in pairs if comma and name == version]


def _decoded(text: str) -> bytes:
    """Read base64 with or without its padding; empty when it is none."""
    plain = text.rstrip("=")
    try:
        return b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _content(message_id: str, timestamp: str, body: bytes) -> bytes:
    return f"{message_id}.{timestamp}.".encode("utf-8", "surrogatepass") + body


def _is_recent(timestamp: str, now_ms: int) -> bool:
    is_number = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12
    return is_number and abs(int(timestamp) * 1_000 - now_ms) <= TOLERANCE_SECONDS * 1_000


def _hmac(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, "sha256")


def _refusal() -> Refused:
    return Refused(
        "the signature of the webhook is not valid",
        hint="check the secret, and that the clock of this machine is right",
    )
