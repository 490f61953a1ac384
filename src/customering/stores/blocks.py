"""Blocks of events as bytes: compressed NDJSON, the digests of the event ids, two checksums."""

import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import xxhash
import zstandard

from customering.events.model import Event
from customering.events.store import Block
from customering.kernel.errors import Corrupt, InvalidEvent

ID_BYTES = 16
_HEADER = struct.Struct(">qqqq")
_encode = msgspec.json.Encoder().encode
_digest = xxhash.xxh3_128_digest


class _IdOnly(msgspec.Struct):
    """The one member of an event that its digest is made of."""

    event_id: str


_ID_DECODER = msgspec.json.Decoder(_IdOnly)


class StoredBlock(NamedTuple):
    """One row of the log.

    Parameters
    ----------
    first, event_count, recorded_from, recorded_to
        As in `customering.events.store.Block`.
    checksum
        XXH3 (64 bits, signed) of these four numbers and `payload`.
    ids_checksum
        The same of these four numbers and `ids`.
    ids
        XXH3 (128 bits) of each event id, in order; duplicates are found without decompressing.
    payload
        Zstandard frame of the events as NDJSON.
    """

    first: int
    event_count: int
    recorded_from: int
    recorded_to: int
    checksum: int
    ids_checksum: int
    ids: bytes
    payload: bytes


def id_digest(event_id: str) -> bytes:
    """Give the 16 bytes that stand for an event id.

    With a billion events in the log, a new id meets an old digest with a chance of 3e-30.
    """
    return _digest(event_id.encode("utf-8", "surrogatepass"))


def id_digests(events: Sequence[Event]) -> list[bytes]:
    """Give the digests of the ids of events, in order."""
    try:
        return [_digest(event.event_id.encode()) for event in events]
    except UnicodeEncodeError:  # half a surrogate pair, which no line can hold
        return [id_digest(event.event_id) for event in events]


def digests_of(ids: bytes) -> list[bytes]:
    """Take the digests of a block apart."""
    return [ids[at : at + ID_BYTES] for at in range(0, len(ids), ID_BYTES)]


def lines_of(events: Sequence[Event]) -> list[bytes]:
    """Encode events as the log keeps them, one line of JSON each.

    Raises
    ------
    InvalidEvent
        When an event cannot be written as JSON; events from intake always can.
    """
    try:
        return [_encode(event) for event in events]
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidEvent(
            "An event cannot be written as JSON",
            hint="Append what intake accepted, or plain JSON data.",
        ) from error


def seal(
    first: int,
    events: Sequence[Event],
    lines: Sequence[bytes],
    digests: Sequence[bytes],
    compressor: zstandard.ZstdCompressor,
) -> StoredBlock:
    """Turn events, with their lines and the digests of their ids, into a row of the log."""
    recorded = [event.recorded_at for event in events]
    header = (first, len(events), min(recorded), max(recorded))
    ids = b"".join(digests)
    payload = compressor.compress(b"\n".join([*lines, b""]))
    return StoredBlock(*header, _checksum(header, payload), _checksum(header, ids), ids, payload)


def unseal(row: StoredBlock, decompressor: zstandard.ZstdDecompressor) -> Block:
    """Turn a row of the log back into a block.

    Raises
    ------
    Corrupt
        When its bytes are not those that were written; names the block.
    """
    if _checksum(row[:4], row.payload) != row.checksum:
        raise corrupt_block(row.first, "its payload or counters fail their checksum")
    try:
        payload = decompressor.decompress(row.payload)
    except zstandard.ZstdError as error:
        raise corrupt_block(row.first, "its payload cannot be decompressed") from error
    return Block(
        first=row.first,
        count=row.event_count,
        recorded_from=row.recorded_from,
        recorded_to=row.recorded_to,
        payload=payload,
    )


def reseal(
    row: StoredBlock,
    block: Block,
    lines: Mapping[int, bytes],
    compressor: zstandard.ZstdCompressor,
) -> StoredBlock:
    """Put other lines in the place of some events; every other event keeps its bytes and offset.

    Parameters
    ----------
    row, block
        The row as it stands, and what is in it.
    lines
        Offset in the log to the JSON of the event that is to stand there.
    compressor
        Of the log.

    Notes
    -----
    The counters stay, those of recorded time too: they bound what is in the block, and a block
    found by them is still found.
    """
    kept = block.lines()
    digests = digests_of(row.ids)
    for offset, line in lines.items():
        place = offset - row.first
        kept[place] = line
        digests[place] = id_digest(_ID_DECODER.decode(line).event_id)
    ids, header = b"".join(digests), row[:4]
    payload = compressor.compress(b"\n".join([*kept, b""]))
    return StoredBlock(*header, _checksum(header, payload), _checksum(header, ids), ids, payload)


def check_ids(header: tuple[int, int, int, int], ids: bytes, ids_checksum: int) -> None:
    """Check the digests of a block on their own.

    Raises
    ------
    Corrupt
        When they are not those that were written; names the block.
    """
    if _checksum(header, ids) != ids_checksum:
        raise corrupt_block(header[0], "its digests of ids or counters fail their checksum")


def check_agreement(row: StoredBlock, block: Block) -> None:
    """Check that a block holds as many events as it says, with the ids it says.

    Raises
    ------
    Corrupt
        When they disagree, which a fault in writing would cause rather than one of the disk.
    """
    digests = [id_digest(line.event_id) for line in _ID_DECODER.decode_lines(block.payload)]
    if len(digests) != row.event_count or b"".join(digests) != row.ids:
        raise corrupt_block(row.first, "its events are not those its digests of ids tell of")


def corrupt_block(first: int, reason: str) -> Corrupt:
    """Build the error that names a broken block."""
    return Corrupt(
        f"The block of the log that starts at offset {first} is damaged: {reason}",
        hint="Restore the log from a backup; blocks before this one are readable.",
        block=first,
    )


def _checksum(header: tuple[int, ...], body: bytes) -> int:
    """Give 64 bits over the counters and the bytes, as SQLite's signed integer."""
    hasher = xxhash.xxh3_64(_HEADER.pack(*header))
    hasher.update(body)
    return int.from_bytes(hasher.digest(), "big", signed=True)
