"""Repeatable chance: draws that are a function of a seed and names, so anything can be replayed."""

from hashlib import blake2b

_UNIT = 2.0**-64


def draw(seed: int, *names: str) -> float:
    """Give a number in [0, 1) that depends only on the seed and the names.

    The same seed and names always give the same number, in any process, so an assignment by draw
    (a control group, an exploration) is stable without being stored.

    Examples
    --------
    >>> draw(7, "control", "user_id:1") == draw(7, "control", "user_id:1")
    True
    >>> 0.0 <= draw(7, "control", "user_id:2") < 1.0
    True
    """
    text = "\x1f".join((str(seed), *names))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") * _UNIT
