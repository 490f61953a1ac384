"""The journeys people know, as actions with rules: when each begins, for whom, and when it lapses.

Nobody is moved along a path. Each journey is one or two actions that come into question while their
condition holds; permission, caps and what else could be done decide as for any other action.
"""

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

import msgspec

from customering.kernel.errors import Absent, Invalid
from customering.kernel.records import Record

NAMES: Final = (
    "welcome", "abandoned_cart", "back_in_stock", "win_back", "replenishment",
    "post_purchase_care", "birthday",
)  # fmt: skip
"""The journeys that ship."""

_CHANNEL: Final = re.compile(r"[a-z]{1,20}")
_ACTION_ID = re.compile(r'^action_id = "([^"]+)', re.MULTILINE)
_FIRST_ACTION = re.compile(r"^(#[^\n]*\n)*\[\[action\]\]", re.MULTILINE)


class Journey(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said of a journey.

    Parameters
    ----------
    name, title
        What it is called, by programs and by people.
    when, lapses
        For whom it comes into question, and until when.
    reads
        The traits and declared facts that its condition reads.
    """

    name: str
    title: str
    when: str
    lapses: str
    reads: tuple[str, ...]


class Written(NamedTuple):
    """A journey as definitions of a home: its actions, in TOML."""

    journey: Journey
    actions: str


@cache
def journeys() -> tuple[Journey, ...]:
    """Give all journeys that ship."""
    return tuple(_parts(name).journey for name in NAMES)


def written(name: str, channel: str = "email") -> Written:
    """Write a journey for a channel.

    Parameters
    ----------
    name
        Which journey.
    channel
        The channel its messages go by, such as ``email``.

    Raises
    ------
    Absent
        When there is no such journey.
    Invalid
        When the channel is no word.
    """
    if name not in NAMES:
        raise Absent(f"there is no journey {name!r}", hint=f"journeys: {', '.join(NAMES)}")
    if _CHANNEL.fullmatch(channel) is None:
        raise Invalid(f"{channel!r} cannot be the channel", hint="such as email or push")
    parts = _parts(name)
    return parts._replace(actions=parts.actions.replace("{channel}", channel))


def action_ids() -> dict[str, tuple[str, ...]]:
    """Give for each journey the ids of its actions."""
    return {name: tuple(_ACTION_ID.findall(_parts(name).actions)) for name in NAMES}


@cache
def _parts(name: str) -> Written:
    """Read the file of a journey: what is said of it, then its actions."""
    text = files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    action = _FIRST_ACTION.search(text)
    assert action is not None, f"{name}.toml holds an action"
    said = tomllib.loads(text[: action.start()])
    return Written(msgspec.convert(said["journey"], type=Journey), text[action.start() :])
