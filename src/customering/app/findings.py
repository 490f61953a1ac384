"""What the doctor finds."""

from collections.abc import Iterator
from typing import Literal

from customering.kernel.records import Record

Level = Literal["ok", "note", "problem"]


class Finding(Record, frozen=True, kw_only=True):
    """One thing the doctor looked at.

    Parameters
    ----------
    what
        What it is about.
    level
        ``ok``; ``note`` for what you may want to know; ``problem`` for what has to be mended.
    words
        What was found.
    todo
        What to do; empty when there is nothing to do.
    """

    what: str
    level: Level
    words: str
    todo: str = ""


Findings = Iterator[Finding]


def finding(what: str, level: Level, words: str, todo: str = "") -> Finding:
    """Give a finding."""
    return Finding(what=what, level=level, words=words, todo=todo)
