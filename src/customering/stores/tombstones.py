"""Who and what is kept out of a log, known by keyed hashes only."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from customering.consent.rights_scope import Scope
from customering.kernel.ids import Identifier
from customering.stores.recent_ids import IdSet, as_words

HASH_BYTES = 16


def keyed_hash(secret: bytes, text: str) -> bytes:
    """Give the hash of a text that nobody without the secret can guess back."""
    data = text.encode("utf-8", "surrogatepass")
    return blake2b(data, digest_size=HASH_BYTES, key=secret).digest()


class Tombstones:
    """What is kept out, in memory: 16 bytes an erased event, and the hash of each identifier.

    Parameters
    ----------
    secret
        Of the journal.
    people
        Keyed hash of an identifier to the instant up to which its events are kept out.
    events
        Keyed hashes of event ids, packed.
    parts
        Keyed hash of an identifier to what of its events is kept out, and up to which instant.
    """

    def __init__(
        self,
        secret: bytes,
        people: dict[bytes, int],
        events: Sequence[bytes] = (),
        parts: Mapping[bytes, Sequence[tuple[int, Scope]]] | None = None,
    ) -> None:
        self._secret = secret
        self._people = people
        self._parts = parts or {}
        self._events = IdSet()
        for packed in events:
            self._events.add(packed)
        self._latest_ms = max(people.values(), default=-1)
        self._latest_part_ms = max(
            (until for some in self._parts.values() for until, _ in some), default=-1
        )

    def __bool__(self) -> bool:
        return bool(self._people or self._parts)

    def hash_of(self, text: str) -> bytes:
        """Give the keyed hash of an identifier or an event id."""
        return keyed_hash(self._secret, text)

    def is_erased(self, event_ids: Sequence[str]) -> list[bool]:
        """Tell of each event id whether its event was erased."""
        if not len(self._events) or not event_ids:
            return [False] * len(event_ids)
        words = as_words([self.hash_of(event_id) for event_id in event_ids])
        return [bool(one) for one in self._events.contains(words)]

    def may_concern(self, occurred_at: int) -> bool:
        """Tell whether anybody's events of that instant are kept out."""
        return occurred_at <= self._latest_ms

    def has_parts_at(self, occurred_at: int) -> bool:
        """Tell whether a part of anybody's events of that instant is kept out."""
        return occurred_at <= self._latest_part_ms

    def parts_of(self, name: Identifier, occurred_at: int) -> list[Scope]:
        """Give what is kept out of an event of an identifier that occurred then."""
        found = self._parts.get(self.hash_of(name), ())
        return [scope for until_ms, scope in found if occurred_at <= until_ms]

    def keeps_out(self, name: Identifier, occurred_at: int) -> bool:
        """Tell whether an event of an identifier that occurred then is kept out."""
        until_ms = self._people.get(self.hash_of(name))
        return until_ms is not None and occurred_at <= until_ms
