"""What an operator's ruling would do, before it is made; nothing is changed."""

from collections import Counter
from collections.abc import Iterable, Iterator

from customering.identity.explain import say_reason, say_refusal
from customering.identity.graph import IdentityGraph
from customering.identity.model import Link, LinkKind, Pair, Refusal, link_between
from customering.identity.partition import Partition
from customering.identity.rules import IdentityRules
from customering.kernel.ids import Identifier, kind_of
from customering.kernel.records import Record

Group = tuple[Identifier, ...]
_AFTER_EVERYTHING = 2**62  # an instant later than any ruling, so that this one holds


class Excess(Record, frozen=True, kw_only=True):
    """A limit that a person would exceed, which an operator may and observation may not.

    Parameters
    ----------
    kind
        Type of identifier; empty for the number of merges.
    limit, count
        What one person may have, and what this one would have.
    """

    kind: str
    limit: int
    count: int


class Preview(Record, frozen=True, kw_only=True):
    """Who is one person now, and who would be after a ruling.

    Parameters
    ----------
    before, after
        The people concerned, each led by its canonical identifier. Both name the same identifiers.
    is_one_person
        Whether the two identifiers would be one person.
    excess
        Limits the person or people of the two identifiers would exceed.
    refused
        Links that count today and would then be refused, with the reason.
    words
        The same as sentences.
    """

    before: tuple[Group, ...]
    after: tuple[Group, ...]
    is_one_person: bool
    excess: tuple[Excess, ...]
    refused: tuple[Refusal, ...]
    words: tuple[str, ...]


def preview_join(graph: IdentityGraph, one: Identifier, other: Identifier) -> Preview:
    """Tell what joining two identifiers would do.

    The join unites exactly these two; everything else then follows its evidence, which may take an
    identifier away from the person it is with today. To join two *people*, join their canonical
    identifiers.

    Raises
    ------
    ValueError
        When the identifiers are the same.
    """
    return _preview(graph, one, other, "joined")


def preview_separate(graph: IdentityGraph, one: Identifier, other: Identifier) -> Preview:
    """Tell what keeping two identifiers apart would do: every other one goes with its evidence.

    Raises
    ------
    ValueError
        When the identifiers are the same.
    """
    return _preview(graph, one, other, "separated")


def _preview(graph: IdentityGraph, one: Identifier, other: Identifier, kind: LinkKind) -> Preview:
    now, then = graph.partition, graph.partition.fork()
    ruling = link_between(one, other, evidence="", occurred_at=_AFTER_EVERYTHING, kind=kind)
    blocked = tuple(name for name in (one, other) if graph.rules.is_blocked(name))
    changed = then.add(ruling) if not blocked else None
    concerned = {one, other, *(changed or ())}
    concerned |= {name for start in concerned for name in now.members(start)}
    before, after = _people(now, concerned), _people(then, concerned)
    ours = next(group for group in after if one in group)
    theirs = next(group for group in after if other in group)
    excess = tuple(
        found for group in dict.fromkeys((ours, theirs)) for found in _excess(group, graph.rules)
    )
    counting, refused = _refused(now, concerned), _refused(then, concerned)
    lost = tuple(no for pair, no in refused.items() if pair not in counting)
    words = [f"{name} names nobody: its value is blocked." for name in blocked]
    words += _verdict(before, after, ours, theirs)
    words += [_say_excess(found) for found in excess]
    words += [_say_lost(no, ruling) for no in lost]
    return Preview(
        before=before,
        after=after,
        is_one_person=ours is theirs,
        excess=excess,
        refused=lost,
        words=tuple(words),
    )


def _say_lost(refusal: Refusal, ruling: Link) -> str:
    """Say which link would unite nobody any more; the ruling has no instant to tell yet."""
    if (refusal.link.left, refusal.link.right) == (ruling.left, ruling.right):
        return f"The ruling would not hold: {say_reason(refusal)}."
    return say_refusal(refusal)


def _people(partition: Partition, names: Iterable[Identifier]) -> tuple[Group, ...]:
    """Give the people of some identifiers, each once, in the order of their identifiers."""
    return tuple(sorted({partition.ordered(name) for name in names}))


def _refused(partition: Partition, names: Iterable[Identifier]) -> dict[Pair, Refusal]:
    """Give the refused links of some identifiers by pair, in the order they were taken."""
    found = {(no.link.left, no.link.right): no for name in names for no in partition.refusals(name)}
    return dict(sorted(found.items(), key=lambda item: partition.rules.order(item[1].link)))


def _excess(group: Group, rules: IdentityRules) -> Iterator[Excess]:
    for kind, count in Counter(map(kind_of, group)).items():
        if count > rules.limit(kind):
            yield Excess(kind=kind, limit=rules.limit(kind), count=count)
    if len(group) - 1 > rules.settings.merges_max:
        yield Excess(kind="", limit=rules.settings.merges_max, count=len(group) - 1)


def _verdict(
    before: tuple[Group, ...], after: tuple[Group, ...], ours: Group, theirs: Group
) -> list[str]:
    if before == after:
        return ["Nobody would change."]
    if ours is theirs:
        words = [f"They would be one person: {', '.join(ours)}."]
    else:
        words = [f"They would be two people: {', '.join(ours)}; and {', '.join(theirs)}."]
    others = [group for group in after if group not in before and group not in (ours, theirs)]
    return words + [f"{', '.join(group)} would be left." for group in others]


def _say_excess(excess: Excess) -> str:
    what = f"identifiers of type {excess.kind}" if excess.kind else "merges"
    return (
        f"That is {excess.count} {what} in one person, where {excess.limit} is the limit: "
        "only an operator may go beyond it."
    )
