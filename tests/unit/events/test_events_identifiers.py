import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.events.identifiers import normal_kind, normalise
from customering.kernel.errors import InvalidEvent
from customering.kernel.ids import kind_of, value_of


@pytest.mark.parametrize(
    ("kind", "value", "region", "expected"),
    [
        ("email", " Ada.Lovelace+News@Example.ORG ", "", "email:ada.lovelace+news@example.org"),
        ("email", "ada@bücher.example", "", "email:ada@xn--bcher-kva.example"),
        ("email", "ada@XN--BCHER-KVA.example.", "", "email:ada@xn--bcher-kva.example"),
        ("phone", "+49 (30) 901820", "", "phone:+4930901820"),
        ("phone", "030/901820", "DE", "phone:+4930901820"),
        ("phone", 4915112345678, "", "phone:+4915112345678"),
        ("phone", "015112345678", "DE", "phone:+4915112345678"),
        ("user_id", " 7 ", "", "user_id:7"),
        ("user_id", 7, "", "user_id:7"),
        ("user_id", 7.0, "", "user_id:7"),
        ("user_id", "a:b", "", "user_id:a:b"),
        ("user_id", "Ada", "", "user_id:Ada"),
        ("Loyalty Card", "0042", "", "loyalty_card:0042"),
        ("android.idfa", "x", "", "android_idfa:x"),
        ("name", unicodedata.normalize("NFD", "Zoë"), "", "name:Zoë"),
    ],
)
def test_normal_forms(kind: str, value: object, region: str, expected: str) -> None:
    assert normalise(kind, value, region) == expected


@pytest.mark.parametrize(
    ("kind", "value", "region"),
    [
        ("email", "n/a", ""),
        ("email", "ada@localhost", ""),
        ("email", "a@b@c.org", ""),
        ("email", "Ada <ada@example.org>", ""),
        ("email", "@example.org", ""),
        ("email", "ada@.org", ""),
        ("email", "ada@example..org", ""),
        ("email", "ada@exa mple.org", ""),
        ("email", "x" * 65 + "@example.org", ""),
        ("email", "ada@" + "ü" * 70 + ".org", ""),
        ("phone", "030 901820", ""),
        ("phone", "+49 1", ""),
        ("phone", "ring me", "DE"),
        ("user_id", "   ", ""),
        ("user_id", None, ""),
        ("user_id", True, ""),
        ("user_id", 1.5, ""),
        ("user_id", float("nan"), ""),
        ("user_id", float("inf"), ""),
        ("user_id", ["u1"], ""),
        ("user_id", {"id": 1}, ""),
        ("user_id", "x" * 501, ""),
        ("user_id", "a\x00b", ""),
        ("user_id", "a\nb", ""),
        ("user_id", "a\u200bb", ""),
        ("a:b", "1", ""),
        ("", "1", ""),
        ("9lives", "1", ""),
    ],
)
def test_what_names_nobody_is_refused_without_repeating_it(
    kind: str, value: object, region: str
) -> None:
    with pytest.raises(InvalidEvent) as caught:
        normalise(kind, value, region)
    assert caught.value.hint
    if isinstance(value, str) and len(value.strip()) > 4:
        assert value not in caught.value.message


@given(kind=st.sampled_from(["email", "phone", "user_id", "card"]), value=st.text(max_size=40))
@settings(max_examples=300, deadline=None)
def test_the_normal_form_is_stable(kind: str, value: str) -> None:
    try:
        name = normalise(kind, value, "DE")
    except InvalidEvent:
        return
    assert kind_of(name) == kind
    assert normalise(kind, value_of(name), "DE") == name


@given(st.from_regex(r"[a-zA-Z0-9.+_-]{1,20}@[a-zA-Z0-9]{1,10}\.[a-zA-Z]{2,5}", fullmatch=True))
@settings(max_examples=200, deadline=None)
def test_addresses_differ_only_by_more_than_case(address: str) -> None:
    assert normalise("email", address) == normalise("email", address.upper())
    assert value_of(normalise("email", address)) == address.lower()


def test_kinds_are_names() -> None:
    assert normal_kind(" GA Client-ID ") == "ga_client_id"
