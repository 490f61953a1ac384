"""Amounts of money in events: whole minor units, read from what senders write."""

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from customering.kernel.money import to_minor

# The largest whole number that every JSON reader keeps exactly (RFC 8259, section 6).
MINOR_MAX = 2**53 - 1
_CACHE_ENTRIES = 16_384


@lru_cache(maxsize=_CACHE_ENTRIES)
def minor_units(amount: float | str, currency: str) -> int | None:
    """Give an amount in minor units, or None when it is no amount or too large to be one.

    Prices repeat, so results are kept: decimal arithmetic costs some 2 us, a look-up 0.1 us.

    Examples
    --------
    >>> minor_units("19.99", "USD"), minor_units(1200, "JPY"), minor_units("free", "USD")
    (1999, 1200, None)
    """
    try:
        minor = to_minor(amount, currency)
    except ValueError:
        return None
    return minor if abs(minor) <= MINOR_MAX else None


def line_amount_minor(price_minor: int, quantity: float | None) -> int | None:
    """Give what a line of an order comes to: price times quantity, one piece when it says nothing.

    Quantities may be fractions, such as kilograms; halves are rounded away from zero. None when the
    product is too large to be an amount.

    Examples
    --------
    >>> line_amount_minor(250, 3), line_amount_minor(199, 0.5), line_amount_minor(199, None)
    (750, 100, 199)
    """
    if quantity is None:
        amount = price_minor
    elif isinstance(quantity, int):
        amount = price_minor * quantity
    else:
        exact = Decimal(price_minor) * Decimal(str(quantity))
        if abs(exact) > MINOR_MAX:
            return None
        amount = int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    return amount if abs(amount) <= MINOR_MAX else None


@lru_cache(maxsize=256)
def usual_currency(code: str, default: str) -> str | None:
    """Give what `currency_code` gives for a text; kept, because few currencies are sent."""
    return currency_code(code, default)


def currency_code(value: object, default: str) -> str | None:
    """Give a currency as three capital letters, the default for none, None for what is no code.

    Examples
    --------
    >>> currency_code("eur", "USD"), currency_code(None, "USD"), currency_code("Euro", "USD")
    ('EUR', 'USD', None)
    """
    if value is None or value == "":
        return default
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha():
        return value.upper()
    return None
