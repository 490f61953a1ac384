"""Request bodies: read with a bound on bytes, on time and on what they unpack to; then as JSON."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import msgspec
from isal import isal_zlib

from customering.kernel.errors import CustomeringError, Invalid, Overloaded
from customering.web.answers import Headers, Receive

_DRAINED_BYTES_MAX = 4_194_304  # read and dropped, so that who sends too much hears why
_MEMBERS_MAX = 64  # of a gzip stream; each one costs its own state of some 80 KB for a moment
_DEEPEST = 64
_RETRY_SECONDS = 5
_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ZLIB_METHOD = 8
_GZIP, _ZLIB, _RAW_DEFLATE = 31, 15, -15  # window sizes, in the way zlib tells formats apart
_Damaged = cast("type[Exception]", isal_zlib.error)


class BodyReader:
    """Reads the bodies of one server, which together take a bounded amount of memory.

    Parameters
    ----------
    seconds_max
        Within how many seconds a whole body must have arrived, give or take a quarter.
    arriving_bytes_max
        Most bytes of all bodies that have arrived in part.
    """

    def __init__(self, seconds_max: float, arriving_bytes_max: int) -> None:
        self._deadline = _Deadline(seconds_max)
        self._arriving_bytes_max = arriving_bytes_max
        self._arriving_bytes = 0

    async def read(
        self, receive: Receive, headers: Mapping[bytes, bytes], bytes_max: int
    ) -> bytes | None:
        """Give a body as it was before it was packed; None when the sender went away.

        Parameters
        ----------
        headers
            Of the request, names in lower case.
        bytes_max
            Most bytes, of what arrives and of what it unpacks to.

        Raises
        ------
        Invalid
            When it is larger, or not what its ``Content-Encoding`` says.
        Overloaded
            When it came too slowly, or too many arrive at once: it may be sent again.
        """
        task = self._deadline.begin()
        try:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body: bytes = message.get("body", b"")
            if message.get("more_body", False):
                rest = await self._rest(receive, body, bytes_max)
                if rest is None:
                    return None
                body = rest
        except asyncio.CancelledError as error:
            if not self._deadline.has_passed(task):
                raise
            raise Overloaded(
                "the body did not arrive in time",
                hint="send it again, in smaller pieces",
                retry_after_s=_RETRY_SECONDS,
                is_unread=True,
            ) from error
        finally:
            self._deadline.end(task)
        if len(body) > bytes_max:
            raise too_large(bytes_max)
        encoding = headers.get(b"content-encoding")
        if encoding is not None or body.startswith(_GZIP_MAGIC):
            return unpacked(body, encoding or b"gzip", bytes_max)
        return body

    async def _rest(self, receive: Receive, first: bytes, bytes_max: int) -> bytes | None:
        """Collect a body that comes in pieces; what exceeds the bound is read and dropped."""
        pieces, size, counted = [first], len(first), 0
        is_more = True
        try:
            while is_more:
                if size > bytes_max:
                    pieces.clear()
                    if size > bytes_max + _DRAINED_BYTES_MAX:
                        raise too_large(bytes_max, is_unread=True)
                kept = min(size, bytes_max)
                self._arriving_bytes += kept - counted
                counted = kept
                if self._arriving_bytes > self._arriving_bytes_max:
                    raise Overloaded(
                        "too many large bodies arrive at once",
                        hint="send it again in some seconds",
                        retry_after_s=_RETRY_SECONDS,
                        is_unread=True,
                    )
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                piece = message.get("body", b"")
                size += len(piece)
                pieces.append(piece)
                is_more = message.get("more_body", False)
        finally:
            self._arriving_bytes -= counted
        if size > bytes_max:
            raise too_large(bytes_max)
        return b"".join(pieces)


class _Deadline:
    """Ends what takes too long, at most a quarter later than that.

    One timer serves all bodies: `asyncio.timeout` is one for each, a quarter of the handler's time.
    """

    def __init__(self, seconds_max: float) -> None:
        self._seconds_max = seconds_max
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begun: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._is_watching = False

    def begin(self) -> asyncio.Task[Any]:
        """Let the time of the running task begin, and give that task."""
        loop = self._loop
        if loop is None:  # asking for it costs a call of the system
            loop = self._loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None, "a request is served in a task"
        self._begun[task] = loop.time()
        if not self._is_watching:
            self._is_watching = True
            loop.call_later(self._seconds_max / 4, self._look, loop)
        return task

    def end(self, task: asyncio.Task[Any]) -> None:
        """Let the time of a task end."""
        del self._begun[task]
        self._late.discard(task)

    def has_passed(self, task: asyncio.Task[Any]) -> bool:
        """Tell whether a task was cancelled from here, and only from here."""
        return task in self._late and task.uncancel() == 0

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        latest = loop.time() - self._seconds_max
        for task, begun in self._begun.items():
            if begun < latest and task not in self._late:
                self._late.add(task)
                task.cancel()
        self._is_watching = bool(self._begun)
        if self._is_watching:
            loop.call_later(self._seconds_max / 4, self._look, loop)


def too_large(bytes_max: int, *, is_unread: bool = False) -> Invalid:
    """Build the refusal of a body that exceeds its bound."""
    return Invalid(
        f"the body has more than {bytes_max} bytes",
        hint="send less at once",
        reason="too_large",
        is_unread=is_unread,
    )


def closing(error: CustomeringError) -> Headers:
    """Give the header that ends a connection on which the rest of a body may still come."""
    return ((b"connection", b"close"),) if error.facts.get("is_unread") else ()


def unpacked(data: bytes, encoding: bytes, bytes_max: int) -> bytes:
    """Undo the ``Content-Encoding`` of a body, in memory bounded by what may come out.

    Parameters
    ----------
    encoding
        ``gzip``, ``x-gzip``, ``deflate`` (with the header of zlib or without, as both are sent) or
        ``identity``.
    bytes_max
        Most bytes that may come out.

    Raises
    ------
    Invalid
        When it is none of these, is cut short, is damaged, or unpacks to more.

    Examples
    --------
    >>> from zlib import compress
    >>> unpacked(compress(b"{}"), b"deflate", 100)
    b'{}'
    """
    name = encoding.strip().lower()
    if name in (b"identity", b""):
        return data
    if name in (b"gzip", b"x-gzip"):
        window = _GZIP
    elif name == b"deflate":
        # RFC 1950: the low four bits are the method, and the first two bytes a multiple of 31.
        has_header = (
            len(data) > 1
            and data[0] & 15 == _ZLIB_METHOD
            and int.from_bytes(data[:2], "big") % 31 == 0
        )
        window = _ZLIB if has_header else _RAW_DEFLATE
    else:
        raise Invalid(
            "the Content-Encoding is not one this server reads", hint="use gzip, deflate or none"
        )
    try:
        return _unpack(data, window, bytes_max)
    except (_Damaged, EOFError) as error:
        raise Invalid(
            "the body is not what its Content-Encoding says",
            hint="send the whole compressed body, or name no Content-Encoding",
        ) from error


def _unpack(data: bytes, window: int, bytes_max: int) -> bytes:
    """Unpack all members of a stream one after the other.

    Raises
    ------
    EOFError
        When the stream ends before its end.
    """
    pieces: list[bytes] = []
    room = bytes_max
    for _ in range(_MEMBERS_MAX):
        stream = isal_zlib.decompressobj(wbits=window)
        piece = stream.decompress(data, room + 1)
        room -= len(piece)
        if room < 0:
            raise too_large(bytes_max)
        pieces.append(piece)
        if not stream.eof:
            raise EOFError("cut short")
        data = stream.unused_data
        if not data.strip(b"\0"):  # padding is allowed, as gzip itself does
            return b"".join(pieces)
    raise EOFError("more members than anybody sends")


def read_json(body: bytes) -> Any:
    """Read a body as JSON.

    Raises
    ------
    Invalid
        When it is no JSON, not UTF-8, or nested more than 64 deep. What nests deeper could be read
        here and not there, where less of the stack is left.

    Examples
    --------
    >>> read_json(b'{"batch": []}')
    {'batch': []}
    """
    body = body.removeprefix(_BYTE_ORDER_MARK)
    try:
        value = msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        raise no_json(error) from error
    if is_too_deep(body, value):
        raise too_deep()
    return value


def no_json(error: Exception) -> Invalid:
    """Build the refusal of a body that is no JSON."""
    if isinstance(error, RecursionError):
        return too_deep()
    return Invalid("the body is not JSON in UTF-8", hint="send one JSON value")


def too_deep() -> Invalid:
    """Build the refusal of what nests too deeply."""
    return Invalid(f"the JSON is nested more than {_DEEPEST} deep", hint="send flatter values")


def is_too_deep(text: bytes, value: Any) -> bool:
    """Tell whether JSON nests more than 64 deep; quick for what has few brackets at all."""
    return not has_few_brackets(text) and nests_too_deep(value)


def has_few_brackets(text: bytes) -> bool:
    """Tell whether JSON has too few brackets to nest too deeply."""
    return text.count(b"{") + text.count(b"[") <= _DEEPEST


def nests_too_deep(value: Any) -> bool:
    """Tell whether plain data nests more than 64 deep."""
    level = [value]
    for _ in range(_DEEPEST):
        inner: list[Any] = []
        for one in level:
            if type(one) is dict:
                inner.extend(item for item in one.values() if type(item) in (dict, list))
            elif type(one) is list:
                inner.extend(item for item in one if type(item) in (dict, list))
        if not inner:
            return False
        level = inner
    return True
