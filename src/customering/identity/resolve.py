"""Who is one person: a pure function of the set of links, whatever order they came in.

1. Of each pair keep the earliest observation. Where an operator has ruled on a pair, the latest
   ruling stands in its place: a join as a link, a separation as a bar.
2. An identifier seen together with too many of one personal type is shared: its observed links are
   refused.
3. Take the links in a fixed order (operators' joins, then by instant, evidence and identifiers)
   and unite the two people each one names, unless that breaks a rule.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable

from customering.identity.model import IdentitySettings, Link, Pair, Refusal, Resolution
from customering.identity.rules import Apart, IdentityRules, earlier, ruling_order
from customering.kernel.ids import Identifier, kind_of


def resolve(
    links: Iterable[Link],
    settings: IdentitySettings | None = None,
    *,
    as_of: int | None = None,
) -> Resolution:
    """Give the people that a set of links adds up to.

    Parameters
    ----------
    links
        Links in any order, repeats allowed.
    settings
        The rules; the defaults when left out.
    as_of
        Leave out what occurred after this instant: identity as it was. Milliseconds since 1970.

    Notes
    -----
    Cost: a sort of the links, and for each link work up to the number of identifiers of the two
    people (at most ``merges_max + 1`` each, operators' joins aside). `IdentityGraph` keeps the same
    answer up to date link by link.

    Examples
    --------
    >>> from customering.identity.model import link_between
    >>> ada, bo, till = (Identifier(n) for n in ("user_id:ada", "user_id:bo", "device:till"))
    >>> found = resolve([
    ...     link_between(bo, till, evidence="e2", occurred_at=2),
    ...     link_between(ada, till, evidence="e1", occurred_at=1),
    ... ])
    >>> found.groups, [(refusal.link.evidence, refusal.rule) for refusal in found.refused]
    ((('user_id:ada', 'device:till'),), [('e2', 'limit')])
    """
    rules = IdentityRules(settings)
    observed, rulings = _condense(links, rules, as_of)
    apart = _apart(rulings)
    free = [link for pair, link in observed.items() if pair not in rulings]
    shared = _shared(free, rules)
    taken = [
        ruling if ruling.kind == "joined" else observed.get(pair)
        for pair, ruling in rulings.items()
    ]
    ordered = sorted([*free, *(link for link in taken if link is not None)], key=rules.order)

    people: dict[Identifier, list[Identifier]] = {}
    accepted: list[Link] = []
    refused: list[Refusal] = []
    for link in ordered:
        ends = tuple(end for end in (link.left, link.right) if end in shared)
        if ends and link.kind == "observed":
            refused.append(Refusal(link=link, rule="shared", about=ends))
            continue
        left = people.setdefault(link.left, [link.left])
        right = people.setdefault(link.right, [link.right])
        if left is right:
            continue
        refusal = rules.breach(link, left, right, apart)
        if refusal is not None:
            refused.append(refusal)
            continue
        accepted.append(link)
        small, large = sorted((left, right), key=len)
        large.extend(small)
        people.update(dict.fromkeys(small, large))
    return Resolution(
        groups=_groups(people, accepted, rules),
        accepted=tuple(accepted),
        refused=tuple(refused),
        shared=shared,
    )


def _condense(
    links: Iterable[Link], rules: IdentityRules, as_of: int | None
) -> tuple[dict[Pair, Link], dict[Pair, Link]]:
    """Keep the earliest observation and the latest ruling of each pair."""
    observed: dict[Pair, Link] = {}
    rulings: dict[Pair, Link] = {}
    for link in links:
        if as_of is not None and link.occurred_at > as_of:
            continue
        if rules.is_blocked(link.left) or rules.is_blocked(link.right):
            continue
        pair = (link.left, link.right)
        if link.kind == "observed":
            if pair not in observed or earlier(link, observed[pair]):
                observed[pair] = link
        elif pair not in rulings or ruling_order(link) > ruling_order(rulings[pair]):
            rulings[pair] = link
    return observed, rulings


def _apart(rulings: dict[Pair, Link]) -> Apart:
    """List what operators keep apart, in both directions."""
    apart: defaultdict[Identifier, set[Identifier]] = defaultdict(set)
    for (left, right), ruling in rulings.items():
        if ruling.kind == "separated":
            apart[left].add(right)
            apart[right].add(left)
    return {name: frozenset(others) for name, others in apart.items()}


def _shared(links: Iterable[Link], rules: IdentityRules) -> frozenset[Identifier]:
    """Find the identifiers that too many people use, among pairs no operator has ruled on."""
    seen: Counter[tuple[Identifier, str]] = Counter()
    for link in links:
        seen[link.left, kind_of(link.right)] += 1
        seen[link.right, kind_of(link.left)] += 1
    found = set()
    for (name, neighbour), count in seen.items():
        above = rules.shared_above(kind_of(name), neighbour)
        if above is not None and count > above:
            found.add(name)
    return frozenset(found)


def _groups(
    people: dict[Identifier, list[Identifier]], accepted: Iterable[Link], rules: IdentityRules
) -> tuple[tuple[Identifier, ...], ...]:
    """Order the people and, within each, the identifiers: the canonical one first."""
    evidence: defaultdict[Identifier, list[Link]] = defaultdict(list)
    for link in accepted:
        evidence[link.left].append(link)
        evidence[link.right].append(link)
    distinct = {id(group): group for group in people.values() if len(group) > 1}
    return tuple(
        sorted(
            tuple(sorted(group, key=lambda name: rules.standing(name, evidence[name])))
            for group in distinct.values()
        )
    )
