"""Sending letters of one home: by its mail server, or into its outbox where it has none."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection
from pathlib import Path

from customering.channels.model import Letter as Letter
from customering.channels.model import MailSettings
from customering.channels.outbox import forget_letters, write_letter
from customering.channels.smtp import send_by_smtp
from customering.channels.writing import message_of
from customering.kernel.clock import format_instant

OUTBOX = "outbox"
"""The folder of a home in which letters lie that no server takes."""

_logger = logging.getLogger("customering.mail")


class Mailer:
    """Sends the letters of one home.

    Parameters
    ----------
    settings
        The mail server, if there is one.
    home
        The folder of the home.
    clock
        Gives the real present, milliseconds since 1970.
    sender_name
        What stands beside the sender's address, such as the name of the shop.
    """

    def __init__(
        self,
        settings: MailSettings,
        home: Path,
        clock: Callable[[], int],
        *,
        sender_name: str,
    ) -> None:
        self._settings = settings
        self._folder = home / OUTBOX
        self._clock = clock
        self._sender_name = sender_name
        self._has_told = False

    async def send(self, letter: Letter) -> None:
        """Send a letter; it has left, or lies in the outbox, when this returns.

        Raises
        ------
        Invalid
            When an address or a header could not stay what it is.
        Unavailable
            When it cannot be sent now.
        """
        now_ms = self._clock()
        message = message_of(
            letter, sender=self._settings.sender, sender_name=self._sender_name, now_ms=now_ms
        )
        if self._settings.host:
            await send_by_smtp(message, self._settings)
            return
        if not self._has_told:
            self._has_told = True
            _logger.warning("no mail server is set (mail.host): letters are written to outbox/")
        moment = format_instant(now_ms).replace(":", "").replace(".", "")
        name = f"{moment}-{secrets.token_hex(4)}"
        await asyncio.to_thread(write_letter, message, self._folder, name)

    def forget(self, addresses: Collection[str]) -> int:
        """Remove letters to some addresses from the outbox, and give how many there were."""
        return forget_letters(self._folder, addresses)
