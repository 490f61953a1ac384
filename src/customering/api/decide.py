"""The decide doors: what to do next for one person at one place, or up to a hundred at once.

A secret key with the scope ``decide`` asks about everybody. A subject token asks about the person
it names. A public write key asks about a browser alone: what was done under that one
``anonymous_id``, and nothing of the person behind it.
"""

import asyncio
from typing import Annotated, Any

import msgspec

from customering.api.asking import Asking, DecideAnswer, DecideRequest
from customering.api.json_door import JsonDoors, read
from customering.kernel.errors import CustomeringError
from customering.web.answers import Handler
from customering.web.answers import problem as problem_of
from customering.web.bodies import is_too_deep, too_deep
from customering.web.entrance import Entrance
from customering.web.gpc import Signals
from customering.web.keys import Denied
from customering.web.tokens import Caller, problem_of_denied

REQUESTS_MOST = 100
_BETWEEN_TURNS = 8  # decisions of a batch before others have their turn: some milliseconds
_BODY_BYTES_MAX = 16_384
_BATCH_BYTES_MAX = 524_288

_encode = msgspec.json.Encoder().encode
_read_request = msgspec.json.Decoder(DecideRequest).decode


class DecideBatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Many questions at once, each read by itself."""

    requests: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=REQUESTS_MOST)]


_read_batch = msgspec.json.Decoder(DecideBatch).decode


def doors(entrance: Entrance) -> dict[str, tuple[str, Handler]]:
    """Give the doors by path."""
    json_doors = JsonDoors(entrance)
    deciding = Deciders(json_doors, Asking(entrance), Signals(entrance.live))
    return {
        "/v1/decide": (
            "decide",
            json_doors.door(deciding.one, "decide", _BODY_BYTES_MAX, or_public=True),
        ),
        "/v1/decide/batch": (
            "decide_batch",
            json_doors.door(deciding.many, "decide", _BATCH_BYTES_MAX, or_public=True),
        ),
    }


class Deciders:
    """What the two doors do.

    Parameters
    ----------
    json_doors
        Where every further question of a batch is counted.
    asking
        Answers one question.
    signals
        Keeps the signals of browsers.
    """

    def __init__(self, json_doors: JsonDoors, asking: Asking, signals: Signals) -> None:
        self._gate = json_doors.gate
        self._asking = asking
        self._signals = signals

    async def one(self, body: bytes, caller: Caller) -> bytes | Denied:
        """Answer ``POST /v1/decide``."""
        asked = read_request(body)
        await self._heed(asked, caller)
        answered = self._asking.decide(asked, caller)
        return answered if isinstance(answered, Denied) else _encode(answered)

    async def _heed(self, asked: DecideRequest, caller: Caller) -> None:
        """Keep the Global Privacy Control signal of a browser before anything is decided."""
        if caller.has_gpc and asked.mode == "decide":
            names = self._asking.names_of(asked.identifiers, caller)
            if not isinstance(names, Denied):
                await self._signals.heed(names)

    async def many(self, body: bytes, caller: Caller) -> bytes | Denied:
        """Answer ``POST /v1/decide/batch``."""
        results = []
        for number, text in enumerate(read(_read_batch, body).requests):
            if number % _BETWEEN_TURNS == _BETWEEN_TURNS - 1:
                await asyncio.sleep(0)
            results.append(await self._result(bytes(text), caller, is_first=number == 0))
        return _encode({"results": results})

    async def _result(self, text: bytes, caller: Caller, *, is_first: bool) -> dict[str, Any]:
        """Answer one question of a batch, which counts like one alone: a decision or a problem."""
        try:
            if not is_first:
                self._gate.again(caller)
            asked = read_request(text)
            await self._heed(asked, caller)
            answered: DecideAnswer | Denied = self._asking.decide(asked, caller)
        except CustomeringError as error:
            return {"problem": problem_of(error)}
        if isinstance(answered, Denied):
            return {"problem": problem_of_denied(answered)}
        return {"decision": answered}


def read_request(body: bytes) -> DecideRequest:
    """Read a question.

    Raises
    ------
    Invalid
        When it does not fit; the message names the path.
    """
    asked = read(_read_request, body)
    if asked.context and is_too_deep(body, asked.context):
        raise too_deep()
    return asked
