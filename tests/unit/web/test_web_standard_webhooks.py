"""Signatures of webhooks: what was signed and is recent, and nothing else."""

import base64
import hmac
import json
import time
from collections.abc import Mapping

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from customering.kernel.errors import Invalid, Refused
from customering.web.standard_webhooks import (
    secret_bytes,
    sign,
    verify,
    verify_shopify,
    verify_stripe,
)

NOW_MS = 1_800_000_000_000
NOW_S = NOW_MS // 1_000
BODY = b'{"type":"order.created","data":{}}'
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(b"another secret of ours").decode()
PAIR = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PRIVATE = "whsk_" + base64.b64encode(bytes(range(32))).decode()
PUBLIC = (
    "whpk_"
    + base64.b64encode(
        PAIR.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    ).decode()
)


def headers(signature: str, message_id: str = "msg_1", at_s: int | str = NOW_S) -> dict[str, str]:
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": signature,
    }


def is_good(
    given: Mapping[str, str], body: bytes = BODY, secrets: tuple[str, ...] = (SECRET,)
) -> bool:
    try:
        verify(given, body, secrets, NOW_MS)
    except Refused as error:
        return error.message != "the signature of the webhook is not valid"
    return True


def test_what_is_signed_is_good_and_gives_its_id() -> None:
    assert verify(headers(sign([SECRET], "msg_1", NOW_S, BODY)), BODY, [SECRET], NOW_MS) == "msg_1"


def test_the_example_of_the_specification() -> None:
    """Secret, id, timestamp, body and signature as the reference libraries' tests have them."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    wanted = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body) == wanted


@given(st.binary(min_size=1, max_size=64), st.text("abc_", min_size=1), st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_the_library_agrees(raw: bytes, message_id: str, text: str) -> None:
    secret = "whsec_" + base64.b64encode(raw).decode()
    body, at_s = text.encode(), int(time.time())
    signature = sign([secret], message_id, at_s, body)
    given = headers(signature, message_id, at_s)
    Webhook(secret).verify(body, given, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b"x", given, json_parse=False)
    assert verify(given, body, [secret], at_s * 1_000) == message_id


@pytest.mark.parametrize(
    ("signing", "checking", "expected"),
    [
        ([SECRET], [OTHER], False),
        ([SECRET], [OTHER, SECRET], True),
        ([OTHER, SECRET], [SECRET], True),
        ([PRIVATE], [PUBLIC], True),
        ([PRIVATE, SECRET], [PUBLIC], True),
        ([PRIVATE, SECRET], [SECRET], True),
        ([SECRET], [PUBLIC], False),
        ([PRIVATE], [SECRET], False),
        ([SECRET], [], False),
        ([], [SECRET], False),
    ],
)
def test_keys_can_be_changed_without_a_gap(
    signing: list[str], checking: list[str], *, expected: bool
) -> None:
    signature = sign(signing, "msg_1", NOW_S, BODY)
    assert is_good(headers(signature), secrets=tuple(checking)) is expected


@pytest.mark.parametrize("secrets", [[SECRET], [PRIVATE]])
def test_nothing_signed_may_be_changed(secrets: list[str]) -> None:
    checking = (SECRET, PUBLIC)
    signature = sign(secrets, "msg_1", NOW_S, BODY)
    assert is_good(headers(signature), secrets=checking)
    assert not is_good(headers(signature), body=BODY + b" ", secrets=checking)
    assert not is_good(headers(signature, message_id="msg_2"), secrets=checking)
    assert not is_good(headers(signature, at_s=NOW_S + 1), secrets=checking)


def test_a_version_is_not_read_as_another() -> None:
    mac = sign([SECRET], "msg_1", NOW_S, BODY).removeprefix("v1,")
    assert not is_good(headers(f"v1a,{mac}"), secrets=(SECRET, PUBLIC))
    assert not is_good(headers(f"v2,{mac}"), secrets=(SECRET, PUBLIC))
    # Knowing the public key must not be knowing the secret of an HMAC.
    made = sign(["whsec_" + PUBLIC.removeprefix("whpk_")], "msg_1", NOW_S, BODY)
    assert not is_good(headers(made), secrets=(PUBLIC,))


@pytest.mark.parametrize(("seconds", "expected"), [(300, True), (301, False)])
def test_five_minutes_either_way(seconds: int, *, expected: bool) -> None:
    for at_s in (NOW_S - seconds, NOW_S + seconds):
        signature = sign([SECRET], "msg_1", at_s, BODY)
        assert is_good(headers(signature, at_s=at_s)) is expected


@pytest.mark.parametrize(
    "signature",
    ["", "v1", "v1,", ",", "v1,ü", "v1,!!!", "v1,AAAA", "x" * 10_000, " " * 100, "v1a,AA"],
)
def test_a_header_of_another_form_is_refused(signature: str) -> None:
    assert not is_good(headers(signature), secrets=(SECRET, PUBLIC))


@pytest.mark.parametrize("at", ["", "now", "1e9", "-5", "９" * 10, "9" * 5_000, f"{NOW_S}.5"])
def test_a_timestamp_of_another_form_is_refused(at: str) -> None:
    content = f"msg_1.{at}.".encode() + BODY
    signature = base64.b64encode(hmac.digest(secret_bytes(SECRET), content, "sha256")).decode()
    assert not is_good(headers(f"v1,{signature}", at_s=at))


def test_missing_headers_are_refused() -> None:
    good = headers(sign([SECRET], "msg_1", NOW_S, BODY))
    for name in good:
        assert not is_good({k: v for k, v in good.items() if k != name})


def test_many_signatures_are_not_all_tried() -> None:
    good = sign([SECRET], "msg_1", NOW_S, BODY)
    assert is_good(headers(" ".join(["v1,AAAA"] * 19 + [good])))
    assert not is_good(headers(" ".join(["v1,AAAA"] * 20 + [good])))


@given(st.text(max_size=60), st.text(max_size=30), st.text(max_size=60), st.binary(max_size=30))
@settings(max_examples=200, deadline=None)
def test_whatever_comes_is_refused(message_id: str, at: str, signature: str, body: bytes) -> None:
    assert not is_good(headers(signature, message_id, at), body, (SECRET, PUBLIC))
    assert not is_good(headers(f"v1,{signature}", message_id), body, (SECRET, PUBLIC))


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "mine", "AAAA", "whsec_!!", "whsk_AAAA", "whpk_AAAA", "cw_AAAA", "whsec_ü"],
)
def test_a_secret_of_another_form_is_told_and_not_repeated(secret: str) -> None:
    with pytest.raises(Invalid) as refused:
        secret_bytes(secret)
    assert not secret or secret not in refused.value.message


def test_what_cannot_sign_says_so() -> None:
    for message_id, secret in (("", SECRET), ("a.b", SECRET), ("msg_1", PUBLIC)):
        with pytest.raises(Invalid):
            sign([secret], message_id, NOW_S, BODY)


# Shopify and Stripe


def shopify(body: bytes = BODY, secret: str = "shpss_1") -> dict[str, str]:
    mac = base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
    return {"x-shopify-hmac-sha256": mac, "x-shopify-webhook-id": "b54557e4"}


def test_an_order_of_shopify() -> None:
    assert verify_shopify(shopify(), BODY, ["old", "shpss_1"]) == "b54557e4"
    assert verify_shopify({**shopify(), "x-shopify-webhook-id": ""}, BODY, ["shpss_1"]) == ""


@pytest.mark.parametrize(
    ("given", "body", "secrets"),
    [
        (shopify(), BODY + b" ", ["shpss_1"]),
        (shopify(), BODY, ["shpss_2"]),
        (shopify(), BODY, []),
        ({}, BODY, ["shpss_1"]),
        ({"x-shopify-hmac-sha256": "ü"}, BODY, ["shpss_1"]),
    ],
)
def test_what_shopify_did_not_sign(given: dict[str, str], body: bytes, secrets: list[str]) -> None:
    with pytest.raises(Refused):
        verify_shopify(given, body, secrets)


def stripe(at_s: int | str = NOW_S, secret: str = "whsec_1", beside: str = "") -> dict[str, str]:
    mac = hmac.digest(secret.encode(), f"{at_s}.".encode() + BODY, "sha256").hex()
    return {"stripe-signature": f"t={at_s},{beside}v1={mac},v0=6ffbb59b"}


@pytest.mark.parametrize("beside", ["", "v1=00,", "v1=ü,", "nonsense,,=,"])
def test_an_event_of_stripe(beside: str) -> None:
    verify_stripe(stripe(beside=beside), BODY, ["old", "whsec_1"], NOW_MS)


@pytest.mark.parametrize(
    ("given", "secrets"),
    [
        (stripe(NOW_S - 301), ["whsec_1"]),
        (stripe(NOW_S + 301), ["whsec_1"]),
        (stripe("soon"), ["whsec_1"]),
        (stripe(), ["whsec_2"]),
        (stripe(), []),
        ({"stripe-signature": stripe()["stripe-signature"].replace("v1=", "v0=")}, ["whsec_1"]),
        ({"stripe-signature": stripe()["stripe-signature"].replace("t=", "u=")}, ["whsec_1"]),
        ({"stripe-signature": ""}, ["whsec_1"]),
        ({}, ["whsec_1"]),
    ],
)
def test_what_stripe_did_not_sign(given: dict[str, str], secrets: list[str]) -> None:
    with pytest.raises(Refused):
        verify_stripe(given, BODY, secrets, NOW_MS)


def test_a_changed_body_of_stripe() -> None:
    changed = json.dumps(json.loads(BODY)).encode()
    with pytest.raises(Refused):
        verify_stripe(stripe(), changed, ["whsec_1"], NOW_MS)
