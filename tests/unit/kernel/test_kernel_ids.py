"""Names of things: the same parts give the same id for ever, other parts another."""

from base64 import b32encode
from hashlib import blake2b

from hypothesis import given, settings
from hypothesis import strategies as st

from customering.kernel.ids import Identifier, identifier, kind_of, stable_id, value_of

TEXTS = st.text(st.characters(exclude_characters="\x1f", exclude_categories=("Cs",)), max_size=20)
PARTS = st.lists(TEXTS, min_size=1, max_size=4)


def test_ids_are_those_of_every_earlier_version() -> None:
    assert stable_id("per", "user_id:1") == "per_5hz7jxywutuxzygk"
    assert stable_id("evt", "a", "b") == "evt_lid5dmfirxah3jhu"


@settings(max_examples=200, deadline=None)
@given(PARTS, PARTS)
def test_other_parts_give_another_id(one: list[str], other: list[str]) -> None:
    assert (stable_id("x", *one) == stable_id("x", *other)) == (one == other)


@settings(max_examples=100, deadline=None)
@given(PARTS)
def test_an_id_is_a_prefix_and_sixteen_letters_and_digits(parts: list[str]) -> None:
    prefix, _, rest = stable_id("per", *parts).partition("_")
    assert prefix == "per"
    assert len(rest) == 16
    assert set(rest) <= set("abcdefghijklmnopqrstuvwxyz234567")


def test_where_parts_end_matters() -> None:
    assert stable_id("x", "ab", "c") != stable_id("x", "a", "bc")


def test_the_value_may_hold_colons() -> None:
    name = identifier("device", "aa:bb:cc")
    assert (kind_of(name), value_of(name)) == ("device", "aa:bb:cc")
    assert (kind_of(Identifier("email:")), value_of(Identifier("email:"))) == ("email", "")


@settings(max_examples=100, deadline=None)
@given(PARTS)
def test_an_id_is_base_32_as_the_library_writes_it(parts: list[str]) -> None:
    digest = blake2b("\x1f".join(parts).encode("utf-8"), digest_size=10).digest()
    assert stable_id("x", *parts) == f"x_{b32encode(digest).decode().lower()}"
