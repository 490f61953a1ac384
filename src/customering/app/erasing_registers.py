"""What keeps something of people in files of its own, and can let go of it."""

from collections.abc import Callable, Collection

from customering.app.home import Home
from customering.kernel.ids import Identifier, kind_of, value_of

Forget = Callable[[Collection[Identifier]], int]
"""Removes what a register keeps of some identifiers; gives how many rows."""

OUTBOX = "outbox"


def registers_of(home: Home) -> dict[str, Forget]:
    """Give the registers of a home by their names in a certificate.

    What is a row of ``control.sqlite`` needs no entry: every row there that names a person goes.
    """

    def letters(names: Collection[Identifier]) -> int:
        # Here: its libraries are only needed where letters are written.
        from customering.channels.outbox import forget_letters

        addresses = {value_of(name) for name in names if kind_of(name) == "email"}
        return forget_letters(home.folder / OUTBOX, addresses)

    return {"letters": letters}
