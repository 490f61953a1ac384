"""Why these identifiers are one person: the chain of evidence, in records and in words."""

from collections.abc import Iterable

from customering.identity.graph import IdentityGraph
from customering.identity.model import Link, Refusal
from customering.kernel.clock import format_instant
from customering.kernel.ids import Identifier, PersonId
from customering.kernel.records import Record


class Explanation(Record, frozen=True, kw_only=True):
    """Why an identifier belongs to the person it belongs to.

    Parameters
    ----------
    person
        Id of the person.
    identifiers
        All identifiers of the person, the canonical one first.
    path
        The accepted links from the identifier asked about to the canonical one; empty when they
        are the same.
    tree
        All accepted links of the person, in the order they were taken.
    refused
        The links of the person's identifiers that were refused, at most the number asked for.
    refused_count
        How many were refused in all.
    words
        The same as sentences.
    """

    person: PersonId
    identifiers: tuple[Identifier, ...]
    path: tuple[Link, ...]
    tree: tuple[Link, ...]
    refused: tuple[Refusal, ...]
    refused_count: int
    words: tuple[str, ...]


def explain(graph: IdentityGraph, name: Identifier, *, refused_max: int = 50) -> Explanation:
    """Explain whom an identifier belongs to.

    Parameters
    ----------
    graph
        The links.
    name
        The identifier asked about; one without links is a person by itself.
    refused_max
        Most refused links to list, the earliest first.
    """
    identifiers = graph.identifiers_of(name)
    tree = graph.tree_of(name)
    path = _path(tree, name, identifiers[0])
    refused = _distinct(no for one in identifiers for no in graph.refusals_of(one))
    refused.sort(key=lambda no: graph.rules.order(no.link))
    listed = tuple(refused[:refused_max])
    words = [_opening(name, identifiers)]
    words += [f"{say_link(link)}." for link in path or tree]
    if graph.is_shared(name):
        words.append(f"{name} is used by too many people to tell whom it names.")
    words += [say_refusal(no) for no in listed]
    if len(refused) > len(listed):
        words.append(f"{len(refused) - len(listed)} more links were refused.")
    return Explanation(
        person=graph.person_of(name),
        identifiers=identifiers,
        path=path,
        tree=tree,
        refused=listed,
        refused_count=len(refused),
        words=tuple(words),
    )


def say_link(link: Link) -> str:
    """Say what a link shows, without a full stop."""
    when = format_instant(link.occurred_at)
    if link.kind == "observed":
        sender = f" from {link.source}" if link.source else ""
        return (
            f"{link.left} and {link.right} came together on {when} (event {link.evidence}{sender})"
        )
    return f"An operator {link.kind} {link.left} and {link.right} on {when} (event {link.evidence})"


def say_refusal(refusal: Refusal) -> str:
    """Say why a link does not unite two people."""
    return f"{say_link(refusal.link)}, but {say_reason(refusal)}."


def say_reason(refusal: Refusal) -> str:
    """Say what stands against a link, without a full stop."""
    if refusal.rule == "shared":
        names = " and ".join(refusal.about)
        return f"too many people use {names} to tell whom this names"
    if refusal.rule == "separated":
        return f"an operator keeps {refusal.about[0]} and {refusal.about[1]} apart"
    if refusal.rule == "limit":
        kind = refusal.about[0]
        return (
            f"one person would then have {refusal.count} identifiers of type {kind}, "
            f"and the limit is {refusal.limit}"
        )
    return (
        f"one person would then be made by {refusal.count} merges, and the limit is {refusal.limit}"
    )


def _opening(name: Identifier, identifiers: tuple[Identifier, ...]) -> str:
    if len(identifiers) == 1:
        return f"{name} is a person by itself."
    others = len(identifiers) - 1
    along = f"{others} other identifier{'s' if others > 1 else ''}"
    if name == identifiers[0]:
        return f"{name} is one person with {along}: it is the most trusted of them."
    return f"{name} is one person with {along}, led by {identifiers[0]}."


def _path(tree: tuple[Link, ...], start: Identifier, goal: Identifier) -> tuple[Link, ...]:
    """Find the way between two identifiers in a tree of links."""
    ways: dict[Identifier, tuple[Link, ...]] = {start: ()}
    queue = [start]
    for here in queue:
        for link in tree:
            if here in (link.left, link.right):
                there = link.right if link.left == here else link.left
                if there not in ways:
                    ways[there] = (*ways[here], link)
                    queue.append(there)
    return ways[goal]


def _distinct(refusals: Iterable[Refusal]) -> list[Refusal]:
    """Leave out what both ends of a link report."""
    return list({(no.link.left, no.link.right): no for no in refusals}.values())
