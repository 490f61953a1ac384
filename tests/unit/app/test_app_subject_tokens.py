"""Subject tokens: one algorithm, one person, fifteen minutes, one refusal for all that is wrong."""

import base64
import hmac
import json
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import OKPKey

from customering.app.subject_tokens import (
    mint,
    new_private_jwk,
    public_jwk,
    public_key,
    read_token,
    refusal,
)
from customering.kernel.errors import Invalid, Refused

NOW_MS = 1_800_000_000_000
NOW_S = NOW_MS // 1_000
PRIVATE = new_private_jwk("key_a", secrets.token_bytes)
PUBLIC = public_jwk(PRIVATE)
KEYS = {"key_a": public_key(PUBLIC)}
GOOD = {"sub": "user_id:ada", "iat": NOW_S, "exp": NOW_S + 900}

Change = Mapping[str, Any]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header: Change, claims: object, private: str = PRIVATE) -> str:
    """Sign whatever it is with the bare primitive, so that no library of ours corrects it."""
    text = b64(json.dumps(header).encode()) + "." + b64(json.dumps(claims).encode())
    raw = base64.urlsafe_b64decode(json.loads(private)["d"] + "=")
    return text + "." + b64(Ed25519PrivateKey.from_private_bytes(raw).sign(text.encode()))


def token(*, header: Change | None = None, **claims: Any) -> str:
    head = {"alg": "EdDSA", "kid": "key_a", "typ": "JWT"} | dict(header or {})
    body = {name: value for name, value in (GOOD | claims).items() if value is not None}
    return signed({name: value for name, value in head.items() if value is not None}, body)


def is_good(text: str, now_ms: int = NOW_MS) -> bool:
    try:
        read_token(text, KEYS.get, now_ms)
    except Refused as error:
        return error.message != refusal().message  # other words would tell what is wrong
    return True


def test_what_is_minted_is_read() -> None:
    read = read_token(mint(PRIVATE, "email:Ada@Example.org", NOW_MS, 5), KEYS.get, NOW_MS)
    assert (read.key_id, read.person) == ("key_a", "email:ada@example.org")
    assert read.expires_at == NOW_MS + 300_000


def test_the_private_half_may_be_given_as_a_mapping() -> None:
    assert is_good(mint(json.loads(PRIVATE), "user_id:ada", NOW_MS))


def test_the_public_half_holds_nothing_private() -> None:
    assert "d" not in json.loads(PUBLIC)
    assert json.loads(PUBLIC)["kid"] == "key_a"


@pytest.mark.parametrize(
    "made",
    [
        token(),
        token(header={"typ": None}),
        token(header={"alg": "Ed25519"}),
        token(aud="customering"),
        token(aud=["shop", "customering"]),
        token(iat=NOW_S + 59, exp=NOW_S + 60),
        token(iat=NOW_S - 950, exp=NOW_S - 59),
        token(nbf=NOW_S + 30),
        token(iat=NOW_S - 0.5, exp=NOW_S + 10.5),
    ],
)
def test_other_libraries_may_write_it_a_little_differently(made: str) -> None:
    assert is_good(made)


@pytest.mark.parametrize(
    "change",
    [
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"sub": "ada"},
        {"sub": 7},
        {"sub": "user_id:"},
        {"sub": "email:nobody"},
        {"exp": NOW_S + 901},
        {"exp": NOW_S},
        {"exp": NOW_S - 1, "iat": NOW_S},
        {"iat": NOW_S - 900, "exp": NOW_S - 60},
        {"iat": NOW_S + 61, "exp": NOW_S + 120},
        {"nbf": NOW_S + 61},
        {"exp": True},
        {"exp": str(NOW_S + 60)},
        {"exp": float("inf")},
        {"iat": float("nan")},
        {"exp": 10**400},
        {"aud": "shop"},
        {"aud": ["shop"]},
        {"aud": {"customering": 1}},
    ],
)
def test_a_claim_that_does_not_hold_is_refused(change: Change) -> None:
    assert not is_good(token(**change))


@pytest.mark.parametrize(
    "header",
    [
        {"kid": None},
        {"kid": "key_b"},
        {"kid": ["key_a"]},
        {"alg": "Ed448"},
        {"alg": "none"},
        {"alg": None},
        {"alg": ["EdDSA"]},
        {"typ": "JWE"},
        {"jwk": json.loads(PUBLIC)},
        {"crit": ["b64"], "b64": False},
        {"zip": "DEF"},
    ],
)
def test_a_header_of_another_form_is_refused(header: Change) -> None:
    assert not is_good(token(header=header))


def test_no_signature_is_no_signature() -> None:
    head = b64(b'{"alg":"none","kid":"key_a"}')
    body = token().split(".")[1]
    assert not is_good(f"{head}.{body}.")
    assert not is_good(f"{head}.{body}")
    assert not is_good(f"{head}.{body}.{'A' * 86}")


@pytest.mark.parametrize("form", ["x", "raw", "jwk", "pem"])
def test_the_public_key_is_no_shared_secret(form: str) -> None:
    x = json.loads(PUBLIC)["x"]
    pem = OKPKey.import_key(json.loads(PUBLIC)).as_pem(private=False)
    secret = {
        "x": x.encode(),
        "raw": base64.urlsafe_b64decode(x + "="),
        "jwk": PUBLIC.encode(),
        "pem": pem,
    }[form]
    text = b64(b'{"alg":"HS256","kid":"key_a"}') + "." + token().split(".")[1]
    for algorithm in ("sha256", "sha512"):  # the latter is as long as a signature of ours
        made = text + "." + b64(hmac.digest(secret, text.encode(), algorithm))
        assert not is_good(made)


def test_another_key_signs_nothing() -> None:
    other = new_private_jwk("key_a", secrets.token_bytes)
    assert not is_good(mint(other, "user_id:ada", NOW_MS))


def test_a_claim_changed_after_signing_is_refused() -> None:
    head, _, signature = token().split(".")
    body = b64(json.dumps(GOOD | {"sub": "user_id:eve"}).encode())
    assert not is_good(f"{head}.{body}.{signature}")


@given(st.one_of(st.text(max_size=80), st.from_regex(r"[\w-]{1,60}\.[\w-]{1,60}\.[A-Z]{86}")))
@settings(max_examples=200, deadline=None)
def test_whatever_comes_is_refused_in_the_same_words(text: str) -> None:
    assert not is_good(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk"]), JSON),
    st.one_of(JSON, st.dictionaries(st.sampled_from(["sub", "iat", "exp", "nbf", "aud"]), JSON)),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_whatever_is_signed_is_read_or_refused(
    header: dict[str, Any], claims: object, is_ours: bool
) -> None:
    head = {"alg": "EdDSA", "kid": "key_a"} if is_ours else header
    assert not is_good(signed(head, claims))


def code_of_the_page(language: str) -> str:
    page = Path(__file__).parents[3] / "docs" / "how-to" / "keys.md"
    return page.read_text(encoding="utf-8").split(f"```{language}\n")[1].split("```")[0]


def test_the_python_of_the_documentation_makes_good_tokens() -> None:
    names: dict[str, Any] = {}
    exec(code_of_the_page("python"), names)
    made = names["subject_token"](PRIVATE, "user_id:ada")
    assert read_token(made, KEYS.get, time.time_ns() // 1_000_000).person == "user_id:ada"


def test_the_node_of_the_documentation_makes_good_tokens() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    call = f"process.stdout.write(subjectToken({json.dumps(PRIVATE)}, 'user_id:ada'))"
    done = subprocess.run(
        [node, "-e", code_of_the_page("js") + call], capture_output=True, text=True, check=True
    )
    assert read_token(done.stdout, KEYS.get, time.time_ns() // 1_000_000).person == "user_id:ada"


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: mint(PRIVATE, "ada", NOW_MS),
        lambda: mint(PRIVATE, "email:nobody", NOW_MS),
        lambda: mint(PRIVATE, "user_id:ada", NOW_MS, 16),
        lambda: mint(PRIVATE, "user_id:ada", NOW_MS, 0),
        lambda: mint(PUBLIC, "user_id:ada", NOW_MS),
        lambda: mint("{", "user_id:ada", NOW_MS),
        lambda: mint("[]", "user_id:ada", NOW_MS),
        lambda: mint({"kty": "oct", "k": "AAAA"}, "user_id:ada", NOW_MS),
        lambda: mint({"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": "AA", "d": "!"}, "a:b", 1),
        lambda: mint({**json.loads(PRIVATE), "kid": ""}, "user_id:ada", NOW_MS),
        lambda: mint({**json.loads(PRIVATE), "crv": "X25519"}, "user_id:ada", NOW_MS),
    ],
)
def test_what_cannot_be_minted_says_why_without_the_key(attempt: Callable[[], str]) -> None:
    with pytest.raises(Invalid) as refused:
        attempt()
    assert json.loads(PRIVATE)["d"] not in f"{refused.value.message} {refused.value.hint}"
