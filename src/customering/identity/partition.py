"""The people, kept equal to `resolve` of all links while links come one at a time, in any order.

What is stored is only which links are accepted; they form a tree for each person, so

* a person is what can be reached over accepted links, and
* a person *as it stood when a link was taken* is what can be reached over those taken before it,

both found in at most ``merges_max`` steps. A link that arrives last in the order is decided by
looking at two people. One that belongs earlier is decided by those two people as they stood then:

1. Refused or without effect then: nothing else changes (rules are monotone, see `breach`).
2. Accepted, and neither person grew afterwards: nothing else changes.
3. Otherwise the region of the two people is replayed in order. The people around it stay as they
   are if every link that crosses the border is refused as before; where one would be accepted
   the person beyond joins the region and the replay starts again.

So the work is bounded by the people concerned, not by all that hangs together through refused
links; and a shared identifier, whose links are refused without looking, is no bridge at all.
"""

from collections import ChainMap
from collections.abc import Iterable, Iterator, MutableMapping
from itertools import chain

import msgspec

from customering.identity.model import Link, Pair, Refusal
from customering.identity.rules import IdentityRules, Order, earlier, ruling_order
from customering.identity.shelf import Shelf
from customering.kernel.ids import Identifier, kind_of

Changed = frozenset[Identifier]
"""Identifiers whose person is now another set of identifiers."""

Group = tuple[Identifier, ...]
_NOBODY: Changed = frozenset()


class _Ruled(msgspec.Struct, frozen=True):
    """What is known of a pair that an operator has ruled on."""

    observed: Link | None
    rulings: tuple[Link, ...]


class Partition:
    """Identifiers parted into people, incrementally.

    Parameters
    ----------
    rules
        The compiled settings.

    Notes
    -----
    Not safe for use by several threads while one of them changes it. `steps` counts the links
    looked at since the start: the measure of work that tests bound.
    """

    def __init__(self, rules: IdentityRules) -> None:
        self.rules = rules
        self.steps = 0
        self._accepted = Shelf()
        self._spare = Shelf()  # refused links, and those that only repeat what is known
        self._ruled: MutableMapping[Pair, _Ruled] = {}
        self._apart: MutableMapping[Identifier, frozenset[Identifier]] = {}
        self._shared: MutableMapping[Identifier, bool] = {}
        self._latest: Link | None = None
        self._sources: dict[str, str] = {}

    def fork(self) -> "Partition":
        """Give a partition to try things on; it is right only until this one changes."""
        twin = Partition(self.rules)
        # The members of the twin are set here, beside those they mirror.
        twin._accepted, twin._spare = self._accepted.fork(), self._spare.fork()
        twin._ruled = ChainMap({}, self._ruled)
        twin._apart = ChainMap({}, self._apart)
        twin._shared = ChainMap({}, self._shared)
        twin._latest = self._latest
        return twin

    # Questions

    def names(self) -> Iterator[Identifier]:
        """Give every identifier that shares its person with another one."""
        return self._accepted.names()

    def known(self) -> Iterator[Identifier]:
        """Give every identifier that has a link, some of them more than once."""
        return chain(self._accepted.names(), self._spare.names(), chain.from_iterable(self._ruled))

    def links(self) -> Iterator[Link]:
        """Give every link that counts: the earliest observation of each pair, and all rulings."""
        for link in chain(self._accepted, self._spare):
            if link.kind == "observed":
                yield link
        for pair, ruled in self._ruled.items():
            yield from ruled.rulings
            if ruled.observed is not None and self._find(*pair) is not ruled.observed:
                yield ruled.observed

    def is_shared(self, name: Identifier) -> bool:
        """Tell whether too many people use an identifier for it to name any of them."""
        return self._shared.get(name, False)

    def members(self, name: Identifier, before: Order | None = None) -> list[Identifier]:
        """Give the identifiers of a person, in no particular order.

        Parameters
        ----------
        name
            One of them.
        before
            As the person stood when the link of this order was taken.
        """
        found: list[tuple[Identifier, Identifier | None]] = [(name, None)]
        for member, reached_from in found:
            for link in self._accepted.at(member):
                self.steps += 1
                other = link.right if link.left == member else link.left
                # Accepted links form a tree: only the way back leads to a member already found.
                if other != reached_from and (before is None or self.rules.precedes(link, before)):
                    found.append((other, member))
        return [member for member, _ in found]

    def ordered(self, name: Identifier) -> Group:
        """Give the identifiers of a person, the canonical one first."""
        links = self._accepted.at(name)
        if not links:
            return (name,)
        if len(links) == 1:  # two names are a browser and whoever sits before it: most people
            (link,) = links
            other = link.right if link.left == name else link.left
            if len(self._accepted.at(other)) == 1 and kind_of(other) != kind_of(name):
                self.steps += 2
                rank = self.rules.rank
                return (name, other) if rank(name) < rank(other) else (other, name)
        found = self.members(name)
        if len(set(map(kind_of, found))) == len(found):
            return tuple(sorted(found, key=self.rules.rank))
        standing = self.rules.standing
        return tuple(sorted(found, key=lambda one: standing(one, self._accepted.at(one))))

    def tree(self, name: Identifier) -> list[Link]:
        """Give the accepted links of a person, in the order they were taken."""
        members = self.members(name)
        links = (link for one in members for link in self._accepted.at(one) if link.left == one)
        return sorted(links, key=self.rules.order)

    def refusals(self, name: Identifier) -> Iterator[Refusal]:
        """Give the refused links of an identifier, in no particular order."""
        return filter(None, map(self._refusal, self._spare.at(name)))

    def refused(self) -> Iterator[Refusal]:
        """Give every refused link, in no particular order."""
        return filter(None, map(self._refusal, self._spare))

    def _refusal(self, link: Link) -> Refusal | None:
        """Find the rule against a link that is not accepted; None when it repeats what is known."""
        if link.kind == "observed":
            ends = tuple(end for end in (link.left, link.right) if self.is_shared(end))
            if ends:
                return Refusal(link=link, rule="shared", about=ends)
        order = self.rules.order(link)
        left = self.members(link.left, order)
        if link.right in left:
            return None
        return self.rules.breach(link, left, self.members(link.right, order), self._apart)

    def _find(self, left: Identifier, right: Identifier) -> Link | None:
        return self._accepted.find(left, right) or self._spare.find(left, right)

    # Changes

    def add(self, link: Link) -> Changed | None:
        """Take a link, and give the identifiers whose person changed; None when it is no news."""
        left, right = pair = (link.left, link.right)
        if (
            link.kind == "observed"
            and self._accepted.lacks(left, right)
            and self._spare.lacks(left, right)
            and not self._ruled
        ):
            return self._begin(link)
        ruled = self._ruled.get(pair) if self._ruled else None
        held = self._find(*pair)
        if link.kind != "observed":
            return self._rule(link, ruled, held)
        known = ruled.observed if ruled else held
        if known is not None and not earlier(link, known):
            return None
        link = self._compact(link)
        if ruled is not None:
            # The operator's word stands in the place of what is observed.
            self._ruled[pair] = msgspec.structs.replace(ruled, observed=link)
            if ruled.rulings[-1].kind == "separated":
                self._spare.put(link)
            return _NOBODY
        changed = self._insert(link) if held is None else self._advance(held, link)
        if self._is_latest(link):
            self._latest = link
        return changed

    def _begin(self, link: Link) -> Changed:
        """Take the link of two identifiers that have no other, as most links are."""
        left, right = link.left, link.right
        source = self._sources.setdefault(link.source, link.source)
        if source is not link.source:
            link = msgspec.structs.replace(link, source=source)
        # One of each type is never too many, and no operator has ruled on anything.
        is_refused = kind_of(left) == kind_of(right) and self.rules.breach(
            link, (left,), (right,), self._apart
        )
        (self._spare if is_refused else self._accepted).put_first(link)
        if self._is_latest(link):
            self._latest = link
        return _NOBODY if is_refused else frozenset((left, right))

    def _compact(self, link: Link) -> Link:
        """Give the link with texts that are already held, so that each is in memory once."""
        left, right = self.held(link.left), self.held(link.right)
        source = self._sources.setdefault(link.source, link.source)
        if left is link.left and right is link.right and source is link.source:
            return link
        return msgspec.structs.replace(link, left=left, right=right, source=source)

    def held(self, name: Identifier) -> Identifier:
        """Give an identifier as the text that is held already, so that each is in memory once."""
        for link in self._accepted.at(name) or self._spare.at(name):
            return link.left if link.left == name else link.right
        return name

    def _is_latest(self, link: Link) -> bool:
        """Tell whether an observed link comes after all others in the order."""
        latest = self._latest
        if latest is None or link.occurred_at > latest.occurred_at:
            return True
        return link.occurred_at == latest.occurred_at and not self.rules.precedes(
            link, self.rules.order(latest)
        )

    def _insert(self, link: Link) -> Changed:
        """Take the first observation of a pair."""
        left, right = link.left, link.right
        if self._is_unlinked(left) and self._is_unlinked(right):
            is_refused = self.rules.breach(link, (left,), (right,), self._apart)
            (self._spare if is_refused else self._accepted).put(link)
            return _NOBODY if is_refused else frozenset((left, right))
        newly_shared = [
            end
            for end, other in ((left, right), (right, left))
            if not self.is_shared(end) and self._uses(end, kind_of(other), 1)
        ]
        if newly_shared:
            self._shared.update(dict.fromkeys(newly_shared, True))
            self._spare.put(link)
            return self._settle(newly_shared)
        if self.is_shared(left) or self.is_shared(right):
            self._spare.put(link)
            return _NOBODY
        order = None if self._is_latest(link) else self.rules.order(link)
        ours = self.members(left, order)
        theirs = [] if right in ours else self.members(right, order)
        if not theirs or self.rules.breach(link, ours, theirs, self._apart):
            self._spare.put(link)
            return _NOBODY
        if order is None or (
            len(self.members(left)) == len(ours) and len(self.members(right)) == len(theirs)
        ):
            self._accepted.put(link)
            return frozenset((*ours, *theirs))
        self._spare.put(link)
        return self._settle((left, right))

    def _is_unlinked(self, name: Identifier) -> bool:
        return not (self._accepted.at(name) or self._spare.at(name))

    def _advance(self, known: Link, link: Link) -> Changed:
        """Take an earlier observation of a pair in the place of the known one."""
        left, right = link.left, link.right
        shelf = self._spare if self._accepted.find(left, right) is None else self._accepted
        if not (self.is_shared(left) or self.is_shared(right)):
            order, was = self.rules.order(link), self.rules.order(known)
            ours, theirs = self.members(left, order), self.members(right, order)
            is_taken = right not in ours and not self.rules.breach(link, ours, theirs, self._apart)
            if is_taken and (
                len(self.members(left, was)) != len(ours)
                or len(self.members(right, was)) != len(theirs)
            ):
                shelf.put(link)
                return self._settle((left, right))
        shelf.put(link)
        return _NOBODY

    def _rule(self, link: Link, ruled: _Ruled | None, held: Link | None) -> Changed | None:
        """Take an operator's ruling; the latest on a pair holds."""
        if ruled is not None and link in ruled.rulings:
            return None
        left, right = link.left, link.right
        observed = ruled.observed if ruled else held
        rulings = tuple(sorted((*(ruled.rulings if ruled else ()), link), key=ruling_order))
        self._ruled[left, right] = _Ruled(observed, rulings)
        if rulings[-1] is not link:
            return _NOBODY
        people = [tuple(self.members(left)), tuple(self.members(right))]
        if held is not None:
            self._accepted.drop(held)
            self._spare.drop(held)
        effective = link if link.kind == "joined" else observed
        if effective is not None:
            self._spare.put(effective)
        for one, other in ((left, right), (right, left)):
            others = self._apart.get(one, frozenset())
            if link.kind == "separated":
                self._apart[one] = others | {other}
            elif other in others:
                self._apart[one] = others - {other}
            self._recount(one)
        return self._settle((), people)

    def forget(self, names: Iterable[Identifier]) -> Changed:
        """Take away all links of some identifiers, as if they had never been."""
        gone = frozenset(names)
        people = [tuple(self.members(name)) for name in gone]
        recount = set()
        for name in gone:
            for shelf in (self._accepted, self._spare):
                for link in tuple(shelf.at(name)):
                    shelf.drop(link)
                    recount |= {link.left, link.right} - gone
            for other in self._apart.pop(name, frozenset()) - gone:
                self._apart[other] -= gone
            self._shared.pop(name, None)
        for pair in [pair for pair in self._ruled if not gone.isdisjoint(pair)]:
            del self._ruled[pair]
        freed = [name for name in recount if self._recount(name)]
        return self._settle(freed, people, gone)

    def _uses(self, name: Identifier, neighbour: str, more: int = 0) -> bool:
        """Tell whether an identifier, with so many more links, is seen with too many of a type."""
        accepted, spare = self._accepted.at(name), self._spare.at(name)
        if len(accepted) + len(spare) + more <= self.rules.settings.shared_above:
            return False
        above = self.rules.shared_above(kind_of(name), neighbour)
        if above is None:
            return False
        apart = self._apart.get(name, frozenset()) if self._apart else frozenset()
        count = more
        for link in chain(accepted, spare):
            self.steps += 1
            if link.kind == "observed":
                other = link.right if link.left == name else link.left
                count += kind_of(other) == neighbour and other not in apart
        return count > above

    def _recount(self, name: Identifier) -> bool:
        """Decide anew whether an identifier is shared; tell whether that changed."""
        was = self.is_shared(name)
        now = any(self._uses(name, kind) for kind in self.rules.personal)
        if was != now:
            self._shared[name] = now
        return was != now

    def _settle(
        self,
        names: Iterable[Identifier],
        people: Iterable[Group] = (),
        gone: frozenset[Identifier] = frozenset(),
    ) -> Changed:
        """Replay the region of some people until nothing beyond its border is concerned.

        Parameters
        ----------
        names
            Identifiers whose people are the region.
        people
            More people of the region, as they were before links were taken away.
        gone
            Identifiers that are no longer there.
        """
        region: dict[Identifier, Group] = {}
        for group in chain((tuple(self.members(name)) for name in names), people):
            region.update(dict.fromkeys(group, group))
        for name in gone:
            region.pop(name, None)
        while True:
            accepted, now, beyond = self._replay(region)
            if not beyond:
                break
            for name in beyond:
                group = tuple(self.members(name))
                region.update(dict.fromkeys(group, group))
        kept = {(link.left, link.right) for link in accepted}
        for name in region:
            for link in tuple(self._accepted.at(name)):
                if (link.left, link.right) not in kept:
                    self._accepted.drop(link)
                    self._spare.put(link)
        for link in accepted:
            self._spare.drop(link)
            self._accepted.put(link)
        return frozenset(
            name
            for name in region
            if len(now[name]) != len(region[name]) or set(now[name]) != set(region[name])
        )

    def _replay(
        self, region: dict[Identifier, Group]
    ) -> tuple[list[Link], dict[Identifier, list[Identifier]], set[Identifier]]:
        """Take the links of a region in order.

        Returns
        -------
        tuple
            The links that are accepted, the people they give, and identifiers beyond the border
            that a link would unite with one within.
        """
        links = []
        for name in region:
            for link in chain(self._accepted.at(name), self._spare.at(name)):
                self.steps += 1
                if link.kind == "observed" and (
                    self.is_shared(link.left) or self.is_shared(link.right)
                ):
                    continue
                if name == link.left or link.left not in region:
                    links.append((self.rules.order(link), link))
        people = {name: [name] for name in region}
        accepted: list[Link] = []
        beyond: set[Identifier] = set()
        for order, link in sorted(links):
            ours, theirs = people.get(link.left), people.get(link.right)
            if ours is None or theirs is None:
                outer = link.left if ours is None else link.right
                other = self.members(outer, order)
                if not self.rules.breach(link, ours or theirs or [], other, self._apart):
                    beyond.add(outer)
            elif ours is not theirs and not self.rules.breach(link, ours, theirs, self._apart):
                accepted.append(link)
                small, large = sorted((ours, theirs), key=len)
                large.extend(small)
                people.update(dict.fromkeys(small, large))
        return accepted, people, beyond
