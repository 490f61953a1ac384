"""The shop's colour in shades that can be read: contrast as WCAG 2.2 measures it."""

from collections.abc import Sequence
from typing import NamedTuple

Colour = tuple[int, int, int]
"""Red, green and blue, each 0 to 255."""

_READABLE = 4.5  # WCAG 2.2, 1.4.3
_WHITE, _INK, _BLACK = (255, 255, 255), (22, 26, 31), (0, 0, 0)
_PAPER = (245, 245, 242)
_DARK, _DARK_PAPER = (26, 30, 36), (17, 20, 24)  # cards and pages in the style sheet, where dark
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
    dark_text, dark_wash
        The same two where people want dark pages.
    """

    brand: str
    on_brand: str
    text: str
    wash: str
    dark_text: str
    dark_wash: str


def shades_of(colour: str) -> Shades:
    """Give the shades of a colour, written ``#0b5d56``.

    Examples
    --------
    >>> shades_of("#ffe14d").on_brand
    '#161a1f'
    """
    brand = _read(colour)
    wash, dark_wash = _mix(_WHITE, brand, 0.07), _mix(_DARK, brand, 0.14)
    # On every colour either white or black can be read, ink almost as well.
    on_brand = next(one for one in (_WHITE, _INK, _BLACK) if contrast(brand, one) >= _READABLE)
    return Shades(
        _write(brand),
        _write(on_brand),
        _write(_readable(brand, _INK, (wash, _WHITE, _PAPER))),
        _write(wash),
        _write(_readable(brand, _WHITE, (dark_wash, _DARK, _DARK_PAPER))),
        _write(dark_wash),
    )


def _readable(brand: Colour, towards: Colour, grounds: Sequence[Colour]) -> Colour:
    """Give the shade nearest to a colour that can be read on some grounds."""
    for step in range(_STEPS):
        shade = _mix(brand, towards, step / _STEPS)
        if min(contrast(shade, ground) for ground in grounds) >= _READABLE:
            return shade
    return towards


def contrast(one: Colour, other: Colour) -> float:
    """Give the contrast ratio of two colours, 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Colour) -> float:
    parts = []
    for value in colour:
        share = value / 255
        parts.append(share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4)
    red, green, blue = parts
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _read(colour: str) -> Colour:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _write(colour: Colour) -> str:
    return "#" + "".join(f"{value:02x}" for value in colour)
