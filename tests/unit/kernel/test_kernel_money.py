"""Amounts are whole minor units, exactly."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.kernel.money import format_money, to_minor

CURRENCIES = st.sampled_from([("EUR", 2), ("JPY", 0), ("KWD", 3), ("XXX", 2)])


@settings(max_examples=200, deadline=None)
@given(st.integers(-(10**12), 10**12), CURRENCIES)
def test_an_amount_that_is_exact_stays_so(minor: int, currency: tuple[str, int]) -> None:
    code, decimals = currency
    text = str(Decimal(minor).scaleb(-decimals))
    assert to_minor(text, code) == minor
    assert to_minor(float(text), code) == minor
    shown, _, unit = format_money(minor, code).rpartition(" ")
    assert unit == code
    assert to_minor(shown.replace(",", ""), code) == minor


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        (0.1 + 0.2, "EUR", 30),
        (1.005, "EUR", 101),  # a half goes away from zero, as it is written
        (-1.005, "EUR", -101),
        ("2.675", "EUR", 268),
        (0.5, "JPY", 1),
        ("0.0005", "KWD", 1),
        ("1e3", "EUR", 100_000),
        (7, "EUR", 700),
    ],
)
def test_rounding(amount: float | str, currency: str, minor: int) -> None:
    assert to_minor(amount, currency) == minor


@pytest.mark.parametrize("amount", ["", "much", "1,50", "nan", "inf", float("nan"), float("-inf")])
def test_what_is_no_amount(amount: float | str) -> None:
    with pytest.raises(ValueError, match=r"."):
        to_minor(amount, "EUR")


def test_without_a_currency_no_unit_is_written() -> None:
    assert format_money(123_456, "") == "1,234.56"
