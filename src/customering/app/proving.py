"""Checks what the consent ledger of a home claims: every row, every head, and single receipts."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from customering.app.home_key import from_text, holding
from customering.app.receipts import Receipts
from customering.consent.chain import (
    FIRST_HASH,
    Head,
    Holds,
    Place,
    canonical,
    fault_of,
    nodes_for,
    peaks,
    root_of,
)
from customering.consent.myterms import fault_of_record
from customering.consent.receipt import fault_of_receipt
from customering.kernel.errors import CustomeringError, InvalidFile
from customering.kernel.records import Record, from_json
from customering.stores.consent_chain import KeptAgreement

FAULTS_MOST = 20


class Verdict(Record, frozen=True, kw_only=True):
    """What came of checking a ledger.

    Parameters
    ----------
    rows
        Rows that were read.
    root
        The root of the tree over them, in hex.
    faults
        What is wrong and where, the first `FAULTS_MOST`; nothing when all is as it was written.
    """

    rows: int
    root: str
    faults: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def verify(receipts: Receipts, *, kept: Mapping[str, Any] | None = None) -> Verdict:
    """Check every row of a ledger, and every head that is known of it.

    Parameters
    ----------
    receipts
        The ledger.
    kept
        What `Receipts.published` gave at an earlier time, kept elsewhere: it shows what somebody
        changed who could write every file of the home. None when there is none.
    """
    holds = receipts.key.holds if kept is None else holding(kept)
    faults: list[str] = []
    heads, false_heads = _heads(receipts, kept, holds)
    faults += false_heads
    nodes: dict[Place, bytes] = {}
    before, rows, computed = (0, FIRST_HASH), 0, 0
    sizes = {head.size for head in heads}
    try:
        for row in receipts.chain.rows():
            fault = fault_of(row, before, holds)
            if fault is not None and len(faults) < FAULTS_MOST:
                faults.append(f"row {row.seq}: {fault}")
            made = nodes_for(rows, row.hash, nodes.__getitem__)
            nodes |= made
            computed += sum(_weight(place, node) for place, node in made.items())
            rows += 1
            before = row.seq, row.hash
            if rows in sizes:
                faults += _disagreeing(heads, rows, row.hash, root_of(rows, nodes.__getitem__))
            _let_go(nodes, rows)
        if computed != sum(_weight(place, node) for place, node in receipts.chain.nodes()):
            faults.append("the tree over the rows was changed; the rows are not concerned")
        faults += [
            f"the words under {digest[:12]} were changed"
            for digest, text in receipts.chain.notices().items()
            if sha256(text).hexdigest() != digest
        ]
        faults += [
            f"the agreement {kept_one.record_id}: {fault}"
            for kept_one in receipts.chain.agreements()
            if (fault := _fault_of_agreement(kept_one, holds)) is not None
        ]
    except (CustomeringError, TypeError, ValueError) as error:
        faults.append(f"after row {before[0]}: it cannot be read ({error})")
    cut = [head.size for head in heads if head.size > rows]
    if cut:
        faults.append(f"rows {rows + 1} to {max(cut)} are gone: the tail was cut off")
    root = root_of(rows, nodes.__getitem__)
    return Verdict(rows=rows, root=root.hex(), faults=tuple(faults[:FAULTS_MOST]))


def _heads(
    receipts: Receipts, kept: Mapping[str, Any] | None, holds: Holds
) -> tuple[list[Head], list[str]]:
    """Give every head that is known: beside the ledger, of each day, and kept elsewhere."""
    beside = receipts.kept_head()
    heads = [] if beside is None else [beside]
    faults: list[str] = []
    documents: list[Any] = list(receipts.chain.checkpoints())
    if kept is not None:
        documents += [*kept.get("checkpoints", []), *([kept["head"]] if "head" in kept else [])]
    for number, document in enumerate(documents, 1):
        try:
            heads.append(_head_in(document, holds))
        except (ValueError, KeyError, TypeError):
            faults.append(f"the signed head {number} of {len(documents)} was changed")
    return heads, faults


def _head_in(document: Any, holds: Holds) -> Head:
    """Read a signed head; raises when it is none, or its signature does not fit."""
    plain = from_json(document, dict[str, Any]) if isinstance(document, bytes) else document
    signed = dict(plain)
    kid, signature = str(signed.pop("kid")), from_text(str(signed.pop("signature")))
    if not holds(kid, canonical(signed), signature):
        raise ValueError("the signature does not fit")
    return Head(signed["size"], bytes.fromhex(signed["hash"]), bytes.fromhex(signed["root"]))


def _disagreeing(heads: list[Head], size: int, digest: bytes, root: bytes) -> list[str]:
    """Say which heads of this size are not what is there."""
    wrong = any(head.size == size and (head.hash, head.root) != (digest, root) for head in heads)
    return [f"row {size}: the ledger was another one when its head was signed"] if wrong else []


def _fault_of_agreement(kept: KeptAgreement, holds: Holds) -> str | None:
    fault = fault_of_record(kept.document, holds, holding)
    if fault is None and from_json(kept.document, dict[str, Any])["record_id"] != kept.record_id:
        return "it is kept under another id"
    return fault


def _weight(place: Place, node: bytes) -> int:
    """Give a number for a node; sums of them are equal when the nodes are, in whatever order."""
    return int.from_bytes(sha256(f"{place}".encode() + node).digest(), "big")


def _let_go(nodes: dict[Place, bytes], size: int) -> None:
    """Keep only the nodes that later ones are made of."""
    for place in nodes.keys() - set(peaks(size)):
        del nodes[place]


def verify_receipt(path: Path, keys: Mapping[str, Any]) -> str | None:
    """Say what is wrong with a receipt in a file; None when it is as it was issued.

    Parameters
    ----------
    path
        The file.
    keys
        The public keys that are trusted: a JWK set, a JWK, or what ``consent-log.json`` says.
    """
    return fault_of_receipt(path.read_bytes(), holding(keys))


def read_keys(path: Path) -> dict[str, Any]:
    """Read public keys from a file.

    Raises
    ------
    InvalidFile
        When it is no JSON object.
    """
    try:
        return from_json(path.read_bytes(), dict[str, Any])
    except ValueError as error:
        raise InvalidFile(
            f"{path} is no JSON object", hint="name a saved consent-log.json, or a JWK set"
        ) from error
