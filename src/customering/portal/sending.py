"""Letters of the portal on their way: begun after the answer was given, and not waited for."""

import asyncio
import logging
import secrets
from asyncio import to_thread
from collections.abc import Coroutine
from typing import Any

from customering.app.mailing import Letter
from customering.kernel.errors import CustomeringError
from customering.kernel.ids import Identifier, kind_of, value_of
from customering.portal.desk import Desk
from customering.portal.guest import Guest
from customering.portal.letters import new_device_letter, passkey_letter, sign_in_letter

_PAUSE_MS_MOST = 700
_logger = logging.getLogger("customering.portal")


class SignIns:
    """Begins sign-ins after the answer was given.

    Parameters
    ----------
    desk
        What the pages share.

    Attributes
    ----------
    pause_ms_most
        Each one is begun after a random part of so many milliseconds: how quickly the next request
        is answered tells nobody whether there was anything to do for the one before.
    """

    def __init__(self, desk: Desk) -> None:
        self.pause_ms_most = _PAUSE_MS_MOST
        self._desk = desk
        self._tasks: set[asyncio.Task[None]] = set()

    def soon(self, name: Identifier, guest: Guest) -> None:
        """Send a link to an address, if it belongs to somebody; not waited for."""
        self._begin(self._send(name, guest))

    def tell_new_device(self, names: tuple[Identifier, ...], label: str, guest: Guest) -> None:
        """Tell a person that a new browser signed in; not waited for."""
        address = address_among(names)
        if address is not None:
            self._begin(self._tell(address, label, guest))

    def tell_passkey(self, names: tuple[Identifier, ...], label: str, guest: Guest) -> None:
        """Tell a person that a passkey was added to their page; not waited for."""
        address = address_among(names)
        if address is not None:
            self._begin(self._tell_passkey(address, label, guest))

    async def settle(self) -> None:
        """Wait for what is being sent."""
        await asyncio.gather(*self._tasks)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # a task that nobody holds may be forgotten
        task.add_done_callback(self._tasks.discard)

    async def _send(self, name: Identifier, guest: Guest) -> None:
        desk = self._desk
        await asyncio.sleep(secrets.randbelow(self.pause_ms_most + 1) / 1_000)
        if not desk.is_known(name):
            return
        begun = await to_thread(desk.sessions.begin, name, "email", device=guest.device)
        letter = sign_in_letter(
            guest.words,
            to=value_of(name),
            shop_name=desk.settings.shop_name,
            link=f"{guest.public.origin}/me/enter#{begun.token}",
            code=begun.code,
            minutes=desk.settings.sign_in_minutes,
        )
        try:
            await desk.mailer.send(letter)
        except CustomeringError as error:
            _logger.warning("a link to sign in was not sent: %s (%s)", error.message, error.hint)

    async def _tell(self, address: Identifier, label: str, guest: Guest) -> None:
        desk = self._desk
        letter = new_device_letter(
            guest.words,
            to=value_of(address),
            shop_name=desk.settings.shop_name,
            link=f"{guest.public.origin}/me/devices",
            label=label,
            moment=guest.words.moment(desk.engine.clock()),
        )
        await self._post(letter)

    async def _tell_passkey(self, address: Identifier, label: str, guest: Guest) -> None:
        desk = self._desk
        letter = passkey_letter(
            guest.words,
            to=value_of(address),
            shop_name=desk.settings.shop_name,
            link=f"{guest.public.origin}/me/passkeys",
            label=label,
            moment=guest.words.moment(desk.engine.clock()),
        )
        await self._post(letter)

    async def _post(self, letter: Letter) -> None:
        """Send a notice; that it cannot be sent stops nothing."""
        try:
            await self._desk.mailer.send(letter)
        except CustomeringError as error:
            _logger.warning("a notice was not sent: %s (%s)", error.message, error.hint)


def address_among(names: tuple[Identifier, ...]) -> Identifier | None:
    """Give an e-mail address among what names a person."""
    return next((name for name in names if kind_of(name) == "email"), None)
