"""The shop's colour in shades that can be read: contrast as WCAG 2.2 measures it."""

from typing import NamedTuple

_READABLE = 4.5  # WCAG 2.2, 1.4.3
_WHITE, _INK = (255, 255, 255), (22, 26, 31)
_STEPS = 20


class Shades(NamedTuple):
    """Colours for the style sheet.

    Parameters
    ----------
    brand
        The shop's colour itself, for areas.
    on_brand
        What can be read on it.
    text
        It, or a darker shade of it, that can be read on white.
    wash
        A trace of it, as a background.
    """

    brand: str
    on_brand: str
    text: str
    wash: str


def shades_of(colour: str) -> Shades:
    """Give the shades of a colour, written ``#0b5d56``.

    Examples
    --------
    >>> shades_of("#ffe14d").on_brand
    '#161a1f'
    """
    brand = _read(colour)
    text = brand
    for step in range(_STEPS + 1):
        text = _mix(brand, _INK, step / _STEPS)
        if contrast(text, _mix(_WHITE, brand, 0.07)) >= _READABLE:
            break
    on_brand = _WHITE if contrast(brand, _WHITE) >= _READABLE else _INK
    return Shades(_write(brand), _write(on_brand), _write(text), _write(_mix(_WHITE, brand, 0.07)))


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """Give the contrast ratio of two colours, 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: tuple[int, int, int]) -> float:
    parts = []
    for value in colour:
        share = value / 255
        parts.append(share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4)
    red, green, blue = parts
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _mix(
    one: tuple[int, int, int], other: tuple[int, int, int], share: float
) -> tuple[int, int, int]:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _read(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _write(colour: tuple[int, int, int]) -> str:
    return "#" + "".join(f"{value:02x}" for value in colour)
