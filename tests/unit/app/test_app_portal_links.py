"""One-click links: sealed, for one person, purpose and channel, and for nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.app.portal_links import (
    Unsubscribing,
    read_unsubscribe_token,
    unsubscribe_headers,
    unsubscribe_token,
)
from customering.kernel.errors import Refused
from customering.kernel.ids import Identifier

SECRET = bytes(range(32))
ABOUT = Unsubscribing(Identifier("email:ada@example.org"), "marketing.email", "email")


def test_a_token_says_what_was_sealed_and_shows_nothing_of_it() -> None:
    token = unsubscribe_token(SECRET, ABOUT)
    assert read_unsubscribe_token(SECRET, token) == ABOUT
    assert "ada" not in unsubscribe_token(SECRET, ABOUT, chance=bytes).lower()
    assert unsubscribe_token(SECRET, ABOUT) != token


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_one_changed_byte_is_refused(place: int, change: int) -> None:
    token = unsubscribe_token(SECRET, ABOUT, chance=lambda size: bytes(size))
    at = place % len(token)
    letter = chr((ord(token[at]) + change) % 128)
    changed = token[:at] + letter + token[at + 1 :]
    try:
        found = read_unsubscribe_token(SECRET, changed)
    except Refused:
        return
    assert found == ABOUT  # the last letter carries bits that stand for nothing


@pytest.mark.parametrize("token", ["", "x", "a" * 3_000, "ä", "=", "A" * 60])
def test_what_is_none_is_refused(token: str) -> None:
    with pytest.raises(Refused):
        read_unsubscribe_token(SECRET, token)


def test_another_home_refuses() -> None:
    with pytest.raises(Refused):
        read_unsubscribe_token(bytes(32), unsubscribe_token(SECRET, ABOUT))


def test_the_headers_are_those_of_rfc_8058() -> None:
    assert unsubscribe_headers("https://data.example.org", "abc") == {
        "List-Unsubscribe": "<https://data.example.org/u/abc>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
