"""The arithmetic of the consent ledger: canonical bytes, a hash chain, and a Merkle tree over it.

A row says one thing one person said, as RFC 8785 canonical JSON. Its hash is the SHA-256 of the
hash before it and of its bytes, and is signed. Over the hashes stands the Merkle tree of RFC 6962,
so that one small signed head commits to every row, and a short path proves that a row is under it.
No row names a person: see `customering.app.receipts`.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple, TypeAlias

import rfc8785

from customering.kernel.records import from_json

FIRST_HASH = bytes(32)
"""What stands before the first row."""

Place: TypeAlias = tuple[int, int]
"""A node of the tree: its height above the leaves, and its number from the left at this height."""

Sign: TypeAlias = Callable[[bytes], tuple[str, bytes]]
"""Signs bytes and gives the id of the key with the signature."""

Holds: TypeAlias = Callable[[str, bytes, bytes], bool]
"""Tells whether a signature by the key of an id fits some bytes; false for an unknown key."""


class Row(NamedTuple):
    """One row of the ledger.

    Parameters
    ----------
    seq
        Its number, from 1 without a gap.
    event_ref
        A keyed hash of the id of the event it was made of.
    subject
        A pseudonym of the person.
    record
        What was said, as canonical JSON; it repeats the number, the reference and the pseudonym.
    prev_hash, hash
        The hash of the row before, and the one of this row.
    signature, kid
        Over the hash, and by which key.
    """

    seq: int
    event_ref: str
    subject: str
    record: bytes
    prev_hash: bytes
    hash: bytes
    signature: bytes
    kid: str


class Head(NamedTuple):
    """How far a ledger was at some instant.

    Parameters
    ----------
    size
        Rows.
    hash
        The hash of the last one; `FIRST_HASH` without rows.
    root
        The root of the Merkle tree over all.
    """

    size: int
    hash: bytes
    root: bytes


def canonical(value: Any) -> bytes:
    """Give the canonical bytes of a JSON value (RFC 8785): equal values have equal bytes."""
    return rfc8785.dumps(value)


def next_row(before: tuple[int, bytes], said: Mapping[str, Any], sign: Sign) -> Row:
    """Make the row that follows on the number and the hash of another.

    Parameters
    ----------
    before
        Number and hash of the last row; ``(0, FIRST_HASH)`` for the first.
    said
        What the row says; it must have ``event`` and ``subject``.
    sign
        Signs its hash.
    """
    seq, prev_hash = before[0] + 1, before[1]
    record = canonical({**said, "seq": seq})
    digest = row_hash(prev_hash, record)
    kid, signature = sign(digest)
    return Row(seq, said["event"], said["subject"], record, prev_hash, digest, signature, kid)


def row_hash(prev_hash: bytes, record: bytes) -> bytes:
    """Give the hash of a row."""
    return sha256(prev_hash + record).digest()


def fault_of(row: Row, before: tuple[int, bytes], holds: Holds) -> str | None:
    """Say what is wrong with a row that should follow on another; None when nothing is.

    Parameters
    ----------
    before
        Number and hash of the row before, as they are kept.
    holds
        Checks signatures.
    """
    seq, prev_hash = before
    if row.seq != seq + 1:
        missing = f"row {seq + 1}" if row.seq == seq + 2 else f"rows {seq + 1} to {row.seq - 1}"
        return (
            f"{missing} should come before it and {'is' if ' to ' not in missing else 'are'} gone"
        )
    if row.prev_hash != prev_hash:
        return "it does not follow on the row before it"
    if type(row.record) is not bytes or row.hash != row_hash(row.prev_hash, row.record):
        return "its record or its hash was changed"
    if not holds(row.kid, row.hash, row.signature):
        return "its signature does not fit"
    try:
        record = from_json(row.record, dict[str, Any])
    except ValueError:
        return "its record is no JSON"
    repeated = (record.get("seq"), record.get("event"), record.get("subject"))
    if repeated != (row.seq, row.event_ref, row.subject):
        return "its number, reference or pseudonym was changed"
    return None


# The Merkle tree of RFC 6962, section 2.1


def leaf(digest: bytes) -> bytes:
    """Give the leaf for a row with this hash."""
    return sha256(b"\x00" + digest).digest()


def parent(left: bytes, right: bytes) -> bytes:
    """Give the node above two."""
    return sha256(b"\x01" + left + right).digest()


def nodes_for(index: int, digest: bytes, node_at: Callable[[Place], bytes]) -> dict[Place, bytes]:
    """Give the nodes that are complete once the row with this index (from 0) is there.

    Parameters
    ----------
    index
        The leaf's number from 0.
    digest
        The row's hash.
    node_at
        Gives a node that was complete before.
    """
    node, place = leaf(digest), (0, index)
    made = {place: node}
    while place[1] % 2 == 1:
        height, number = place
        node = parent(node_at((height, number - 1)), node)
        place = (height + 1, number // 2)
        made[place] = node
    return made


def peaks(size: int) -> list[Place]:
    """Give the complete subtrees of which a tree of this size consists, the largest first.

    Examples
    --------
    >>> peaks(6)
    [(2, 0), (1, 2)]
    """
    found: list[Place] = []
    first = 0
    for height in range(size.bit_length() - 1, -1, -1):
        if size >> height & 1:
            found.append((height, first >> height))
            first += 1 << height
    return found


def root_of(size: int, node_at: Callable[[Place], bytes]) -> bytes:
    """Give the root of the tree over the first so many rows."""
    return _joined([node_at(place) for place in peaks(size)])


def _joined(nodes: Sequence[bytes]) -> bytes:
    """Join subtrees from the right, as the tree does."""
    if not nodes:
        return sha256(b"").digest()
    joined = nodes[-1]
    for node in reversed(nodes[:-1]):
        joined = parent(node, joined)
    return joined


def path_of(index: int, size: int, node_at: Callable[[Place], bytes]) -> list[bytes]:
    """Give the audit path of a row: what `root_from` needs beside the row to give the root.

    Parameters
    ----------
    index
        The row's number from 0.
    size
        Rows of the tree.
    node_at
        Gives a complete node.
    """
    whole = peaks(size)
    mine = next(at for at, (height, number) in enumerate(whole) if index >> height == number)
    height, _ = whole[mine]
    path = [node_at((level, index >> level ^ 1)) for level in range(height)]
    if mine + 1 < len(whole):
        path.append(_joined([node_at(place) for place in whole[mine + 1 :]]))
    path.extend(node_at(place) for place in reversed(whole[:mine]))
    return path


def path_places(index: int, size: int) -> set[Place]:
    """Give the places of all nodes that a path and the root over it are made of."""
    places = set(peaks(size))

    def note(place: Place) -> bytes:
        places.add(place)
        return b""

    path_of(index, size, note)
    return places


def root_from(index: int, size: int, digest: bytes, path: Sequence[bytes]) -> bytes | None:
    """Give the root that a row and its path lead to; None when the path has another length.

    It is the algorithm of RFC 9162, section 2.1.3.2.
    """
    number, last, node = index, size - 1, leaf(digest)
    if not 0 <= number <= last:
        return None
    for beside in path:
        if last == 0:
            return None
        if number % 2 == 1 or number == last:
            node = parent(beside, node)
            while number % 2 == 0 and number:
                number, last = number >> 1, last >> 1
        else:
            node = parent(node, beside)
        number, last = number >> 1, last >> 1
    return node if last == 0 else None
