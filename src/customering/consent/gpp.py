"""Reads the opt-outs out of what a consent platform writes: IAB GPP strings and US Privacy strings.

Only that is read which refuses: opted out of sale, of sharing, of targeted advertising, or a Global
Privacy Control bit. What such a string allows permits nothing here, so it is not read at all.

References
----------
IAB Tech Lab, Global Privacy Platform: Consent String Specification (header, Fibonacci ranges), and
the specifications of sections 6 to 27 (US Privacy, US National, US states).
"""

from collections.abc import Iterator

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_VALUES = {letter: place for place, letter in enumerate(_ALPHABET)}
_HEADER = "D"
"""The first letter of every header: six bits of the type 3."""

_LENGTH_MOST = 20_000
_TYPE_BITS, _VERSION_BITS, _COUNT_BITS = 6, 6, 12
_FIELD_BITS = 2
_OPTED_OUT = 1
_US_PRIVACY_SECTION = 6
_US_PRIVACY_LENGTH = 4
_SECTIONS_MOST = 100

# Places of the opt-outs among the fields of two bits that follow on the version of a section.
_OF_A_STATE = (3, 4)
_OPT_OUTS: dict[int, tuple[int, ...]] = {
    7: (6, 7, 8),  # US National: sale, sharing, targeted advertising
    8: _OF_A_STATE,  # California: sale, sharing
    **dict.fromkeys((9, 10, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23), _OF_A_STATE),
    **dict.fromkeys((11, 18), (4, 5)),  # Utah and Iowa have one notice more
    **dict.fromkeys((24, 25, 26, 27), (5, 6)),  # these begin with the agreement they rest on
}
_GPC_SEGMENT = "01"


def gpp_opts_out(text: str) -> bool:
    """Tell whether a GPP string says that somebody opted out; false when it cannot be read.

    Examples
    --------
    >>> gpp_opts_out("DBABLA~CVVVkkkkkpFY.YA")
    True
    >>> gpp_opts_out("DBABLA~CAAAVVVVAFBA.QA")
    False
    >>> gpp_opts_out("DBABTA~1YYN")
    True
    """
    header, *sections = text.split("~")
    if len(text) > _LENGTH_MOST or not header.startswith(_HEADER):
        return False
    try:
        ids = list(_section_ids(_bits(header)))
        return len(ids) == len(sections) and any(map(_section_opts_out, ids, sections))
    except ValueError:
        return False


def us_privacy_opts_out(text: str) -> bool:
    """Tell whether a US Privacy string, such as ``1YYN``, says that somebody opted out of sale."""
    return len(text) == _US_PRIVACY_LENGTH and text[0] == "1" and text[2] in "Yy"


def _section_opts_out(section: int, text: str) -> bool:
    if section == _US_PRIVACY_SECTION:
        return us_privacy_opts_out(text)
    places = _OPT_OUTS.get(section)
    if places is None:
        return False
    core, *others = text.split(".")
    bits = _bits(core)
    if any(_field(bits, place) == _OPTED_OUT for place in places):
        return True
    return any(_bits(other)[:3] == _GPC_SEGMENT + "1" for other in others if other)


def _field(bits: str, place: int) -> int:
    """Read one field of two bits after the version."""
    begin = _VERSION_BITS + place * _FIELD_BITS
    return int(bits[begin : begin + _FIELD_BITS], 2)


def _section_ids(bits: str) -> Iterator[int]:
    """Read which sections follow, from a header: single ids and ranges, each counted on.

    Raises
    ------
    ValueError
        When it ends too soon, or names absurdly many.
    """
    at = _TYPE_BITS + _VERSION_BITS
    count = int(bits[at : at + _COUNT_BITS], 2)
    at += _COUNT_BITS
    last = given = 0
    for _ in range(count):
        is_range = bits[at : at + 1] == "1"
        step, at = _fibonacci(bits, at + 1)
        first = last = last + step
        if is_range:
            step, at = _fibonacci(bits, at)
            last = first + step
        given += 1 + last - first
        if given > _SECTIONS_MOST:
            raise ValueError("there are more sections than can be")
        yield from range(first, last + 1)


def _fibonacci(bits: str, at: int) -> tuple[int, int]:
    """Read one number in Fibonacci code, which ends with two ones; give what comes after it too.

    Raises
    ------
    ValueError
        When it does not end.
    """
    end = bits.index("11", at)
    value, weights = 0, (1, 2)
    for bit in bits[at : end + 1]:
        value += weights[0] if bit == "1" else 0
        weights = weights[1], weights[0] + weights[1]
    return value, end + 2


def _bits(text: str) -> str:
    """Write letters of six bits each as bits.

    Raises
    ------
    ValueError
        When there is another letter.
    """
    try:
        return "".join(f"{_VALUES[letter]:06b}" for letter in text)
    except KeyError as error:
        raise ValueError("it has a letter that none can be") from error
