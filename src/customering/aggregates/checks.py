"""Checks of the parameters people write, and of the type a key is made of."""

from typing import Any

from customering.kernel.errors import InvalidDefinition


def check_range(parameter: str, number: float, low: float, high: float, unit: str = "") -> None:
    """Refuse a parameter outside its range.

    Raises
    ------
    InvalidDefinition
        When the number is not between the bounds (both allowed).
    """
    if not low <= number <= high:
        raise InvalidDefinition(
            f"{parameter} = {number} is out of range",
            hint=f"Give {parameter} a value from {low:g} to {high:g} {unit}".strip() + ".",
            parameter=parameter,
        )


def check_whole(parameter: str, number: int, low: int, high: int, unit: str = "") -> None:
    """Refuse a parameter that is not a whole number, or outside its range.

    Raises
    ------
    InvalidDefinition
        When the number is not whole or not between the bounds (both allowed).
    """
    check_range(parameter, number, low, high, unit)
    if type(number) is not int:
        raise InvalidDefinition(
            f"{parameter} = {number} is not a whole number",
            hint=f"Give {parameter} a whole number.",
            parameter=parameter,
        )


def key_text(value: Any) -> str:
    """Give the text under which a value is a key: as SQL casts texts, whole numbers and booleans.

    Notes
    -----
    Fractional numbers make poor keys: above 1e16 the texts of Python and SQL differ.

    Examples
    --------
    >>> key_text("milk"), key_text(17), key_text(True)
    ('milk', '17', 'true')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
