"""The rules of identity made ready for use: rank, order, limits, sharing, blocked values."""

import re
from collections.abc import Iterable, Mapping, Sequence

from customering.identity.model import STANDARD_LIMITS, IdentitySettings, Link, Refusal
from customering.kernel.errors import InvalidSettings
from customering.kernel.ids import Identifier, kind_of, value_of

Rank = tuple[int, str, str]
"""Place of the type, type, value: smaller is more trusted."""

Order = tuple[bool, int, str, Rank, Rank]
"""When a link is taken: operators' joins first, then by instant, evidence and identifiers."""

Apart = Mapping[Identifier, frozenset[Identifier]]
"""Which identifiers an operator keeps apart from which; held in both directions."""


class IdentityRules:
    """The settings of identity, checked and compiled.

    Parameters
    ----------
    settings
        The section ``[identity]``.

    Raises
    ------
    InvalidSettings
        When a type is ranked twice or a pattern is not a regular expression.
    """

    def __init__(self, settings: IdentitySettings | None = None) -> None:
        self.settings = settings or IdentitySettings()
        ranked = (*self.settings.priority, *self.settings.last)
        if len(set(ranked)) != len(ranked):
            raise InvalidSettings(
                "A type of identifier is ranked twice",
                hint="Name each type once, in identity.priority or in identity.last.",
            )
        self._middle = len(self.settings.priority)
        self._places = {kind: place for place, kind in enumerate(self.settings.priority)}
        self._places |= {
            kind: self._middle + 1 + place for place, kind in enumerate(self.settings.last)
        }
        self._limits = STANDARD_LIMITS | self.settings.limits
        self.personal = frozenset(self.settings.personal)
        self._blocked = frozenset(value.casefold() for value in self.settings.blocked_values)
        self._patterns = tuple(map(_compiled, self.settings.blocked_patterns))

    def rank(self, name: Identifier) -> Rank:
        """Give how much an identifier is trusted: of two, the smaller rank is trusted more."""
        kind, _, value = name.partition(":")
        return self._places.get(kind, self._middle), kind, value

    def order(self, link: Link) -> Order:
        """Give when a link is taken; no two links of different pairs are equal in it."""
        one, other = self.rank(link.left), self.rank(link.right)
        if other < one:
            one, other = other, one
        return link.kind != "joined", link.occurred_at, link.evidence, one, other

    def precedes(self, link: Link, order: Order) -> bool:
        """Tell whether a link is taken before the one of this order."""
        if link.occurred_at != order[1] and order[0] and link.kind != "joined":
            return link.occurred_at < order[1]
        return self.order(link) < order

    def standing(
        self, name: Identifier, accepted: Iterable[Link]
    ) -> tuple[int, str, int, str, Identifier]:
        """Give the standing of an identifier in its person: the smallest is the canonical one.

        By type first; of one type, the one that became part of the person by the earliest event.

        Parameters
        ----------
        name
            The identifier.
        accepted
            Its accepted links.
        """
        place, kind, _ = self.rank(name)
        at, evidence = min(
            ((link.occurred_at, link.evidence) for link in accepted), default=(0, "")
        )
        return place, kind, at, evidence, name

    def limit(self, kind: str) -> int:
        """Give how many identifiers of a type one person may have."""
        return self._limits.get(kind, self.settings.other_limit)

    def shared_above(self, kind: str, neighbour: str) -> int | None:
        """Give above how many neighbours of one type an identifier is shared; None for never.

        An identifier of which one person has only one (``user_id``) is that person by definition.
        """
        if neighbour not in self.personal or self.limit(kind) == 1:
            return None
        return max(self.settings.shared_above, self.limit(neighbour))

    def is_blocked(self, name: Identifier) -> bool:
        """Tell whether the value of an identifier names nobody, such as ``null`` or ``0000``."""
        value = value_of(name)
        if value.casefold() in self._blocked:
            return True
        for pattern in self._patterns:  # noqa: SIM110 - a generator would double the cost
            if pattern.search(value):
                return True
        return False

    def breach(
        self,
        link: Link,
        left: Sequence[Identifier],
        right: Sequence[Identifier],
        apart: Apart,
    ) -> Refusal | None:
        """Tell which rule, if any, keeps two people from being united by a link.

        Parameters
        ----------
        link
            The link between them.
        left, right
            Their identifiers, each once.
        apart
            What operators keep apart.

        Notes
        -----
        Of a type that only one of the two has, the union has as many as that one, so an excess
        that an operator's join made does not stand against further links. Every rule is
        monotone: what is refused stays refused when either person grows. `Partition` rests on it.
        """
        if apart:
            kept = [(min(a, b), max(a, b)) for a in left for b in apart.get(a, ()) if b in right]
            if kept:
                return Refusal(link=link, rule="separated", about=min(kept))
        if link.kind == "joined":
            return None
        ours = [kind_of(name) for name in left]
        theirs = [kind_of(name) for name in right]
        both = set(ours).intersection(theirs)
        for kind in sorted(both, key=lambda kind: self.rank(Identifier(kind))) if both else ():
            count, limit = ours.count(kind) + theirs.count(kind), self.limit(kind)
            if count > limit:
                return Refusal(link=link, rule="limit", about=(kind,), limit=limit, count=count)
        merges = len(left) + len(right) - 1
        if merges > self.settings.merges_max:
            return Refusal(link=link, rule="merges", limit=self.settings.merges_max, count=merges)
        return None


def earlier(link: Link, other: Link) -> bool:
    """Tell whether an observed link shows its pair before another one does."""
    return (link.occurred_at, link.evidence, link.source) < (
        other.occurred_at,
        other.evidence,
        other.source,
    )


def ruling_order(link: Link) -> tuple[int, str, bool, str]:
    """Give the order of an operator's rulings on one pair; the last one holds."""
    return link.occurred_at, link.evidence, link.kind == "separated", link.source


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise InvalidSettings(
            f"identity.blocked_patterns: {pattern!r} is not a regular expression: {error}",
            hint="Correct the pattern, or move a plain value to identity.blocked_values.",
        ) from error
