"""The consent ledger of a home: what people said, so that it can be proved, and their receipts.

It follows the log. A withdrawal takes effect with its event, in the log and in the profile; the
ledger notes it a moment later, and after a crash catches up with what it lacks, each event once.
"""

import logging
import secrets
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from threading import Lock
from typing import Any, Self

import msgspec

from customering.app.home import Home
from customering.app.home_key import HomeKey, to_text
from customering.app.pseudonyms import Pseudonyms
from customering.consent.chain import (
    Head,
    Place,
    Row,
    canonical,
    next_row,
    nodes_for,
    path_of,
    path_places,
    peaks,
)
from customering.consent.chain import root_of as tree_root
from customering.consent.model import ControllerSettings
from customering.consent.purposes import PurposeBook
from customering.consent.receipt import Issued, issue, line_of, row_of
from customering.consent.receipt import ReceiptLine as ReceiptLine
from customering.consent.records import kantara_receipt
from customering.events.model import PERMISSION_NAMES, Event
from customering.events.store import EventLog
from customering.identity.anchors import anchor_of
from customering.identity.rules import IdentityRules
from customering.kernel.clock import MS_PER_DAY, format_instant
from customering.kernel.errors import Absent, CustomeringError
from customering.kernel.ids import Identifier
from customering.kernel.records import from_json, to_json
from customering.stores.consent_chain import ConsentChain
from customering.stores.home_secrets import HomeSecrets

_AT_ONCE = 2_000
_MARK = b'Updated"'  # in the name of every event of permission
_PUBLISHED_DAYS = 400
_logger = logging.getLogger("customering.receipts")


class Receipts:
    """The consent ledger.

    Parameters
    ----------
    chain, kept, key
        The rows, the secrets behind pseudonyms, and what signs.
    rules
        Says under which identifier an event is filed.
    book, controller
        The words people are shown, and who answers for them.
    clock
        Gives the real present, milliseconds since 1970.
    chance
        Gives that many bytes nobody can guess.
    """

    def __init__(
        self,
        *,
        chain: ConsentChain,
        kept: HomeSecrets,
        key: HomeKey,
        rules: IdentityRules,
        book: PurposeBook,
        controller: ControllerSettings,
        clock: Callable[[], int],
        chance: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.chain = chain
        self.key = key
        self._kept = kept
        self._rules = rules
        self._book = book
        self._controller = controller
        self._clock = clock
        self._pseudonyms = Pseudonyms(kept, chance)
        self._writing = Lock()
        self._waiting: list[Event] = []
        self._offset = 0
        self._notice = ""
        self._published: dict[str, Any] | None = None
        self._day = -1

    @classmethod
    def open(
        cls,
        home: Home,
        *,
        rules: IdentityRules,
        book: PurposeBook,
        clock: Callable[[], int],
    ) -> Self:
        """Open the ledger of a home."""
        kept = HomeSecrets(home.control_url)
        return cls(
            chain=ConsentChain(home.consent_url),
            kept=kept,
            key=HomeKey(kept, clock),
            rules=rules,
            book=book,
            controller=home.loaded.settings.consent.controller,
            clock=clock,
        )

    def close(self) -> None:
        """Let go of the databases."""
        self.chain.close()
        self._kept.close()

    # Writing

    def note(self, events: Sequence[Event], offset: int = 0) -> int:
        """Add what some events say of permission; each event counts once, however often it comes.

        Parameters
        ----------
        events
            In the order of the log; those that say nothing of permission are passed over.
        offset
            Events of the log below this offset are in the ledger then; 0 when that is not known.

        Returns
        -------
        int
            Rows added.

        Raises
        ------
        Conflict, Unavailable
            When they cannot be written now: the next call adds them too.
        """
        fresh = [event for event in events if event.name in PERMISSION_NAMES]
        with self._writing:
            self._waiting += fresh
            if not self._waiting and offset <= self._offset:
                return 0
            added = self._add(self._waiting, offset)
            self._waiting = []
            self._offset = max(offset, self._offset)
        return added

    def try_note(self, events: Sequence[Event], offset: int = 0) -> None:
        """Do as `note`, and keep the head of the day; what cannot be written now is told."""
        try:
            self.note(events, offset)
            self.checkpoint()
        except CustomeringError as error:
            _logger.warning("the consent ledger waits: %s (%s)", error.message, error.hint)

    def catch_up(self, log: EventLog) -> int:
        """Add what the log has and the ledger lacks, and give the number of rows added.

        Raises
        ------
        Conflict, Unavailable
            When it cannot be written now.
        """
        added = 0
        with self._writing:
            start = self.chain.offset
            some: list[Event] = []
            for block in log.read(after=start - 1):
                if _MARK in block.payload:  # few blocks have any: do not take the others apart
                    some += [
                        event
                        for line in block.lines()
                        if _MARK in line
                        and (event := from_json(line, Event)).name in PERMISSION_NAMES
                    ]
                start = block.first + block.count
                if len(some) >= _AT_ONCE:
                    added += self._add(some, start)
                    some = []
            if some or start > self.chain.offset:
                added += self._add(some, start)
            self._waiting = []
            self._offset = start
        return added

    def _add(self, events: Sequence[Event], offset: int) -> int:
        refs = {self._pseudonyms.ref("event", event.event_id): event for event in events}
        known = self.chain.known(refs)
        fresh = {ref: event for ref, event in refs.items() if ref not in known}
        subjects = self._pseudonyms.make(self._anchor(event) for event in fresh.values())
        before, nodes = self.chain.last(), dict[Place, bytes]()

        def node_at(place: Place) -> bytes:
            return nodes[place] if place in nodes else self.chain.node(place)

        rows: list[Row] = []
        for ref, event in fresh.items():
            said = row_of(event, ref, subjects[self._anchor(event)], self._shown())
            row = next_row(before, said, self.key.sign)
            nodes |= nodes_for(row.seq - 1, row.hash, node_at)
            rows.append(row)
            before = row.seq, row.hash
        self.chain.append(rows, nodes, offset)
        if rows:
            self._kept.keep_head(Head(*before, tree_root(before[0], node_at)))
        return len(rows)

    def _anchor(self, event: Event) -> Identifier:
        return anchor_of(event.identifiers, self._rules) or event.identifiers[0]

    def _shown(self) -> str:
        """Give the SHA-256 of the words people are shown now, which are kept."""
        if not self._notice:
            shown = canonical(msgspec.json.decode(to_json((self._book, self._controller))))
            self._notice = sha256(shown).hexdigest()
            self.chain.keep_notice(self._notice, shown)
        return self._notice

    # People

    def subject_of(self, name: Identifier) -> str:
        """Give the pseudonym of a name; it gets one if it has none."""
        return self._pseudonyms.make([name])[name]

    def subjects_of(self, names: Iterable[Identifier]) -> tuple[str, ...]:
        """Give the pseudonyms some names have."""
        return tuple(sorted(set(self._pseudonyms.of(names).values())))

    def forget(self, names: Iterable[Identifier]) -> int:
        """Cut the rows of some names from them for good; the chain stays as it is.

        The records of their agreements, which name them, are deleted.

        Returns
        -------
        int
            Names and records that were deleted.
        """
        every = list(names)
        with self._writing:
            dropped = self.chain.drop_agreements(self.subjects_of(every))
            return dropped + self._pseudonyms.forget(every)

    # Reading

    def of(self, names: Iterable[Identifier]) -> list[ReceiptLine]:
        """Give what a person said under some names, the latest first."""
        rows = self.chain.of_subjects(self.subjects_of(names))
        return [line_of(row) for row in reversed(rows)]

    def receipt(self, names: Iterable[Identifier], seq: int) -> bytes:
        """Give a signed receipt of one thing a person said, which proves itself offline.

        Raises
        ------
        Absent
            When they said nothing under this number.
        """
        issued = self._issued(names, seq)
        size, digest = self.chain.last()
        nodes = self.chain.nodes_at(path_places(seq - 1, size))
        path = path_of(seq - 1, size, nodes.__getitem__)
        head = Head(size, digest, tree_root(size, nodes.__getitem__))
        inclusion = {
            "index": seq - 1,
            "path": [node.hex() for node in path],
            "head": self._signed_head(head, self._clock()),
        }
        document = {**issue(issued, self._controller, self._clock()), "inclusion": inclusion}
        kid, signature = self.key.sign_text(canonical(document))
        proof = {"alg": "Ed25519", "kid": kid, "signature": signature}
        return canonical({**document, "proof": proof})

    def kantara(self, names: Iterable[Identifier], seq: int) -> dict[str, Any]:
        """Give what a person allowed under one number as a Kantara receipt.

        Raises
        ------
        Absent
            When they said nothing under this number.
        """
        issued = self._issued(names, seq)
        return kantara_receipt(issued.said.receipt_id, issued.given, self._controller)

    def _issued(self, names: Iterable[Identifier], seq: int) -> Issued:
        rows = self.chain.of_subjects(self.subjects_of(names))
        row = next((row for row in rows if row.seq == seq), None)
        if row is None:
            raise Absent("there is no receipt of this number", hint="ask for the list of receipts")
        return Issued.of(row, [one for one in rows if one.seq < seq], self.chain.notices())

    # Heads

    def _head_now(self) -> Head:
        size, digest = self.chain.last()
        nodes = self.chain.nodes_at(peaks(size))
        return Head(size, digest, tree_root(size, nodes.__getitem__))

    def _signed_head(self, head: Head, at_ms: int) -> dict[str, Any]:
        body: dict[str, Any] = {
            "size": head.size,
            "hash": head.hash.hex(),
            "root": head.root.hex(),
            "at": format_instant(at_ms),
        }
        kid, signature = self.key.sign(canonical(body))
        return {**body, "kid": kid, "signature": to_text(signature)}

    def checkpoint(self) -> bool:
        """Keep the signed head of the day, when there is none of it yet; true when it was kept."""
        now_ms = self._clock()
        day = now_ms // MS_PER_DAY
        if day == self._day:
            return False
        self.chain.keep_checkpoint(day, canonical(self._signed_head(self._head_now(), now_ms)))
        self._day = day
        return True

    def published(self) -> dict[str, Any]:
        """Give what anybody may see: the public keys, the signed head of now and of each day."""
        self.checkpoint()
        head = self._head_now()
        if self._published is None or self._published["hash"] != head.hash.hex():
            self._published = self._signed_head(head, self._clock())
        kept = [from_json(one, dict[str, Any]) for one in self.chain.checkpoints()]
        return {
            "keys": self.key.jwks()["keys"],
            "tree": "RFC 6962, SHA-256, over the hashes of the rows",
            "head": self._published,
            "checkpoints": kept[-_PUBLISHED_DAYS:],
        }

    def kept_head(self) -> Head | None:
        """Give how far the ledger was when it was last written, as kept beside it."""
        return self._kept.head()
