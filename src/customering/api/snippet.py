"""The browser SDK of Segment, served from here, so that a page needs nobody else.

The files are those of the npm package, unchanged; ``static/analytics-next/README.md`` says which.
"""

from gzip import compress
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple

from customering.api.reading import Page, reading_door
from customering.api.segment_answers import JSON, refusal
from customering.web.answers import Handler, Scope
from customering.web.entrance import Entrance
from customering.web.keys import UNKNOWN_KEY

_SCRIPT = "standalone.js"
_CHUNKS = (
    "ajs-destination.bundle.40628baed746e9904edc.js",
    "auto-track.bundle.f131ce01a05e3a33a8c1.js",
    "queryString.bundle.34b193ada8fe288d1bd1.js",
    "schemaFilter.bundle.a6a77355d52c20e3a83d.js",
)
_SNIPPET_START, _SNIPPET_END = "/analytics.js/v1/", "/analytics.min.js"
_CHUNKS_START = "/analytics-next/bundles/"
_JAVASCRIPT = b"text/javascript; charset=utf-8"
_SCRIPT_CACHED = b"public, max-age=3600"
_CHUNK_CACHED = b"public, max-age=31536000, immutable"  # the name of a chunk holds its hash


class _Script(NamedTuple):
    """A file, as it is and packed."""

    plain: bytes
    packed: bytes
    etag: bytes
    cached: bytes


def doors(entrance: Entrance) -> dict[str, tuple[str, Handler]]:
    """Give the beginnings of the paths of the scripts, with their handlers."""
    script = _read(_SCRIPT, _SCRIPT_CACHED)
    chunks = {name: _read(name, _CHUNK_CACHED) for name in _CHUNKS}

    def find_script(scope: Scope, headers: dict[bytes, bytes]) -> Page:
        text, end, rest = scope["path"].removeprefix(_SNIPPET_START).rpartition(_SNIPPET_END)
        key = entrance.keys.find(text, entrance.live.engine.clock()) if end and not rest else None
        if key is None or key.kind != "write":
            return Page(UNKNOWN_KEY.status, refusal(UNKNOWN_KEY.code, UNKNOWN_KEY.message), JSON)
        return _page(script, headers)

    def find_chunk(scope: Scope, headers: dict[bytes, bytes]) -> Page:
        chunk = chunks.get(scope["path"].removeprefix(_CHUNKS_START))
        if chunk is None:
            return Page(404, refusal("absent", "there is no such script"), JSON)
        return _page(chunk, headers)

    return {
        _SNIPPET_START: ("snippet", reading_door(find_script)),
        _CHUNKS_START: ("snippet", reading_door(find_chunk)),
    }


def _read(name: str, cached: bytes) -> _Script:
    plain = (files("customering.api") / "static" / "analytics-next" / name).read_bytes()
    etag = f'"{sha256(plain).hexdigest()[:32]}"'.encode()
    return _Script(plain, compress(plain, mtime=0), etag, cached)


def _page(script: _Script, headers: dict[bytes, bytes]) -> Page:
    """Answer with a script, packed when the browser takes that, or say it has it already."""
    known = headers.get(b"if-none-match", b"")
    # Weakly compared: what stands in a cache may be the packed form under the same tag.
    beside = (
        (b"etag", script.etag),
        (b"cache-control", script.cached),
        (b"vary", b"Accept-Encoding"),
        (b"x-content-type-options", b"nosniff"),
    )
    if script.etag in (tag.strip().removeprefix(b"W/") for tag in known.split(b",")):
        return Page(304, b"", _JAVASCRIPT, beside)
    if b"gzip" in headers.get(b"accept-encoding", b""):
        return Page(200, script.packed, _JAVASCRIPT, (*beside, (b"content-encoding", b"gzip")))
    return Page(200, script.plain, _JAVASCRIPT, beside)
