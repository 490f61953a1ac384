"""The pixel: an image whose address tells an event, for e-mails and for pages without scripts.

Whatever becomes of the event, the answer is the same image: a broken picture helps nobody.
"""

import binascii
from base64 import b64decode
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from customering.api.arrivals import Arrivals, units_of
from customering.api.payloads import Fault, read_single
from customering.kernel.errors import CustomeringError, Invalid
from customering.web.answers import Handler, Receive, Scope, Send, answer
from customering.web.cors import ANYBODY, answer_before
from customering.web.keys import WRONG_SCOPE, Denied

_GIF = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_FRESH = (*ANYBODY, (b"cache-control", b"no-store"))
_KINDS = ("identify", "track", "page", "screen", "group", "alias")
_RUDDER_KINDS = ("track", "page")
_DATA = "data"
_FIELDS_MAX = 500
_DEPTH_MAX = 8
_PUBLIC = "write"


def doors(arrivals: Arrivals) -> dict[str, tuple[str, Handler]]:
    """Give each path of a pixel with the name of its door and its handler."""
    paths = {f"/v1/pixel/{kind}": kind for kind in _KINDS}
    paths |= {f"/pixel/v1/{kind}": kind for kind in _RUDDER_KINDS}
    return {path: ("pixel", partial(_serve, arrivals, kind)) for path, kind in paths.items()}


async def _serve(arrivals: Arrivals, kind: str, scope: Scope, receive: Receive, send: Send) -> None:
    """Take the event, if it is one, and answer with the image."""
    headers = dict(scope["headers"])
    if scope["method"] == "OPTIONS":
        await answer_before(send, headers)
        return
    try:
        code = await _take(arrivals, kind, scope, headers)
    except CustomeringError as error:
        code = error.facts.get("reason", error.code)
    if code:
        arrivals.count_refusal(code)
    await answer(send, 200, _GIF, b"image/gif", _FRESH)


async def _take(arrivals: Arrivals, kind: str, scope: Scope, headers: dict[bytes, bytes]) -> str:
    """Take an event, and give why it was refused; empty when it was not.

    Raises
    ------
    Overloaded, Unavailable
        When it cannot be kept now.
    """
    query = bytes(scope["query_string"])
    fault = ""
    try:
        payload, text = read_query(query)
    except Invalid as error:
        fault, payload, text = error.message, {}, b""
    units = units_of(len(query))
    caller = arrivals.caller(scope, headers, text, units)
    if isinstance(caller, Denied):
        return caller.code
    if caller.key.kind != _PUBLIC:  # an address with a secret in it gets around
        return WRONG_SCOPE.code
    if fault:
        faults = [Fault(query.decode("latin-1"), fault, "")]
        await arrivals.take(caller, [], len(query), faults=faults)
        return "invalid_request"
    taken = await arrivals.take(caller, [payload | {"type": kind}], len(query))
    return "invalid_event" if taken.quarantined else ""


def read_query(query: bytes) -> tuple[dict[str, Any], bytes]:
    """Read the event that a query tells.

    Returns
    -------
    tuple
        The payload, and the JSON it was read from, in which a key may stand; empty when there is
        none.

    Raises
    ------
    Invalid
        When there is no event in it.

    Examples
    --------
    >>> read_query(b"userId=ada&event=Seen&properties.campaign.name=May")[0]
    {'userId': 'ada', 'event': 'Seen', 'properties': {'campaign': {'name': 'May'}}}
    """
    try:
        fields = parse_qsl(
            query.decode("utf-8", "replace"), errors="replace", max_num_fields=_FIELDS_MAX
        )
    except ValueError as error:
        raise Invalid(f"the query has more than {_FIELDS_MAX} fields", hint="send less") from error
    for name, value in fields:
        if name == _DATA:
            text = _unpacked(value)
            return read_single(text), text
    payload: dict[str, Any] = {}
    for name, value in fields:
        if name != "writeKey":
            _put(payload, name.split(".", _DEPTH_MAX), value)
    return payload, b""


def _put(payload: dict[str, Any], path: list[str], value: str) -> None:
    """Put a value where a dotted name says; what contradicts an earlier one is left out."""
    for name in path[:-1]:
        inner = payload.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        payload = inner
    payload.setdefault(path[-1], value)


def _unpacked(value: str) -> bytes:
    """Undo base64 in either alphabet, where a plus may have become a blank on its way."""
    plain = value.strip().replace(" ", "+").replace("-", "+").replace("_", "/")
    try:
        return b64decode(plain.rstrip("=") + "=" * (-len(plain.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid("the data is not base64", hint="send base64 of one event") from error
