"""Money as integer minor units: cents and pence, never floats."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

# ISO 4217:2015, table A.1, column "Minor unit"; every currency not listed has 2 decimals.
_DECIMALS = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0,
    "RWF": 0, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}  # fmt: skip


def to_minor(amount: float | str, currency: str) -> int:
    """Convert an amount in major units to minor units, halves rounded away from zero.

    Parameters
    ----------
    amount
        Amount in major units, such as 39.95. A float is read by its shortest decimal form, so 0.1
        is one tenth.
    currency
        ISO 4217 code, which gives the number of decimals.

    Raises
    ------
    ValueError
        When the amount is not a finite number.

    Examples
    --------
    >>> to_minor(39.95, "EUR"), to_minor("1200", "JPY"), to_minor(-0.005, "USD")
    (3995, 1200, -1)
    """
    try:
        value = Decimal(str(amount)).scaleb(_DECIMALS.get(currency, 2))
        return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    except InvalidOperation as error:
        raise ValueError(f"{amount!r} is not an amount of money") from error


def format_money(amount_minor: int, currency: str) -> str:
    """Write an amount for people, such as ``39.95 EUR``.

    Examples
    --------
    >>> format_money(-3995, "EUR"), format_money(1200, "JPY")
    ('-39.95 EUR', '1,200 JPY')
    """
    decimals = _DECIMALS.get(currency, 2)
    return f"{Decimal(amount_minor).scaleb(-decimals):,.{decimals}f} {currency}".strip()
