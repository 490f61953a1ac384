"""The links that can matter for one identifier, read from a store a round at a time."""

from collections import Counter
from collections.abc import Callable, Iterable

from customering.identity.model import Link
from customering.identity.rules import IdentityRules
from customering.kernel.ids import Identifier, kind_of


def links_around(
    name: Identifier,
    touching: Callable[[Iterable[Identifier]], Iterable[Link]],
    rules: IdentityRules,
    *,
    as_of: int | None = None,
) -> list[Link]:
    """Give the links from which `resolve` says of this identifier what it says from all links.

    Parameters
    ----------
    name
        The identifier asked about.
    touching
        `LinkStore.touching` of the store that keeps the links.
    rules
        The rules.
    as_of
        Leave out what occurred after this instant. Milliseconds since 1970.

    Notes
    -----
    Everything that hangs together is read, but the walk does not go on from a shared identifier:
    a till is read with its thousands of links, the people who used it are not.

    Examples
    --------
    >>> from customering.identity.model import link_between
    >>> ada, phone = Identifier("user_id:ada"), Identifier("phone:+4930901820")
    >>> kept = [link_between(ada, phone, evidence="e1", occurred_at=1)]
    >>> len(links_around(ada, lambda names: kept, IdentityRules()))
    1
    """
    found: dict[Link, None] = {}
    seen: set[Identifier] = set()
    edge = {name}
    while edge:
        links = [
            link
            for link in touching(sorted(edge))
            if (as_of is None or link.occurred_at <= as_of)
            and not (rules.is_blocked(link.left) or rules.is_blocked(link.right))
        ]
        found.update(dict.fromkeys(links))
        by_end: dict[Identifier, list[Link]] = {end: [] for end in edge}
        for link in links:
            for end in (link.left, link.right):
                if end in by_end:
                    by_end[end].append(link)
        seen |= edge
        edge = {
            end
            for here, held in by_end.items()
            for link in _leading_on(here, held, rules)
            for end in (link.left, link.right)
        } - seen
    return list(found)


def _leading_on(name: Identifier, links: list[Link], rules: IdentityRules) -> list[Link]:
    """Give the links that may unite an identifier with others; of a shared one only rulings."""
    rulings = [link for link in links if link.kind != "observed"]
    ruled = {(link.left, link.right) for link in rulings}
    free = {(link.left, link.right) for link in links} - ruled
    seen_with = Counter(kind_of(right if left == name else left) for left, right in free)
    for kind, count in seen_with.items():
        above = rules.shared_above(kind_of(name), kind)
        if above is not None and count > above:
            return rulings
    return links
