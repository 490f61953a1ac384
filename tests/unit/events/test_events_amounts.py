from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from customering.events.amounts import MINOR_MAX, currency_code, line_amount_minor, minor_units


def test_what_is_no_amount() -> None:
    for text in ("", "free", "1,5", "nan", "inf", "1e99"):
        assert minor_units(text, "USD") is None
    assert minor_units(float("nan"), "USD") is None
    assert minor_units(2**53, "USD") is None


@given(st.integers(-(10**7), 10**7), st.integers(-999, 999))
@settings(max_examples=200, deadline=None)
def test_an_amount_is_price_times_quantity_rounded_away_from_zero(
    price_minor: int, thousandths: int
) -> None:
    exact = Fraction(price_minor * thousandths, 1000)
    rounded = int(abs(exact) + Fraction(1, 2)) * (1 if exact >= 0 else -1)
    assert line_amount_minor(price_minor, thousandths / 1000) == rounded


def test_an_amount_too_large_is_none() -> None:
    assert line_amount_minor(MINOR_MAX, 1) == MINOR_MAX
    assert line_amount_minor(MINOR_MAX, 2) is None
    assert line_amount_minor(MINOR_MAX, 1.5) is None


def test_currencies() -> None:
    assert [currency_code(value, "EUR") for value in ("usd", "", None, "us", "ÄÖÜ", 978)] == [
        "USD",
        "EUR",
        "EUR",
        None,
        None,
        None,
    ]
