"""The doors by which Segment's and RudderStack's SDKs, unchanged, send events."""

from collections.abc import Awaitable, Callable
from functools import partial

from customering.api import pixel, sdk_settings, snippet
from customering.api.arrivals import Arrivals, Caller, units_of
from customering.api.payloads import MERGE, read_batch, read_call
from customering.api.segment_answers import JSON, METHOD_NOT_ALLOWED, SUCCESS, refusal
from customering.events.intake import Intake
from customering.kernel.errors import CustomeringError, Invalid
from customering.web.answers import Handler, Receive, Scope, Send, answer, status_of
from customering.web.bodies import BodyReader, closing
from customering.web.cors import answer_before, beside
from customering.web.entrance import Entrance
from customering.web.keys import Denied
from customering.web.turns import Turns

_SUCCESS_HEADERS = [
    (b"content-type", JSON),
    (b"content-length", str(len(SUCCESS)).encode()),
]
_SUCCESS_START = {"type": "http.response.start", "status": 200, "headers": _SUCCESS_HEADERS}
_SUCCESS_BODY = {"type": "http.response.body", "body": SUCCESS}
_RETRY_SECONDS_MAX = 300  # SDKs wait no longer, whatever they are told
_BUSY = 429

_KINDS = ("identify", "track", "page", "screen", "group", "alias")
_BATCH_PATHS = ("/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch")
_TELEMETRY_PATH = "/v1/m"

_Work = Callable[[Caller, bytes, int], Awaitable[Denied | None]]


def doors(entrance: Entrance) -> dict[str, tuple[str, Handler]]:
    """Give every door of SDKs by its path.

    Returns
    -------
    dict
        Path, or where it ends with a slash the beginning of one, to the name and the handler.
    """
    arrivals = Arrivals(entrance)
    return {
        **Collect(arrivals).doors(),
        **pixel.doors(arrivals),
        **sdk_settings.SdkSettings(entrance).doors(),
        **snippet.doors(entrance),
    }


class Collect:
    """Takes events in, in the shape of the Segment HTTP API and of RudderStack's.

    Parameters
    ----------
    arrivals
        What the doors for events share.

    Notes
    -----
    The answers are the subset that every SDK understands: exactly 200 for success, and errors with
    ``code``, ``message`` and ``error``. An SDK drops what is answered 400, 401 or 403, and sends
    again what is answered 429 or 503.
    """

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._settings = settings = arrivals.settings
        self._now = arrivals.live.engine.clock
        self._turns = Turns(settings.queued_bytes_max)
        self._bodies = BodyReader(settings.body_seconds_max, settings.arriving_bytes_max)

    def doors(self) -> dict[str, tuple[str, Handler]]:
        """Give each path with the name of its door and its handler."""
        settings = self._settings
        paths: dict[str, tuple[str, Handler]] = {}
        for kind in (*_KINDS, MERGE):
            work = partial(self._single, kind)
            paths[f"/v1/{kind}"] = ("collect", self._door(work, settings.event_bytes_max))
        for kind in _KINDS:
            paths[f"/v1/{kind[0]}"] = paths[f"/v1/{kind}"]
        batch = self._door(self._batch, settings.batch_bytes_max)
        for path in _BATCH_PATHS:
            paths[path] = ("collect_batch", batch)
        telemetry = self._door(None, settings.event_bytes_max)
        paths[_TELEMETRY_PATH] = ("collect_telemetry", telemetry)
        return paths

    def _door(self, work: _Work | None, bytes_max: int) -> Handler:
        """Make the handler of a path; without work, what is sent is read and dropped."""
        read, find_caller = self._bodies.read, self._arrivals.caller

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            headers = dict(scope["headers"])
            origin = headers.get(b"origin")
            if scope["method"] != "POST":
                await self._other_method(scope, headers, send)
                return
            try:
                body = await read(receive, headers, bytes_max)
                if body is None:
                    return
                denied = None
                if work is not None:
                    units = units_of(len(body))
                    caller = find_caller(scope, headers, body, units)
                    if isinstance(caller, Denied):
                        denied = caller
                    else:
                        denied = await work(caller, body, units)
            except CustomeringError as error:
                await self._fail(send, error, origin)
                return
            if denied is not None:
                await self._refuse(send, denied, origin)
            elif origin is None:
                await send(_SUCCESS_START)
                await send(_SUCCESS_BODY)
            else:
                headers_out = [*_SUCCESS_HEADERS, *beside(origin)]
                await send({**_SUCCESS_START, "headers": headers_out})
                await send(_SUCCESS_BODY)

        return serve

    # The work

    async def _single(self, kind: str, caller: Caller, body: bytes, units: int) -> Denied | None:
        """Take one event, whose kind the path says."""
        payload = read_call(kind, body)
        taken = await self._arrivals.take(caller, [payload], len(body))
        return denied_of(taken) if taken.quarantined else None

    async def _batch(self, caller: Caller, body: bytes, units: int) -> Denied | None:
        """Take the events of a batch; those that are wrong are set aside, and the others taken."""
        settings = self._settings
        await self._turns.take(len(body))
        batch = read_batch(
            body,
            event_bytes_max=settings.event_bytes_max,
            events_max=settings.batch_events_max,
        )
        self._arrivals.count_events(caller, len(batch.payloads) + len(batch.faults), units)
        await self._arrivals.take(
            caller, batch.payloads, len(body), places=batch.places, faults=batch.faults
        )
        return None

    # Answers

    async def _other_method(self, scope: Scope, headers: dict[bytes, bytes], send: Send) -> None:
        if scope["method"] == "OPTIONS":
            await answer_before(send, headers)
            return
        denied = Denied(405, METHOD_NOT_ALLOWED, "this address takes POST")
        await self._refuse(send, denied, headers.get(b"origin"), (b"allow", b"POST, OPTIONS"))

    async def _fail(self, send: Send, error: CustomeringError, origin: bytes | None) -> None:
        """Answer an error in the words of the contract."""
        status = status_of(error)
        usual = "invalid_request" if isinstance(error, Invalid) else error.code
        denied = Denied(status, error.facts.get("reason", usual), error.message)
        extra = self._come_again(error, origin) if status == _BUSY else ()
        await self._refuse(send, denied, origin, *extra, *closing(error))

    def _come_again(
        self, error: CustomeringError, origin: bytes | None
    ) -> tuple[tuple[bytes, bytes], ...]:
        """Say when to send again, in each way that SDKs read.

        ``X-RateLimit-Reset`` is read as seconds to wait by analytics-next up to 1.76, and as an
        instant in milliseconds since 1970 by analytics-node up to 2; only pages send ``Origin``.
        """
        seconds = min(max(int(error.facts.get("retry_after_s", 1)), 1), _RETRY_SECONDS_MAX)
        reset = seconds if origin is not None else self._now() + seconds * 1_000
        return (
            (b"retry-after", str(seconds).encode()),
            (b"x-ratelimit-reset", str(reset).encode()),
        )

    async def _refuse(
        self, send: Send, denied: Denied, origin: bytes | None, *extra: tuple[bytes, bytes]
    ) -> None:
        self._arrivals.count_refusal(denied.code)
        body = refusal(denied.code, denied.message)
        await answer(send, denied.status, body, JSON, (*extra, *beside(origin)))


def denied_of(taken: Intake) -> Denied:
    """Say why the only event of a call was set aside."""
    fault = taken.quarantined[0]
    is_nobody = fault.path == "userId"
    return Denied(400, "no_user_anon_id" if is_nobody else "invalid_event", fault.reason)
