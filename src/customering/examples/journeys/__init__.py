"""The journeys people know, as actions with rules: when each begins, for whom, and when it lapses.

Nobody is moved along a path. Each journey is one or two actions that come into question while their
condition holds; permission, caps and what else could be done decide as for any other action.
"""

import re
import tomllib
from calendar import monthrange
from collections.abc import Mapping
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

_FITS: Final = {
    "channel": re.compile(r"[a-z]{1,20}"),
    "product": re.compile(r'[^\s"\\{}]{1,200}'),
    "month": re.compile(r"\d{4}-(0[1-9]|1[0-2])"),
}
_ACTION_ID = re.compile(r'^action_id = "([^"{]+)', re.MULTILINE)
_FIRST_TRAIT = re.compile(r"^\[\[trait\]\]", re.MULTILINE)
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
    options
        What must be told to add it, with the meaning of each.
    """

    name: str
    title: str
    when: str
    lapses: str
    reads: tuple[str, ...]
    options: dict[str, str] = msgspec.field(default_factory=dict)


class Written(NamedTuple):
    """A journey as definitions of a home, in TOML: the traits it needs, maybe none, and actions."""

    journey: Journey
    traits: str
    actions: str


@cache
def journeys() -> tuple[Journey, ...]:
    """Give all journeys that ship."""
    return tuple(_parts(name).journey for name in NAMES)


def written(name: str, channel: str = "email", options: Mapping[str, str] | None = None) -> Written:
    """Write a journey for a channel.

    Parameters
    ----------
    name
        Which journey.
    channel
        The channel its messages go by, such as ``email``.
    options
        What it must be told: ``product`` or ``month``.

    Raises
    ------
    Absent
        When there is no such journey.
    Invalid
        When an option is missing, is not one of the journey, or cannot be accepted.
    """
    if name not in NAMES:
        raise Absent(f"there is no journey {name!r}", hint=f"journeys: {', '.join(NAMES)}")
    parts, told = _parts(name), dict(options or {})
    wanted = parts.journey.options
    if told.keys() != wanted.keys():
        words = " and ".join(wanted) or "no option"
        raise Invalid(
            f"the journey {name!r} takes {words}",
            hint=" ".join(wanted.values()) or "leave it out",
        )
    values = {"channel": channel, **told}
    for option, value in values.items():
        if _FITS[option].fullmatch(value) is None:
            raise Invalid(f"{value!r} cannot be the {option}", hint=wanted.get(option, ""))
    if "month" in values:
        values |= _month(values["month"])
    actions = parts.actions
    for option, value in values.items():
        actions = actions.replace(f"{{{option}}}", value)
    return parts._replace(actions=actions)


def action_ids() -> dict[str, tuple[str, ...]]:
    """Give for each journey the ids of its actions; one that ends in ``_`` is how they begin."""
    return {name: tuple(_ACTION_ID.findall(_parts(name).actions)) for name in NAMES}


def _month(month: str) -> dict[str, str]:
    """Give what a month is written as: its last day, and its number of two digits."""
    year, number = (int(part) for part in month.split("-"))
    last = monthrange(year, number)[1]
    return {"month_end": f"{month}-{last}", "month_number": month[-2:]}


@cache
def _parts(name: str) -> Written:
    """Read the file of a journey: what is said of it, then its traits, then its actions."""
    text = files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    action = _FIRST_ACTION.search(text)
    trait = _FIRST_TRAIT.search(text)
    assert action is not None, f"{name}.toml holds an action"
    begins = action.start() if trait is None else trait.start()
    said = tomllib.loads(text[:begins])
    return Written(
        msgspec.convert(said["journey"], type=Journey),
        text[begins : action.start()],
        text[action.start() :],
    )
