"""The upload door: a file of rows becomes events, while the server goes on.

A secret key with the scope ``import`` may do it. The file is written to a temporary one as it
comes, then imported block by block, each durable and folded before the next is read.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import msgspec
from isal import isal_zlib
from litestar import Response, post
from litestar.di import NamedDependency

from customering.api.reception import Reception, answered, headers_of, query_of
from customering.app.importing import ImportReport, Step, import_steps
from customering.events.intake import Intake
from customering.events.mapping import Mapping
from customering.events.mapping_file import read_mapping
from customering.kernel.errors import Absent, Invalid, Overloaded, Unavailable
from customering.web.bodies import too_large
from customering.web.problems import AnyRequest

MAPPINGS_FOLDER = "mappings"
_UNPACKED_TIMES = 20  # so much larger may a file be once it is unpacked
_RETRY_SECONDS = 30
_PAUSE_SECONDS = 0.05
_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_Damaged = cast("type[Exception]", isal_zlib.error)
_MAPPING_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class Uploads:
    """Imports of one server: one at a time, so that they do not use it up.

    Parameters
    ----------
    reception
        What the doors share.
    """

    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self._live = reception.live
        self._running = asyncio.Lock()

    def mapping(self, name: str) -> Mapping:
        """Read a mapping of the home: ``mappings/<name>.toml``.

        Raises
        ------
        Absent
            When there is none of this name.
        Invalid, InvalidDefinition
            When it makes no sense, or joins other files, which an upload does not have.
        """
        text = None
        if _MAPPING_NAME.fullmatch(name):
            text = self._reception.engine.home.text_of(f"{MAPPINGS_FOLDER}/{name}.toml")
        if text is None:
            raise Absent(
                "there is no mapping of this name",
                hint=f"put it into the folder {MAPPINGS_FOLDER} of the home, as NAME.toml",
            )
        how = read_mapping(text)
        if how.joins:
            raise Invalid(
                "the mapping joins other files", hint="use `customering import` for such files"
            )
        return how

    async def run(self, request: AnyRequest, how: Mapping) -> ImportReport:
        """Take a file and import it.

        Raises
        ------
        Invalid
            When it is too large or cannot be read.
        Overloaded
            When another one is imported right now, or this one comes too slowly.
        """
        if self._running.locked():
            raise Overloaded(
                "another file is imported right now",
                hint="send this one again later",
                retry_after_s=_RETRY_SECONDS,
            )
        async with self._running, self._received(request) as path:
            return await self._import(path, how)

    @asynccontextmanager
    async def _received(self, request: AnyRequest) -> AsyncIterator[Path]:
        """Write the body to a temporary file, unpacked, and give its path."""
        bytes_max = self._live.settings.upload_bytes_max
        with TemporaryDirectory(prefix="customering-") as scratch:
            path = Path(scratch) / "upload"
            size = 0
            with path.open("wb") as file:
                sink = _Sink(file, bytes_max * _UNPACKED_TIMES)
                async for piece in self._pieces(request):
                    size += len(piece)
                    if size > bytes_max:
                        raise too_large(bytes_max)
                    await asyncio.to_thread(sink.write, piece)
                sink.finish()
            yield path.rename(path.with_suffix(_suffix(path, headers_of(request))))

    async def _pieces(self, request: AnyRequest) -> AsyncIterator[bytes]:
        """Give the body as it comes."""
        seconds = self._live.settings.body_seconds_max
        is_more = True
        while is_more:
            try:
                async with asyncio.timeout(seconds):
                    message: Any = await request.receive()
            except TimeoutError as error:
                raise Overloaded(
                    f"nothing arrived for {seconds:g} seconds",
                    hint="send it again; what was imported before is not added twice",
                    retry_after_s=_RETRY_SECONDS,
                ) from error
            if message["type"] == "http.disconnect":
                raise Unavailable("the sender went away")
            if message.get("body"):
                yield message["body"]
            is_more = message.get("more_body", False)

    async def _import(self, path: Path, how: Mapping) -> ImportReport:
        """Import a file block by block, letting others read the history in between."""
        engine, started = self._reception.engine, time.monotonic()
        report = ImportReport()
        steps = import_steps(
            [(path, how)],
            log=engine.log,
            plan=engine.plan,
            settings=engine.settings.events,
            now_ms=lambda: self._live.present,
        )
        try:
            while (step := await self._live.in_thread(_next, steps)) is not None:
                not_kept = await self._take(step.taken)
                events = step.taken.accepted
                new = len({event.event_id for event in events})
                seconds = time.monotonic() - started
                repeated = len(events) - new
                report = report.after(step, new - not_kept, repeated, seconds, not_kept)
        finally:
            await self._live.in_thread(steps.close)
        return report

    async def _take(self, taken: Intake) -> int:
        """Append a block as soon as there is room for it; live events go first.

        Returns
        -------
        int
            How many events people do not let us record.
        """
        while True:
            try:
                accepted = await self._live.take(taken)
            except Overloaded:
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                return accepted.not_kept


class _Sink:
    """Writes pieces to a file, unpacked when they are packed, up to a size."""

    def __init__(self, file: Any, bytes_max: int) -> None:
        self._file = file
        self._room = bytes_max
        self._bytes_max = bytes_max
        self._unpacker: Any = None
        self._is_begun = False
        self._start = b""

    def write(self, piece: bytes) -> None:
        """Write one piece.

        Raises
        ------
        Invalid
            When it is damaged, or unpacks to more than there is room for.
        """
        if not self._is_begun:
            piece = self._start + piece
            if len(piece) < len(_GZIP_MAGIC):
                self._start = piece
                return
            self._is_begun = True
            if piece.startswith(_GZIP_MAGIC):
                self._unpacker = _gzip()
        if self._unpacker is None:
            self._put(piece)
            return
        try:
            while piece:
                if self._unpacker.eof:
                    self._unpacker = _gzip()
                self._put(self._unpacker.decompress(piece, self._room + 1))
                piece = self._unpacker.unused_data if self._unpacker.eof else b""
        except _Damaged as error:
            raise _damaged() from error

    def finish(self) -> None:
        """Say that there is no more.

        Raises
        ------
        Invalid
            When it was cut short.
        """
        if not self._is_begun:
            self._put(self._start)
        if self._unpacker is not None and not self._unpacker.eof:
            raise _damaged()

    def _put(self, plain: bytes) -> None:
        self._room -= len(plain)
        if self._room < 0:
            raise too_large(self._bytes_max)
        self._file.write(plain)


def _gzip() -> Any:
    return isal_zlib.decompressobj(wbits=31)


def _damaged() -> Invalid:
    return Invalid("the file is packed but damaged or cut short", hint="pack and send it again")


def _next(steps: Generator[Step, None, None]) -> Step | None:
    return next(steps, None)


def _suffix(path: Path, headers: Any) -> str:
    """Tell lines of JSON from CSV, by what the sender says, else by how it begins."""
    said: bytes = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if said == b"text/csv":
        return ".csv"
    with path.open("rb") as file:
        start = file.read(1_000).removeprefix(_BYTE_ORDER_MARK).lstrip()
    return ".ndjson" if b"ndjson" in said or b"jsonl" in said or start[:1] == b"{" else ".csv"


@post("/v1/upload")
async def upload(
    request: AnyRequest, reception: NamedDependency[Reception], uploads: NamedDependency[Uploads]
) -> Response[bytes]:
    """Import a file of rows."""
    reception.caller(request, "import")
    name = query_of(request, ("mapping",)).get("mapping")
    if not name:
        raise Invalid("no mapping is named - at `?mapping`", hint="send ?mapping=NAME")
    report = await uploads.run(request, uploads.mapping(name))
    return answered(msgspec.structs.asdict(report))  # what is 0 is told too


handlers = [upload]
