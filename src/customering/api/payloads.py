"""Bodies of Segment and RudderStack calls become payloads for intake; what cannot is set aside."""

import json
import re
from collections.abc import Sequence
from math import isfinite
from typing import Any, NamedTuple, cast

import msgspec

from customering.events.intake import quarantined
from customering.events.segment import unbatch
from customering.events.store import Quarantined
from customering.events.usual import USUAL_KINDS, UsualKind, UsualPayload, usual_from_json, whole
from customering.kernel.errors import Invalid
from customering.web.bodies import has_few_brackets, is_too_deep, nests_too_deep, no_json, too_deep

_DECLINED_ADDRESS = "0.0.0.0"  # noqa: S104 - what senders write who want no address recorded
_KEY = re.compile(r"(cw|cs|ck_live)_[0-9A-Za-z]{38}")
MERGE = "merge"
"""RudderStack's kind beside those of the spec."""

_EXCESS_MAX = 2
_FAULTS = (ValueError, RecursionError)  # msgspec's errors and those of Unicode are the former


class Fault(NamedTuple):
    """One event that is set aside before intake sees it.

    Parameters
    ----------
    raw
        The event, so that it can be replayed; its text when it cannot be read.
    reason
        Why, in one sentence.
    place
        Its index in the batch.
    """

    raw: Any
    reason: str
    place: str


class Batch(NamedTuple):
    """A batch call that was read.

    Parameters
    ----------
    payloads
        For intake, with what the batch says for all put under each.
    places
        The index of each payload in the batch.
    faults
        The other events.
    """

    payloads: list[Any]
    places: Sequence[str] | None
    faults: list[Fault]


class _Body(msgspec.Struct):
    """The members of a batch that matter; events are cut out first and read one by one."""

    batch: list[msgspec.Raw]
    context: Any = None
    integrations: Any = None
    sent_at: Any = msgspec.field(default=None, name="sentAt")


_decode = msgspec.json.Decoder().decode
_decode_body = msgspec.json.Decoder(_Body).decode


def read_single(body: bytes) -> dict[str, Any]:
    """Read the body of a call with one event.

    Raises
    ------
    Invalid
        When it is not a JSON object.
    """
    try:
        value = _decode(body)
    except _FAULTS:
        body = mended(body)
        try:
            value = _decode(body)
        except _FAULTS as error:
            raise no_json(error) from error
    if type(value) is not dict:
        raise Invalid("the body is not a JSON object", hint="send one event as an object")
    if is_too_deep(body, value):
        raise too_deep()
    value.pop("writeKey", None)
    return value


def read_call(kind: str, body: bytes) -> Any:
    """Read the body of a call with one event, whose kind the path says, for intake.

    Raises
    ------
    Invalid
        When it is not a JSON object.
    """
    usual = _usual(msgspec.Raw(body), body) if kind in USUAL_KINDS else None
    if usual is not None:
        usual.type = cast("UsualKind", kind)
        return usual
    payload = read_single(body)
    payload["type"] = kind
    return as_alias(payload) if kind == MERGE else payload


def read_batch(body: bytes, *, event_bytes_max: int, events_max: int) -> Batch:
    """Read the body of a batch call, each event by itself, so that a bad one spoils no other.

    Parameters
    ----------
    event_bytes_max
        Largest event that is accepted, in bytes of JSON.
    events_max
        Most events that are accepted; those after them are set aside. Twice as many are no batch
        of any SDK, but a flood of empty ones.

    Raises
    ------
    Invalid
        When it is not a JSON object with a list in ``batch``, or that list is far too long.
    """
    call = _read_body(body)
    if len(call.batch) > _EXCESS_MAX * events_max:
        raise Invalid(
            f"the batch has {len(call.batch)} events, far more than the {events_max} allowed",
            hint="send smaller batches",
            reason="too_large",
        )
    if nests_too_deep(call.context) or nests_too_deep(call.integrations):
        raise too_deep()
    is_usual = not (call.context or call.integrations)
    payloads: list[Any] = []
    reasons: dict[int, str] = {}
    for index, raw in enumerate(call.batch):
        text = bytes(raw)
        if is_usual and len(text) <= event_bytes_max and (usual := _usual(raw, text)) is not None:
            if usual.sent_at is None:
                usual.sent_at = call.sent_at
            payloads.append(usual)
        else:
            payload, reason = _read_one(text, event_bytes_max)
            if reason:
                reasons[index] = reason
            payloads.append(payload)
    for index in range(events_max, len(payloads)):
        if index not in reasons:
            reasons[index] = f"it stands after the {events_max} events a batch may have"
    shared = {
        "context": call.context,
        "integrations": call.integrations,
        "sentAt": call.sent_at,
    }
    return _parted(unbatch({"batch": payloads} | shared), reasons)


def _usual(raw: msgspec.Raw, text: bytes) -> UsualPayload | None:
    """Read an event that is as nearly all are; None when it must be read in full.

    Both arguments are the event; what is given refers to the former.
    """
    if not has_few_brackets(text):
        return None
    try:
        return usual_from_json(raw)
    except _FAULTS:
        return None


def _read_one(text: bytes, event_bytes_max: int) -> tuple[Any, str]:
    """Read any event of a batch, and say why it is set aside; empty when it is not."""
    try:
        payload = _decode(text)
        reason = too_deep().message if is_too_deep(text, payload) else ""
    except _FAULTS:
        reason = "it is not JSON that can be read: a number out of range, or no UTF-8"
    if reason:
        payload = _KEY.sub("(a key)", text.decode("utf-8", "replace"))
    elif len(text) > event_bytes_max:
        reason = f"the event has {len(text)} bytes, more than the {event_bytes_max} allowed"
    return _plain(payload), reason


def _parted(payloads: list[Any], reasons: dict[int, str]) -> Batch:
    """Part what intake reads from what is set aside."""
    if not reasons:
        return Batch(payloads, None, [])
    kept = [index for index in range(len(payloads)) if index not in reasons]
    return Batch(
        payloads=[payloads[index] for index in kept],
        places=[str(index) for index in kept],
        faults=[
            Fault(whole(payloads[index]), reason, str(index)) for index, reason in reasons.items()
        ],
    )


def _read_body(body: bytes) -> _Body:
    try:
        return _decode_body(body)
    except msgspec.ValidationError as error:
        raise _no_batch() from error
    except _FAULTS:
        try:
            return _decode_body(mended(body))
        except msgspec.ValidationError as error:
            raise _no_batch() from error
        except _FAULTS as error:
            raise no_json(error) from error


def _no_batch() -> Invalid:
    return Invalid(
        "the body is not an object with a list in batch",
        hint='send {"batch": [...], "sentAt": "..."}',
    )


def mended(body: bytes) -> bytes:
    """Write anew what is nearly JSON, as some SDKs send it.

    A byte order mark goes. Half a surrogate pair (a title cut in the middle of an emoji, in
    JavaScript) and bytes that are not UTF-8 become U+FFFD. ``NaN`` and ``Infinity`` (which Python
    writes) and what is as large become null, as JavaScript writes them. So one odd character costs
    no event.

    Raises
    ------
    Invalid
        When it is not JSON even so.
    """
    try:
        value = json.loads(
            body.decode("utf-8-sig", "replace"),
            strict=False,
            parse_constant=lambda _: None,
            parse_float=_finite,
        )
        text = json.dumps(value, ensure_ascii=False)
    except _FAULTS as error:
        raise no_json(error) from error
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def _finite(text: str) -> float | None:
    """Read a number; None when it is too large to be one."""
    number = float(text)
    return number if isfinite(number) else None


def _plain(payload: Any) -> Any:
    """Give a payload of a kind of the spec, without the key that may stand in it."""
    if type(payload) is not dict:
        return payload
    payload.pop("writeKey", None)
    return as_alias(payload) if payload.get("type") == MERGE else payload


def as_alias(payload: dict[str, Any]) -> dict[str, Any]:
    """Read RudderStack's merge call, two names of one person, as an alias with both names."""
    given: dict[str, list[Any]] = {}
    pairs = payload.get("mergeProperties")
    for pair in pairs if isinstance(pairs, list) else ():
        if isinstance(pair, dict) and isinstance(pair.get("type"), str):
            given.setdefault(pair["type"], []).append(pair.get("value"))
    rest = {key: value for key, value in payload.items() if key != "mergeProperties"}
    return rest | {"type": "alias", "identifiers": given}


def place_address(payloads: Sequence[Any], address: str) -> None:
    """Put into each context the address the server saw, in place of what the sender claims.

    Parameters
    ----------
    address
        Empty: none is kept. Whoever sent 0.0.0.0 wants none kept, and none is.
    """
    for payload in payloads:
        if type(payload) is UsualPayload:
            payload.context = _with_address(payload.context, address)
        elif type(payload) is dict:
            context = _with_address(payload.get("context"), address)
            if context is not None:
                payload["context"] = context


def _with_address(context: Any, address: str) -> Any:
    """Give a context with an address, or without any."""
    if type(context) is not dict:
        return {"ip": address} if context is None and address else context
    if address and context.get("ip") != _DECLINED_ADDRESS:
        return context | {"ip": address}
    if "ip" in context:
        return {key: value for key, value in context.items() if key != "ip"}
    return context


def set_aside(faults: Sequence[Fault], *, source: str, received_at: int) -> list[Quarantined]:
    """Give what is kept of faults."""
    return [
        quarantined(
            fault.raw,
            reason=fault.reason,
            source=source,
            place=fault.place,
            received_at=received_at,
        )
        for fault in faults
    ]
