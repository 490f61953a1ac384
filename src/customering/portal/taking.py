"""Everything of a person as one file on its way out."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from typing import IO, cast

from litestar.response import Stream

from customering.app.portable import Subset
from customering.kernel.clock import format_instant
from customering.kernel.ids import Identifier
from customering.portal.desk import Desk

_SPOOLED_BYTES = 4_000_000
_PIECE_BYTES = 65_536


async def taken_along(desk: Desk, who: Identifier, subset: Subset, actor: str) -> Stream:
    """Give everything of a person as one ZIP, written before the answer begins.

    Parameters
    ----------
    subset
        ``all`` for full access; ``portable`` for what they provided and what was observed.
    actor
        Who takes it; the person can see that.

    Raises
    ------
    NoSuchPerson
        When nothing is known under this identifier.
    """
    file = tempfile.SpooledTemporaryFile(max_size=_SPOOLED_BYTES)  # noqa: SIM115 - the stream closes it
    out = cast("IO[bytes]", file)
    try:
        await desk.rights.takeout(
            who,
            actor=actor,
            out=out,  # type: ignore[arg-type]  # all of a file that is written to
            subset=subset,
        )
    except BaseException:
        file.close()
        raise
    day = format_instant(desk.engine.clock())[:10]
    return Stream(
        _pieces(out),
        media_type="application/zip",
        headers={"content-disposition": f'attachment; filename="my-data-{day}.zip"'},
    )


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    """Give a file piece by piece, and close it."""
    with file:
        file.seek(0)
        for piece in _read(file):
            yield piece


def _read(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE_BYTES):
        yield piece
