"""Whom a person knows, and what those show: read anew for each decision, so a no holds at once.

Nothing of it is kept anywhere: a friendship is in the states of both sides, what a friend shows is
in theirs, under a purpose of its own. Who takes it back, goes or is erased shows nothing more.
"""

from collections.abc import Callable
from typing import Any

from customering.app.glance import Glance
from customering.consent.gate import CompiledPolicy
from customering.kernel.ids import Identifier
from customering.taste.friends import Dated, Shown, latest_words, shown_to, tips
from customering.taste.list_settings import ListSettings
from customering.taste.sources import Found

SEE_PURPOSE = "personalize.friends"
"""The purpose under which somebody is shown what people they know like."""

SHOW_PURPOSE = "share.friends"
"""The purpose under which what somebody buys counts in what people they know are shown."""

_FRIENDS_MOST = 200

LookUp = Callable[[Identifier, int], Glance]
"""Gives a glance at whoever an identifier names, at an instant; knowing nothing if need be."""


class Knowing:
    """Reads what people whom somebody knows show to them.

    Parameters
    ----------
    look_up
        Gives other people; None where nobody else can be seen.
    policy
        What is permitted.
    settings
        How many must agree, and for how long.
    """

    def __init__(
        self, look_up: LookUp | None, policy: CompiledPolicy, settings: ListSettings
    ) -> None:
        self._look_up = look_up
        self._policy = policy
        self._settings = settings

    def tips(
        self, person: Glance, now_ms: int, category_of: Callable[[str], str]
    ) -> tuple[Found, ...]:
        """Give what people a person knows speak for; nothing for nearly everybody, at no cost."""
        added = person.values.kept("friends_added")
        if not added or self._look_up is None or not person.permits(SEE_PURPOSE, "", self._policy):
            return ()
        look_up = self._look_up
        seen: dict[str, Glance] = {}

        def person_of(name: Identifier) -> str:
            found = look_up(name, now_ms)
            seen[found.person_id] = found
            return found.person_id

        said = latest_words(_dated(added), _dated(_removed(person)), person_of)
        friends = [
            self._shown(seen[person_id], person)
            for person_id, (_, is_yes) in list(said.items())[:_FRIENDS_MOST]
            if is_yes and self._is_friend(seen[person_id], person)
        ]
        return tips(friends, now_ms, self._settings, category_of) if friends else ()

    def _is_friend(self, other: Glance, person: Glance) -> bool:
        """Tell whether the other one says so too, and lets themselves be seen."""
        if other.person_id == person.person_id:
            return False
        if not other.permits(SHOW_PURPOSE, "", self._policy):
            return False
        mine = dict.fromkeys(person.identifiers)

        def is_me(name: Identifier) -> str:
            return person.person_id if name in mine else name

        said = latest_words(
            _dated(other.values.kept("friends_added")), _dated(_removed(other)), is_me
        )
        return said.get(person.person_id, (None, False))[1]

    def _shown(self, other: Glance, person: Glance) -> Shown:
        read = other.values.kept
        shared = tuple(_dated(read("shared_products")))
        recipients = _dated(read("shared_with"))
        return Shown(
            bought=tuple(_dated(read("bought_for_friends"))),
            liked=tuple(_dated(read("liked_for_friends"))),
            shared=shared,
            to_you=shown_to(shared, recipients, dict.fromkeys(person.identifiers)),
        )


def _removed(person: Glance) -> list[Any]:
    return person.values.kept("friends_removed")


def _dated(states: list[Any]) -> list[Dated]:
    """Give what is kept under all anchors of a person, the earliest first."""
    return sorted((int(at_ms), str(what)) for state in states for at_ms, what in state)
