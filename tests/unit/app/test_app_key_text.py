"""The written form of keys, and the origins whose pages may use them."""

import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.app.key_text import LENGTH_MAX, PREFIXES, TextKind, kind_of_text, new_text
from customering.app.origins import is_allowed, normal_origin
from customering.kernel.errors import Invalid

KINDS = st.sampled_from(sorted(PREFIXES))


@given(KINDS, st.binary(min_size=24, max_size=24))
@settings(max_examples=100, deadline=None)
def test_a_key_tells_its_kind_without_asking_anybody(kind: TextKind, chance: bytes) -> None:
    text = new_text(kind, lambda count: chance[:count])
    assert kind_of_text(text) == kind
    assert len(text) <= LENGTH_MAX


@given(KINDS, st.data())
@settings(max_examples=100, deadline=None)
def test_one_mistyped_character_is_noticed(kind: TextKind, data: st.DataObject) -> None:
    text = new_text(kind, secrets.token_bytes)
    place = data.draw(st.integers(0, len(text) - 1))
    typed = data.draw(st.sampled_from("0AZaz_").filter(lambda one: one != text[place]))
    assert kind_of_text(text[:place] + typed + text[place + 1 :]) is None


@given(st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_whatever_is_typed_is_read_without_an_error(text: str) -> None:
    assert kind_of_text(text) is None


def test_all_random_bits_are_in_the_text() -> None:
    ones = new_text("write", lambda count: b"\xff" * count)
    fewer = new_text("write", lambda count: b"\xff" * (count - 1) + b"\xfe")
    assert len({ones, fewer, new_text("write", bytes)}) == 3


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("https://shop.example", "https://shop.example"),
        (" HTTPS://Shop.Example:443/ ", "https://shop.example"),
        ("http://shop.example:80", "http://shop.example"),
        ("http://shop.example:443", "http://shop.example:443"),
        ("https://shop.example:08443", "https://shop.example:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://localhost:*", "http://localhost:*"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://[2001:DB8:0::1]:8443", "https://[2001:db8::1]:8443"),
        ("*", "*"),
    ],
)
def test_an_origin_is_kept_as_browsers_send_it(written: str, sent: str) -> None:
    assert normal_origin(written) == sent


@pytest.mark.parametrize(
    "written",
    [
        "",
        "null",
        "shop.example",
        "https://",
        "https://shop.example/path",
        "https://shop.example?q",
        "https://ada@shop.example",
        "https://*.example",
        "https://shop.example:*",
        "https://shop.example:0",
        "https://shop.example:65536",
        "https://shop..example",
        "https://-shop.example",
        "https://[shop]",
        "ftp://shop.example",
        "https://shop.example https://other.example",
        "https://" + "ü" * 80 + ".example",
    ],
)
def test_what_is_no_origin_is_refused(written: str) -> None:
    with pytest.raises(Invalid) as refused:
        normal_origin(written)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("origin", "allowed", "expected"),
    [
        ("https://shop.example", ("https://shop.example",), True),
        ("https://shop.example.evil.example", ("https://shop.example",), False),
        ("https://evil-shop.example", ("https://shop.example",), False),
        ("http://shop.example", ("https://shop.example",), False),
        ("https://shop.example:8443", ("https://shop.example",), False),
        ("http://localhost:5173", ("http://localhost:*",), True),
        ("http://localhost", ("http://localhost:*",), True),
        ("https://localhost:5173", ("http://localhost:*",), False),
        ("http://localhost:5173.evil.example", ("http://localhost:*",), False),
        ("http://localhost:*", ("http://localhost:*",), True),
        ("null", ("https://shop.example",), False),
        ("null", ("*",), True),
        ("https://shop.example", (), False),
        ("", ("http://localhost:*",), False),
    ],
)
def test_only_the_very_origin_is_allowed(
    origin: str, allowed: tuple[str, ...], expected: bool
) -> None:
    assert is_allowed(origin, allowed) is expected
