"""The live view of who is who: fed by events, asked by everyone else."""

from collections.abc import Iterable, Iterator
from operator import attrgetter

from customering.events.model import Event
from customering.identity.anchors import RULINGS, links_of, usable
from customering.identity.lookup import PersonIndex
from customering.identity.model import IdentitySettings, Link, Refusal, link_between, own_id
from customering.identity.partition import Changed, Partition
from customering.identity.rules import IdentityRules
from customering.kernel.errors import NoSuchPerson
from customering.kernel.ids import Identifier, PersonId

_CACHED_TUPLES = 200_000  # twice that are kept, of some 200 bytes each

_Known = tuple[Identifier | None, int]
"""Anchor of a tuple of identifiers, and the instant after which it says nothing new."""


class IdentityGraph:
    """Who is one person, at all times equal to `resolve` of all links taken so far.

    Parameters
    ----------
    links
        Links that are already kept, in any order.
    settings
        The rules; the defaults when left out.

    Notes
    -----
    Identifiers without links are not stored: each is a person by itself. One writer; readers in
    other threads must wait while it writes.

    Examples
    --------
    >>> graph = IdentityGraph()
    >>> web = (Identifier("anonymous_id:a1"), Identifier("user_id:ada"))
    >>> graph.observe(web, "e1", 1_000)
    'user_id:ada'
    >>> graph.identifiers_of(Identifier("anonymous_id:a1"))
    ('user_id:ada', 'anonymous_id:a1')
    >>> [link.evidence for link in graph.take_pending()]
    ['e1']
    """

    def __init__(
        self, links: Iterable[Link] = (), settings: IdentitySettings | None = None
    ) -> None:
        self.rules = IdentityRules(settings)
        self.partition = Partition(self.rules)
        self._pending: list[Link] = []
        self._changed: set[Identifier] = set()
        self._index: PersonIndex | None = None
        # Two generations of what tuples of identifiers are known to say: when the recent one is
        # full it becomes the older one, so memory is bounded and what is in use stays.
        self._recent: dict[tuple[Identifier, ...], _Known] = {}
        self._older: dict[tuple[Identifier, ...], _Known] = {}
        # In the order of time nearly every link is decided at once.
        for link in sorted(links, key=attrgetter("occurred_at")):
            if not self._is_blocked(link):
                self.partition.add(link)

    # What events say

    def observe(
        self,
        identifiers: tuple[Identifier, ...],
        event_id: str,
        occurred_at: int,
        source: str = "",
    ) -> Identifier | None:
        """Take what one ordinary event says about identity.

        Parameters
        ----------
        identifiers
            The identifiers the event carries, in any order.
        event_id
            Its id: the evidence of the links.
        occurred_at
            When it happened. Milliseconds since 1970.
        source
            Which system sent it.

        Returns
        -------
        Identifier or None
            The anchor of the event; None when it belongs to nobody. Links that are news wait in
            `take_pending`.

        Notes
        -----
        An event that occurred after one with the same identifiers has nothing new to say: one
        dictionary lookup. An earlier one may give earlier evidence and is looked at in full.
        """
        if len(identifiers) == 1:
            name = identifiers[0]
            return None if self.rules.is_blocked(name) else name
        known = self._recent.get(identifiers)
        if known is not None and occurred_at > known[1]:
            return known[0]
        known = self._older.get(identifiers)
        if known is None or occurred_at <= known[1]:
            # What is remembered below, and every profile, shares its texts with the links.
            identifiers = tuple(map(self.partition.held, identifiers))
            known = self._look(identifiers, event_id, occurred_at, source), occurred_at
        if len(self._recent) >= _CACHED_TUPLES:
            self._older, self._recent = self._recent, {}
        self._recent[identifiers] = known
        return known[0]

    def _look(
        self, identifiers: tuple[Identifier, ...], event_id: str, occurred_at: int, source: str
    ) -> Identifier | None:
        """Take the links of an event that are news, and give its anchor."""
        names = usable(identifiers, self.rules)
        for other in names[1:]:
            link = link_between(
                names[0], other, evidence=event_id, occurred_at=occurred_at, source=source
            )
            self._take(link)
        return names[0] if names else None

    def observe_event(self, event: Event) -> Identifier | None:
        """Take what any event says, an operator's ruling too, and give the event's anchor.

        Raises
        ------
        InvalidEvent
            When a ruling does not carry exactly two identifiers.
        """
        if event.name in RULINGS:
            for link in links_of(event, self.rules):
                self.add(link)
            return next(iter(usable(event.identifiers, self.rules)), None)
        return self.observe(event.identifiers, event.event_id, event.occurred_at, event.source)

    def add(self, link: Link) -> Changed:
        """Take one link.

        Returns
        -------
        frozenset of Identifier
            The identifiers whose person is now another set; empty (false) when nobody changed.
        """
        return frozenset() if self._is_blocked(link) else self._take(link)

    def _take(self, link: Link) -> Changed:
        changed = self.partition.add(link)
        if changed is None:
            return frozenset()
        self._pending.append(link)
        self._changed |= changed
        if self._index is not None:
            self._index.add(link.left)
            self._index.add(link.right)
        return changed

    def _is_blocked(self, link: Link) -> bool:
        return self.rules.is_blocked(link.left) or self.rules.is_blocked(link.right)

    @property
    def changed(self) -> Changed:
        """The identifiers whose person changed since the last `take_pending`.

        More than the ends of the new links: a link may also take an identifier away from someone.
        """
        return frozenset(self._changed)

    def take_pending(self) -> tuple[Link, ...]:
        """Give the links that were news since the last call, to be kept in a `LinkStore`."""
        taken = tuple(self._pending)
        self._pending.clear()
        self._changed.clear()
        return taken

    def forget(self, identifiers: Iterable[Identifier]) -> Changed:
        """Take away every link of some identifiers, as erasure demands, as if they had never been.

        Returns
        -------
        frozenset of Identifier
            The other identifiers whose person is now another set.
        """
        gone = frozenset(identifiers)
        self._recent.clear()
        self._older.clear()
        self._pending = [link for link in self._pending if gone.isdisjoint((link.left, link.right))]
        if self._index is not None:
            for name in gone:
                self._index.discard(name)
        changed = self.partition.forget(gone)
        self._changed = (self._changed | changed) - gone
        return changed

    # Who is who

    def identifiers_of(self, name: Identifier | PersonId) -> tuple[Identifier, ...]:
        """Give all identifiers of a person, the canonical one first, then by trust.

        Parameters
        ----------
        name
            One of the person's identifiers, linked or not, or a person id, present or past.

        Raises
        ------
        NoSuchPerson
            When it is a person id that leads to no identifier known here.
        """
        if ":" in name:
            return self.partition.ordered(Identifier(name))
        found = self.lookup(PersonId(name))
        if found is None:
            raise NoSuchPerson(
                f"No person has the id {name}",
                hint="Look the person up by an identifier, such as email:ada@example.org.",
                person=name,
            )
        return self.partition.ordered(found)

    def canonical(self, name: Identifier) -> Identifier:
        """Give the identifier that a person's id is made from.

        It is the person's most trusted one; of several of one type, the one that became part of
        the person by the earliest event.
        """
        return self.partition.ordered(name)[0]

    def person_of(self, name: Identifier) -> PersonId:
        """Give the id of the person an identifier belongs to."""
        return own_id(self.canonical(name))

    def people(self) -> Iterator[tuple[Identifier, ...]]:
        """Give everyone with two or more identifiers, each once, as `identifiers_of` does."""
        for name in self.partition.names():
            if name == min(self.partition.members(name)):
                yield self.partition.ordered(name)

    def lookup(self, person: PersonId) -> Identifier | None:
        """Give the identifier a person id was made from, present or past; None when unknown.

        Linked identifiers are known; others only after `register`. The first call makes the index,
        at about 2 microseconds an identifier.
        """
        self.register(())
        return self._index.find(person) if self._index is not None else None

    def register(self, identifiers: Iterable[Identifier]) -> None:
        """Make identifiers that may have no link known to `lookup`, such as all anchors."""
        if self._index is None:
            self._index = PersonIndex(self.partition.known())
        for name in identifiers:
            self._index.add(name)

    # Why

    def tree_of(self, name: Identifier) -> tuple[Link, ...]:
        """Give the links that make up a person, in the order they were taken."""
        return tuple(self.partition.tree(name))

    def refusals_of(self, name: Identifier) -> tuple[Refusal, ...]:
        """Give the refused links of one identifier, in the order they were taken."""
        return tuple(
            sorted(self.partition.refusals(name), key=lambda no: self.rules.order(no.link))
        )

    def refused(self) -> Iterator[Refusal]:
        """Give every refused link, in no particular order."""
        return self.partition.refused()

    def is_shared(self, name: Identifier) -> bool:
        """Tell whether too many people use an identifier for it to name any of them."""
        return self.partition.is_shared(name)

    def links(self) -> Iterator[Link]:
        """Give every link that counts: the earliest observation of each pair, and all rulings.

        `resolve` of these, with ``as_of``, gives identity as it was.
        """
        return self.partition.links()
