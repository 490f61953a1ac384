"""The stream door: decisions and changes of one person's profile, pushed as they happen.

Server-sent events (WHATWG HTML, section 9.2). A secret key with the scope ``stream`` may follow
everybody, a subject token the person it names. The messages:

- ``profile``: which events of the person happened.
- ``decision``: a new decision for the placement that was asked about, as ``/v1/decide`` gives it;
  one at once, and one after each change, what comes in a burst taken together.
- ``problem``: a decision could not be made; the stream goes on.
- ``end``: the last one, with the reason: the server stops, the key ended, or who follows is too
  slow.

The id of a message is how many events the profiles hold. Who comes again with ``Last-Event-ID``
gets a decision at once, unless nothing at all happened since.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import parse_qsl

import msgspec

from customering.api.asking import Asking, DecideRequest
from customering.api.following import (
    Follower,
    last_seen,
    message,
    told,
)
from customering.api.json_door import answer_method, read
from customering.events.model import DECISION_MADE, Event
from customering.identity.anchors import anchor_of
from customering.kernel.errors import CustomeringError, Invalid, Overloaded
from customering.kernel.ids import Identifier
from customering.web.answers import Handler, Receive, Scope, Send, answer_problem, problem
from customering.web.bodies import BodyReader
from customering.web.cors import answer_before, beside
from customering.web.entrance import Entrance
from customering.web.keys import Denied
from customering.web.tokens import Gate, answer_denied

HEARTBEAT_SECONDS = 15.0
SETTLE_SECONDS = 0.1  # what happens within it is one message and one decision
CLIENTS_MOST = 1_000
CLIENTS_OF_ONE_PERSON_MOST = 20
_SEND_SECONDS_MAX = 30.0
_BODY_BYTES_MAX = 16_384
_ARRIVING_BYTES_MAX = 1_000_000
_START = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would hold messages back
]


class LiveRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to follow.

    Parameters
    ----------
    identifiers
        Names of the person by type; may be left out with a subject token.
    placement
        The place to decide about; empty for changes of the profile alone.
    context
        The circumstances, as in `DecideRequest`.
    n
        How many actions fit, 1 to 50.
    """

    identifiers: dict[str, str | int] = {}
    placement: Annotated[
        str, msgspec.Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]*)?$", max_length=100)
    ] = ""
    context: dict[str, Any] = {}
    n: Annotated[int, msgspec.Meta(ge=1, le=50)] = 1


_read_request = msgspec.json.Decoder(LiveRequest).decode


def doors(entrance: Entrance) -> dict[str, tuple[str, Handler]]:
    """Give the door by path."""
    return {"/v1/live": ("stream", Streams(entrance).serve)}


class Streams:
    """All open streams of one server.

    Parameters
    ----------
    entrance
        What all doors share.
    """

    def __init__(self, entrance: Entrance) -> None:
        self._live = entrance.live
        self._gate = Gate(entrance)
        self._asking = Asking(entrance)
        self._bodies = BodyReader(entrance.live.settings.body_seconds_max, _ARRIVING_BYTES_MAX)
        self._followers: set[Follower] = set()
        self._by_name: dict[Identifier, set[Follower]] = {}
        entrance.live.watch(self._note)

    @property
    def count(self) -> int:
        """How many streams are open."""
        return len(self._followers)

    # What happens

    def _note(self, events: Sequence[Event]) -> None:
        """Tell followers of events of their person; called after each fold, so it must be quick."""
        if not self._by_name:
            return
        for event in events:
            if event.name == DECISION_MADE:
                continue  # it changes no profile, and would cause the next one
            found = {
                follower for name in event.identifiers for follower in self._by_name.get(name, ())
            }
            for follower in found:
                self._place(follower)
                anchor = anchor_of(event.identifiers, self._live.engine.rules)
                if anchor in follower.names:
                    follower.tell(event)

    def _place(self, follower: Follower) -> None:
        """Follow every name the person has by now, and no other."""
        names = self._live.engine.folding.graph.identifiers_of(follower.name)
        if names == follower.names and follower in self._by_name.get(follower.name, ()):
            return
        self._remove(follower)
        follower.names = names
        for name in names:
            self._by_name.setdefault(name, set()).add(follower)

    def _remove(self, follower: Follower) -> None:
        for name in follower.names:
            followers = self._by_name.get(name)
            if followers is not None:
                followers.discard(follower)
                if not followers:
                    del self._by_name[name]

    # One stream

    async def serve(self, request: Scope, receive: Receive, send: Send) -> None:
        """Answer ``GET`` and ``POST /v1/live``."""
        headers = dict(request["headers"])
        if request["method"] == "OPTIONS":
            await answer_before(send, headers)
            return
        around = beside(headers.get(b"origin"))
        if request["method"] not in ("GET", "POST"):
            await answer_method(send, around, b"GET, POST, OPTIONS")
            return
        try:
            follower = await self._let_in(request, headers, receive)
        except CustomeringError as error:
            await answer_problem(send, error, around)
            return
        if isinstance(follower, Denied):
            await answer_denied(send, follower, around)
        elif follower is not None:
            start = [*_START, *around]
            with self._following(follower):
                await self._follow(follower, receive, send, start, last_seen(headers))

    async def _let_in(
        self, request: Scope, headers: Mapping[bytes, bytes], receive: Receive
    ) -> Follower | Denied | None:
        """Read who follows whom; None when the sender went away.

        Raises
        ------
        Invalid
            When the request does not fit.
        Overloaded
            When too many streams are open.
        """
        caller = self._gate.caller(request, headers, "stream")
        if isinstance(caller, Denied):
            return caller
        if request["method"] == "GET":
            asked = _from_query(request["query_string"])
        else:
            body = await self._bodies.read(receive, headers, _BODY_BYTES_MAX)
            if body is None:
                return None
            asked = read(_read_request, body)
        names = self._asking.names_of(asked.identifiers, caller)
        if isinstance(names, Denied):
            return names
        open_of_one = sum(one.caller.person == names[0] for one in self._followers)
        is_full = len(self._followers) >= CLIENTS_MOST or (
            caller.person is not None and open_of_one >= CLIENTS_OF_ONE_PERSON_MOST
        )
        if is_full or self._live.stopping.is_set():
            raise Overloaded(
                "too many streams are open", hint="close some, or come later", retry_after_s=30
            )
        to_decide = (
            DecideRequest(placement=asked.placement, context=asked.context, n=asked.n)
            if asked.placement
            else None
        )
        return Follower(names[0], caller, to_decide)

    @contextmanager
    def _following(self, follower: Follower) -> Iterator[None]:
        self._followers.add(follower)
        self._place(follower)
        try:
            yield
        finally:
            self._followers.discard(follower)
            self._remove(follower)

    async def _follow(
        self,
        follower: Follower,
        receive: Receive,
        send: Send,
        start: list[tuple[bytes, bytes]],
        seen: int | None,
    ) -> None:
        """Push messages until somebody ends it."""
        watching = (
            asyncio.create_task(_until_gone(receive, follower)),
            asyncio.create_task(_until_stopping(self._live.stopping, follower)),
        )
        try:
            await send({"type": "http.response.start", "status": 200, "headers": start})
            offset = self._live.engine.folding.offset
            if seen != offset:
                await self._push(send, self._decided(follower))
            else:
                await self._push(send, b": nothing happened since\n\n")
            while not follower.why_ended:
                await self._push(send, await self._next(follower))
            if follower.why_ended != "gone":
                await self._push(send, message("end", offset, {"reason": follower.why_ended}))
                await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            follower.end("too_slow")  # it does not even read why
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)

    async def _next(self, follower: Follower) -> bytes:
        """Wait for something to tell, and write it; a comment when nothing happens for long."""
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await follower.awake.wait()
            if not follower.why_ended:
                await asyncio.sleep(SETTLE_SECONDS)
        except TimeoutError:
            if self._gate.still_holds(follower.caller, "stream"):
                return b": still here\n\n"
        if not self._gate.still_holds(follower.caller, "stream"):
            follower.end("key_ended")
        if follower.why_ended:
            return b""
        events = follower.take()
        offset = self._live.engine.folding.offset
        return message("profile", offset, told(events)) + self._decided(follower)

    def _decided(self, follower: Follower) -> bytes:
        """Decide anew, and write it; nothing when no place was asked about."""
        if follower.asked is None:
            return b": following\n\n"
        offset = self._live.engine.folding.offset
        try:
            answer = self._asking.decide_for((follower.name,), follower.asked)
        except CustomeringError as error:
            return message("problem", offset, problem(error))
        return message("decision", offset, answer)

    async def _push(self, send: Send, text: bytes) -> None:
        """Send a piece.

        Raises
        ------
        TimeoutError
            When the client does not take it in time.
        """
        if text:
            async with asyncio.timeout(_SEND_SECONDS_MAX):
                await send({"type": "http.response.body", "body": text, "more_body": True})


async def _until_gone(receive: Receive, follower: Follower) -> None:
    """Wait until the client is gone, and end its stream."""
    while (await receive())["type"] != "http.disconnect":
        pass
    follower.end("gone")


async def _until_stopping(stopping: asyncio.Event, follower: Follower) -> None:
    """Wait until the server is told to stop, and end the stream so that it need not wait for it."""
    await stopping.wait()
    follower.end("server_stops")


def _from_query(query: bytes) -> LiveRequest:
    """Read what to follow from ``?person=type:value&placement=home&n=3``.

    Raises
    ------
    Invalid
        When it does not fit.
    """
    try:
        given = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=20))
    except ValueError as error:
        raise Invalid(
            "the query has more than 20 fields", hint="send person, placement, n"
        ) from error
    asked: dict[str, Any] = {"placement": given.get("placement", "")}
    kind, _, value = given.get("person", "").partition(":")
    if value:
        asked["identifiers"] = {kind: value}
    if given.get("n", "").isdecimal():
        asked["n"] = int(given["n"])
    try:
        return msgspec.convert(asked, LiveRequest)
    except msgspec.ValidationError as error:
        raise Invalid(str(error), hint="such as ?person=user_id:ada&placement=home&n=3") from error
