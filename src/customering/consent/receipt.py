"""A consent receipt: what one row of the ledger says, with all a person needs to prove it offline.

The receipt carries the row as it is kept, the consent records that standards know, the path that
proves the row is in the ledger, and a signature over all of it. `fault_of_receipt` checks it with
nothing but the public key.
"""

from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from customering.consent.chain import Holds, Row, canonical, root_from, row_hash
from customering.consent.model import ControllerSettings, Purpose
from customering.consent.purposes import PurposeBook
from customering.consent.records import Said, receipt_27560, record_27560
from customering.events.model import Event
from customering.kernel.clock import format_instant, parse_instant
from customering.kernel.ids import stable_id
from customering.kernel.records import Record, from_json

TYPE = "customering consent receipt"


class RowSaid(NamedTuple):
    """What one row says.

    Parameters
    ----------
    name
        The event, such as ``Consent Updated``.
    said
        Key to ``allow`` or ``deny``.
    at_ms
        When. Milliseconds since 1970.
    source
        Which system told us.
    notice
        The SHA-256 of the words that were shown.
    receipt_id
        Names the receipt for good.
    """

    name: str
    said: dict[str, str]
    at_ms: int
    source: str
    notice: str
    receipt_id: str


class ReceiptLine(Record, frozen=True, kw_only=True):
    """One thing a person said, for a list of receipts.

    Parameters
    ----------
    seq
        Its number in the ledger; the receipt is asked for by it.
    at_ms
        When it was said. Milliseconds since 1970.
    name
        The event, such as ``Consent Updated``.
    said
        Key to ``allow`` or ``deny``.
    receipt_id
        Names the receipt for good.
    """

    seq: int
    at_ms: int
    name: str
    said: dict[str, str]
    receipt_id: str


class Issued(NamedTuple):
    """One row, and what it means for each purpose.

    Parameters
    ----------
    row, said
        The row, and what it says.
    given
        For each purpose that it is about the state of the person's consent afterwards.
    """

    row: Row
    said: RowSaid
    given: tuple[Said, ...]

    @classmethod
    def of(cls, row: Row, before: Sequence[Row], notices: Mapping[str, bytes]) -> "Issued":
        """Read a row in the light of those before it.

        Parameters
        ----------
        before
            Earlier rows of the same person.
        notices
            The words that were shown, by their SHA-256.
        """
        said = said_in(row)
        book = from_json(notices[said.notice], tuple[PurposeBook, ControllerSettings])[0]
        earlier = [said_in(one).said for one in before]
        given = tuple(
            Said(
                record_id=f"{row.hash.hex()[:32]}.{purpose.key}",
                subject=row.subject,
                purpose=purpose,
                is_given=answer == "allow",
                was_given=_last(purpose, earlier) == "allow",
                at_ms=said.at_ms,
                notice=said.notice,
                method=said.source or "unknown",
            )
            for purpose in book.purposes
            if (answer := _of(purpose, said.said)) is not None
        )
        return cls(row, said, given)


def row_of(event: Event, ref: str, subject: str, notice: str) -> dict[str, Any]:
    """Give what a row says of an event: nothing but what was said, when, and how.

    Parameters
    ----------
    ref, subject
        A keyed hash of the event's id, and the pseudonym of the person.
    notice
        The SHA-256 of the words that are shown.
    """
    purposes = event.properties.get("purposes")
    said: dict[str, Any] = {
        "v": 1,
        "event": ref,
        "subject": subject,
        "name": event.name,
        "said": {
            str(key): "allow" if answer == "allow" else "deny"
            for key, answer in (purposes.items() if isinstance(purposes, dict) else ())
        },
        "at": format_instant(min(event.occurred_at, event.recorded_at)),
        "recorded_at": format_instant(event.recorded_at),
        "source": event.source,
        "notice": notice,
    }
    digest = event.properties.get("record_sha256")
    return {**said, "record_sha256": digest} if isinstance(digest, str) else said


def said_in(row: Row) -> RowSaid:
    """Read what a row says."""
    record = from_json(row.record, dict[str, Any])
    return RowSaid(
        name=record["name"],
        said=record["said"],
        at_ms=parse_instant(record["at"]),
        source=record["source"],
        notice=record["notice"],
        receipt_id=stable_id("rcp", row.hash.hex()),
    )


def line_of(row: Row) -> ReceiptLine:
    """Read a row for a list of receipts."""
    said = said_in(row)
    return ReceiptLine(
        seq=row.seq, at_ms=said.at_ms, name=said.name, said=said.said, receipt_id=said.receipt_id
    )


def _of(purpose: Purpose, said: Mapping[str, str]) -> str | None:
    """Give the answer for a purpose; a refusal above it counts, an agreement above it does not."""
    parts = purpose.key.split(".")
    above = [".".join(parts[:length]) for length in range(1, len(parts))]
    if any(said.get(key) == "deny" for key in above):
        return "deny"
    return said.get(purpose.key)


def _last(purpose: Purpose, earlier: Sequence[Mapping[str, str]]) -> str | None:
    answers = [answer for said in earlier if (answer := _of(purpose, said)) is not None]
    return answers[-1] if answers else None


def issue(issued: Issued, controller: ControllerSettings, now_ms: int) -> dict[str, Any]:
    """Give a receipt without its path and its signature.

    Parameters
    ----------
    controller
        Who answers for the data.
    now_ms
        The present, milliseconds since 1970.
    """
    row = issued.row
    records = [record_27560(one, controller) for one in issued.given]
    return {
        "type": TYPE,
        "receipt": receipt_27560(issued.said.receipt_id, records, now_ms),
        "ledger": {
            "record": from_json(row.record, dict[str, Any]),
            "prev_hash": row.prev_hash.hex(),
            "hash": row.hash.hex(),
            "kid": row.kid,
            "signature": row.signature.hex(),
        },
    }


def fault_of_receipt(text: bytes, holds: Holds) -> str | None:
    """Say what is wrong with a receipt; None when it is as it was issued.

    Parameters
    ----------
    text
        The receipt, as JSON; its layout does not matter.
    holds
        Checks signatures by the public keys that are trusted.
    """
    try:
        document = from_json(text, dict[str, Any])
        return _fault(document, holds)
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError, AttributeError):
        return "it is not a consent receipt"


def _fault(document: dict[str, Any], holds: Holds) -> str | None:
    if document.get("type") != TYPE:
        return "it is not a consent receipt"
    proof = document.pop("proof")
    is_ours = proof["alg"] == "Ed25519"
    if not is_ours or not holds(proof["kid"], canonical(document), _bytes(proof["signature"])):
        return "it was changed, or another key signed it: the signature does not fit"
    ledger, inclusion = document["ledger"], document["inclusion"]
    record, digest = canonical(ledger["record"]), bytes.fromhex(ledger["hash"])
    if digest != row_hash(bytes.fromhex(ledger["prev_hash"]), record):
        return "the hash of its row does not fit"
    if not holds(ledger["kid"], digest, bytes.fromhex(ledger["signature"])):
        return "the signature of its row does not fit"
    head = dict(inclusion["head"])
    kid, signature = head.pop("kid"), _bytes(head.pop("signature"))
    if not holds(kid, canonical(head), signature):
        return "the signature of the head of the ledger does not fit"
    path = [bytes.fromhex(node) for node in inclusion["path"]]
    index = inclusion["index"]
    if index + 1 != ledger["record"]["seq"]:
        return "the path is that of another row"
    root = root_from(index, head["size"], digest, path)
    if root is None or root.hex() != head["root"]:
        return "the path does not lead to the head of the ledger"
    return None


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
