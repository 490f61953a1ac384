"""Keys at the door: found wherever an SDK puts them, and let in for no more than they may do."""

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.app.key_model import SCOPES, Key, Scope
from customering.app.key_text import new_text
from customering.web.keys import UNKNOWN_KEY, Denied, admit, credentials

NOW_MS = 1_800_000_000_000
SHOP = "https://shop.example"
ALL: list[Scope] = ["collect", "decide", "outcomes", "people", "stream", "import", "metrics"]


def basic(text: str) -> tuple[bytes, bytes]:
    return b"authorization", b"Basic " + base64.b64encode(text.encode())


def bearer(text: str) -> tuple[bytes, bytes]:
    return b"authorization", b"Bearer " + text.encode()


OURS = new_text("secret", bytes)
HOST = (b"host", b"x")


@pytest.mark.parametrize(
    ("headers", "query", "body", "found"),
    [
        ([basic("k1:")], b"", None, "k1"),
        ([basic("k1")], b"", None, "k1"),
        ([basic("k1:password:more")], b"", None, "k1"),
        ([(b"authorization", b"basic azE6")], b"", None, "k1"),
        ([(b"authorization", b"Basic azE")], b"", None, "k1"),  # padding left out
        ([bearer(OURS)], b"", None, OURS),
        ([bearer(OURS)], b"writeKey=k3", {"writeKey": "k2"}, OURS),
        ([bearer("oauth-token")], b"", {"writeKey": "k2"}, "k2"),
        ([bearer("a.b.c")], b"", None, "a.b.c"),
        ([HOST], b"", {"writeKey": "k2"}, "k2"),
        ([HOST], b"", {"batch": [7, {}, {"writeKey": ""}, {"writeKey": "k4"}]}, "k4"),
        ([HOST], b"", {"writeKey": None, "batch": [{"writeKey": "k4"}]}, "k4"),
        ([HOST], b"a=b&writeKey=k%35", None, "k5"),
        ([HOST], b"writeKey=k5", {"batch": []}, "k5"),
        ([basic("k1:")], b"writeKey=k5", {"writeKey": "k2"}, "k1"),
        ([HOST], b"writeKey=k5", {"writeKey": "k2"}, "k2"),
        ([basic(":")], b"", {"writeKey": "k2"}, "k2"),  # RudderStack without a key
        ([(b"authorization", b"Basic ????")], b"", {"writeKey": "k2"}, "k2"),
        ([(b"authorization", b"Basic")], b"", None, None),
        ([(b"authorization", b"Bearer ")], b"", None, None),
        ([(b"authorization", b"Digest azE6")], b"", None, None),
        ([HOST], b"xwriteKey=k5", None, None),
        ([HOST], b"", {"writeKey": 7, "batch": {"writeKey": "k4"}}, None),
        ([HOST], b"", [{"writeKey": "k2"}], None),
        ([], b"", None, None),
    ],
)
def test_a_key_is_found_in_the_order_of_the_wire_contract(
    headers: list[tuple[bytes, bytes]], query: bytes, body: Any, found: str | None
) -> None:
    assert credentials(headers, query, body) == found


@given(st.binary(max_size=60), st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_whatever_a_request_carries_is_read_without_an_error(value: bytes, query: bytes) -> None:
    for scheme in (b"", b"Basic ", b"Bearer "):
        found = credentials([(b"authorization", scheme + value)], b"writeKey=" + query)
        assert found is None or isinstance(found, str)


def key(kind: Any, **fields: Any) -> Key:
    return Key(key_id="key_a", kind=kind, name="a", created_at=1, **fields)


WRITE = key("write", scopes=frozenset({"collect"}), origins=(SHOP,))
APP = key("write", scopes=frozenset({"collect"}))
SERVER = key("server", scopes=frozenset({"collect"}))
SECRET = key("secret", scopes=SCOPES)
SUBJECT = key("subject", scopes=frozenset({"decide"}), origins=(SHOP,))


@pytest.mark.parametrize(
    ("of", "origin", "scope", "status"),
    [
        (None, None, "collect", 401),
        (None, SHOP, "collect", 401),
        (WRITE, SHOP, "collect", None),
        (WRITE, None, "collect", None),
        (WRITE, "https://evil.example", "collect", 403),
        (WRITE, "null", "collect", 403),
        (APP, None, "collect", None),
        (APP, SHOP, "collect", 403),
        (SERVER, None, "collect", None),
        (SERVER, SHOP, "collect", 403),
        (SERVER, "null", "collect", 403),
        (SECRET, None, "people", None),
        (SECRET, SHOP, "people", 403),
        (SUBJECT, SHOP, "decide", None),
        (SUBJECT, None, "decide", None),
        (SUBJECT, SHOP, "people", 403),
        (key("secret", scopes=frozenset({"decide"})), None, "people", 403),
        (key("secret", scopes=SCOPES, expires_at=NOW_MS), None, "people", 401),
        (key("secret", scopes=SCOPES, revoked_at=5), None, "people", 401),
    ],
)
def test_a_key_is_let_in_for_what_it_may_do(
    of: Key | None, origin: str | None, scope: Scope, status: int | None
) -> None:
    denied = admit(of, origin, scope, NOW_MS)
    assert (denied and denied.status) == status


@pytest.mark.parametrize("scope", ALL)
def test_a_key_that_adds_events_never_reads(scope: Scope) -> None:
    for one in (WRITE, APP, SERVER):
        assert (admit(one, None, scope, NOW_MS) is None) is (scope == "collect")


def test_no_key_and_an_ended_key_are_told_the_same() -> None:
    ended = key("secret", scopes=SCOPES, expires_at=1)
    assert admit(None, None, "people", NOW_MS) == admit(ended, None, "people", NOW_MS)
    assert admit(None, SHOP, "people", NOW_MS) is UNKNOWN_KEY


def test_a_refusal_names_no_key() -> None:
    denied = admit(WRITE, "https://evil.example", "collect", NOW_MS)
    assert isinstance(denied, Denied)
    assert "key_a" not in denied.message
    assert "evil" not in denied.message


def test_pages_of_the_server_itself_may_use_all_but_a_server_key() -> None:
    own = ("https://data.example",)
    assert admit(SECRET, own[0], "people", NOW_MS, own_origins=own) is None
    assert admit(WRITE, own[0], "collect", NOW_MS, own_origins=own) is None
    assert admit(SERVER, own[0], "collect", NOW_MS, own_origins=own) is not None
    assert admit(SECRET, SHOP, "people", NOW_MS, own_origins=own) is not None
