"""Why a candidate lost: a small number for each rule, a letter for it in the log, and words."""

from typing import Final, get_args

import numpy as np
from numpy.typing import NDArray

from customering.decision.model import Lost

Codes = NDArray[np.uint8]
"""One number a candidate: 0 when it did not lose, otherwise the place of its rule in `RULES`."""

RULES: Final[tuple[Lost | None, ...]] = (None, *get_args(Lost))
CODE_OF: Final[dict[Lost, int]] = {
    rule: code for code, rule in enumerate(RULES) if rule is not None
}

_LETTER_OF: Final[dict[Lost, str]] = {
    "duplicate": "d", "placement": "p", "channel": "c", "not_yet": "n", "over": "o",
    "sold_out": "s", "budget_spent": "b", "not_eligible": "e", "consent": "a", "status": "t",
    "not_essential": "g", "control": "k", "cap": "m", "quiet_hours": "h", "dismissed": "i",
    "cooldown": "r", "personal_only": "y", "quiet_better": "q", "outscored": "x", "variety": "v",
    "room_for_discovery": "w", "exploration": "z", "not_applicable": "f", "not_suitable": "j",
    "spacing": "l", "holdout": "u", "excluded": "A", "outranked": "B",
}  # fmt: skip
_CHOSEN_LETTER = "."

IN_QUESTION: Final[tuple[Lost, ...]] = (
    "quiet_better", "outscored", "variety", "room_for_discovery", "exploration", "excluded",
)  # fmt: skip
"""What is lost by those that came into question, and so had a chance of the first place."""

WORDS: Final[dict[Lost, str]] = {
    "duplicate": "It is considered already.",
    "personal_only": "It is not among what everybody gets.",
    "placement": "It belongs in another place.",
    "channel": "It belongs to another channel.",
    "not_yet": "It starts on {starts}.",
    "over": "It ended on {ended}.",
    "sold_out": "There is none left.",
    "budget_spent": "What was set aside for it is spent.",
    "not_eligible": "It is only for whom this holds: {eligibility}",
    "not_applicable": "It means something only where this holds: {applicability}",
    "not_suitable": "We think it does you no good unless this holds: {suitability}",
    "spacing": "You had something like it on {seen}; there are {spacing_hours} hours between.",
    "holdout": "You are in the group that does not get it, so that we can tell whether it helps.",
    "outranked": "You told us what you look for, so we do not remind you of it.",
    "excluded": "It does not go together with something else that is here.",
    "dismissed": "You said no to it on {seen}; it rests for {days} days.",
    "cooldown": "You had it on {seen}; it rests for {cooldown_days} days.",
    "quiet_better": "It is worth less to us than leaving you alone.",
    "outscored": "Others fit you better, and there is no place left.",
    "variety": "There is enough of {group} already.",
    "room_for_discovery": "Its place was kept for something new to you.",
    "exploration": "Its place went to something that was drawn by chance.",
}
"""What the person reads; rules that are missing here say it in words of the consent, the status or
the limit that they ask."""

NOT_ESSENTIAL: Final = "It has no place in a message that the service needs."

_LETTERS = bytes(ord(_CHOSEN_LETTER if rule is None else _LETTER_OF[rule]) for rule in RULES).ljust(
    256, b"?"
)
_CODES = {chr(letter): code for code, letter in enumerate(_LETTERS[: len(RULES)])}


def to_letters(codes: Codes) -> str:
    """Write codes as text, one letter each."""
    return codes.tobytes().translate(_LETTERS).decode("ascii")


def from_letters(text: str) -> Codes:
    """Read codes back.

    Raises
    ------
    KeyError
        When a letter stands for no rule.
    """
    return np.fromiter((_CODES[letter] for letter in text), dtype=np.uint8, count=len(text))
