"""Whatever the shop's colour is, what is written in its shades can be read, light and dark."""

from hypothesis import given, settings
from hypothesis import strategies as st

from customering.portal.colours import (
    _DARK,
    _DARK_PAPER,
    _PAPER,
    _WHITE,
    _read,
    contrast,
    shades_of,
)

READABLE = 4.5


@settings(max_examples=300, deadline=None)
@given(st.from_regex(r"#[0-9a-f]{6}", fullmatch=True))
def test_every_shade_can_be_read_where_it_stands(colour: str) -> None:
    shades = shades_of(colour)
    assert contrast(_read(shades.on_brand), _read(shades.brand)) >= READABLE
    for ground in (_read(shades.wash), _WHITE, _PAPER):
        assert contrast(_read(shades.text), ground) >= READABLE
    for ground in (_read(shades.dark_wash), _DARK, _DARK_PAPER):
        assert contrast(_read(shades.dark_text), ground) >= READABLE
