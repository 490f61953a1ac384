"""Letters as files in a folder, for a home without a mail server: nothing leaves the machine."""

import os
from collections.abc import Collection
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from pathlib import Path

from customering.kernel.errors import Unavailable


def write_letter(message: EmailMessage, folder: Path, name: str) -> Path:
    """Write a message as a file only the operator can read, and give its place.

    Parameters
    ----------
    name
        Of the file, without its ending; names in order of time sort as such.

    Raises
    ------
    Unavailable
        When the folder cannot be written.
    """
    place = folder / f"{name}.eml"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(message.as_bytes())
    except OSError as error:
        raise Unavailable(
            f"a letter cannot be written to the outbox: {error.strerror}",
            hint="check that the home is writable and has room",
        ) from error
    return place


def forget_letters(folder: Path, addresses: Collection[str]) -> int:
    """Remove every letter to some addresses, and give how many there were."""
    wanted = {address.lower() for address in addresses}
    parser = BytesHeaderParser(policy=policy.default)
    removed = 0
    for place in sorted(folder.glob("*.eml")) if folder.exists() else ():
        with place.open("rb") as file:
            to = str(parser.parse(file)["To"] or "").lower()
        if to in wanted:
            place.unlink()
            removed += 1
    return removed
