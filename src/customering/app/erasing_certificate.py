"""The certificate of an erasure: what was removed where, what was kept and why, signed."""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from customering.app.erasing import StoreReport
from customering.consent.rights_scope import Scope
from customering.kernel.clock import format_instant
from customering.kernel.records import Record, from_json, to_json
from customering.stores.erasing_journal import Erasure

_SIGNATURE = ("algorithm", "key_id", "signature")

Signer = Callable[[bytes], tuple[str, bytes]]
"""Signs bytes with the key of the home: gives the id of the key and an Ed25519 signature."""

MODELS = (
    {
        "model": "value",
        "holds": "a few numbers fitted on everybody; no row of a person",
        "influence": "gone when models are next fitted (`customering learn`)",
    },
    {
        "model": "taste",
        "holds": "counts and weights of products over everybody; no row of a person",
        "influence": "gone when models are next fitted (`customering learn`); until then a product"
        " that only this person bought is still counted once",
    },
    {
        "model": "decisions",
        "holds": "weights over everybody; decisions of this person whose outcomes were waited for"
        " are dropped",
        "influence": "fades with time, and is gone when it is learned anew (`customering learn`)",
    },
)
"""What a fitted model still knows of somebody who is erased, and until when."""

BACKUPS = StoreReport(
    store="backups made before",
    rows_deleted=0,
    reason="a backup is not changed; this erasure is done again when one is restored",
)
JOURNAL = StoreReport(
    store="rights",
    rows_deleted=0,
    reason="keyed hashes of the identifiers and event ids, to keep them out and as proof",
)


_LEFT = "gone: the model was fitted anew without this person, who is not used for it any more"


def _is_reached(scope: Scope, model: str) -> bool:
    """Tell whether a model may still know something of what is erased."""
    if scope.model:
        return model == scope.model
    return scope.is_of_names or scope.category in ("", "purchases", "visits")


def _later_events(erasure: Erasure) -> str:
    if erasure.again == "never":
        return "kept out"
    return "a new beginning" if erasure.scope.is_everything else "taken in as before"


class Certificate(Record, frozen=True):
    """A certificate.

    Parameters
    ----------
    request_id
        Of the erasure.
    text
        The JSON as it is given out.
    """

    request_id: str
    text: bytes


def canonical(value: Any) -> bytes:
    """Write plain data of texts, whole numbers and lists in one form (RFC 8785 for such data)."""
    return msgspec.json.encode(value, order="sorted")


def certify(
    erasure: Erasure,
    reports: Sequence[StoreReport],
    *,
    effective_at: int,
    completed_at: int,
    still_read: Sequence[str] = (),
    recipients: Sequence[dict[str, str]] = (),
    signer: Signer | None = None,
) -> Certificate:
    """Write and sign what was done.

    Parameters
    ----------
    erasure
        The erasure.
    reports
        Store by store.
    effective_at, completed_at
        From when on nothing was decided from the person, and when the bytes were gone.
        Milliseconds since 1970.
    still_read
        Files whose write-ahead log could not be emptied yet, because somebody reads them.
    recipients
        Whom the data had been given to, and what they answered.
    signer
        Signs; without one the certificate says that it is not signed.
    """
    scope = erasure.scope
    told: dict[str, Any] = {
        "request_id": erasure.request_id,
        "scope": "everything" if scope.is_everything else scope.told(),
        "subjects": list(erasure.subjects),
        "requested_at": format_instant(erasure.requested_at),
        "effective_at": format_instant(effective_at),
        "completed_at": format_instant(completed_at),
        "later_events": _later_events(erasure),
        "per_store": [
            {
                "store": one.store,
                "rows_deleted": one.rows_deleted,
                "rows_kept": one.rows_kept,
                "reason": one.reason,
            }
            for one in (*reports, JOURNAL, BACKUPS)
        ],
        "write_ahead_logs_still_read": list(still_read),
        "models": [
            {**one, "influence": _LEFT} if scope.model else one
            for one in MODELS
            if _is_reached(scope, one["model"])
        ],
        "recipients": list(recipients),
    }
    return Certificate(request_id=erasure.request_id, text=_signed(told, signer))


def with_recipients(
    text: bytes, recipients: Sequence[dict[str, str]], at_ms: int, signer: Signer | None
) -> bytes:
    """Give a certificate that tells what recipients say now, signed anew.

    Parameters
    ----------
    text
        The certificate there is.
    recipients
        Whom the data had been given to, and what they answered.
    at_ms
        The present. Milliseconds since 1970.
    signer
        As of `certify`.
    """
    told = from_json(text, dict[str, Any])
    for name in _SIGNATURE:
        told.pop(name, None)
    told |= {"recipients": list(recipients), "recipients_as_of": format_instant(at_ms)}
    return _signed(told, signer)


def _signed(told: dict[str, Any], signer: Signer | None) -> bytes:
    if signer is None:
        return to_json(told)
    key_id, signature = signer(canonical(told))
    values = (
        "Ed25519 over RFC 8785 without these three members",
        key_id,
        urlsafe_b64encode(signature).rstrip(b"=").decode(),
    )
    return to_json({**told, **dict(zip(_SIGNATURE, values, strict=True))})
