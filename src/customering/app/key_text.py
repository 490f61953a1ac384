"""The written form of a key: what it is for, 190 random bits, and a checksum against mistyping.

``cw_`` a write key, ``cs_`` a server key, ``ck_live_`` a secret key; then 32 letters and digits at
random; then 6 that are the CRC-32 of everything before them. So a scanner of source code can tell a
key from look-alikes without asking anybody: ``(cw|cs|ck_live)_[0-9A-Za-z]{38}`` and the checksum.
"""

import re
from collections.abc import Callable
from typing import Literal
from zlib import crc32

TextKind = Literal["write", "server", "secret"]

PREFIXES: dict[TextKind, str] = {"write": "cw_", "server": "cs_", "secret": "ck_live_"}
LENGTH_MAX = 46
"""Characters of the longest form; what is longer is no key."""

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_LENGTH = 32
_RANDOM_BYTES = 24  # 192 bits, of which 32 digits hold 190.5
_CHECKSUM_LENGTH = 6  # 62**6 > 2**32
_FORM = re.compile(rf"(cw_|cs_|ck_live_)[0-9A-Za-z]{{{_RANDOM_LENGTH + _CHECKSUM_LENGTH}}}")
_KINDS: dict[str, TextKind] = {prefix: kind for kind, prefix in PREFIXES.items()}


def new_text(kind: TextKind, chance: Callable[[int], bytes]) -> str:
    """Write a new key.

    Parameters
    ----------
    kind
        What it is for.
    chance
        Gives that many bytes nobody can guess, as `secrets.token_bytes` does.

    Examples
    --------
    >>> new_text("write", bytes)
    'cw_000000000000000000000000000000002z8mqJ'
    """
    number = int.from_bytes(chance(_RANDOM_BYTES), "big")
    text = PREFIXES[kind] + _base62(number, _RANDOM_LENGTH)
    return text + checksum(text)


def kind_of_text(text: str) -> TextKind | None:
    """Tell what a text is a key for; None when it is no key, a mistyped one included.

    Examples
    --------
    >>> kind_of_text("cw_000000000000000000000000000000002z8mqJ")
    'write'
    >>> kind_of_text("cw_000000000000000000000000000000012z8mqJ") is None
    True
    """
    form = _FORM.fullmatch(text)
    if form is None or checksum(text[:-_CHECKSUM_LENGTH]) != text[-_CHECKSUM_LENGTH:]:
        return None
    return _KINDS[form[1]]


def checksum(text: str) -> str:
    """Give the six characters that follow this text."""
    return _base62(crc32(text.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    """Write the last digits of a number in base 62."""
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
