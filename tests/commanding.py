"""What tests of the command line share: typing a command, and what it said."""

from collections.abc import Callable
from typing import NamedTuple


class Said(NamedTuple):
    """What a command said: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]
