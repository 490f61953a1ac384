"""Confirming once more who one is, before something that hands out or removes all that is known."""

from asyncio import to_thread

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency

from customering.kernel.errors import Invalid
from customering.portal.desk import Desk
from customering.portal.entering import site_of
from customering.portal.guest import Visit, hidden_half
from customering.portal.pages import as_json, go_to
from customering.portal.sending import SignIns, address_among
from customering.portal.sign_in import is_reachable
from customering.web.problems import AnyRequest

BACK = ("take", "programs", "passkeys", "identity")
"""Pages on which something needs a fresh sign-in."""


class ConfirmView(msgspec.Struct, frozen=True, kw_only=True):
    """The page on which a person confirms who they are.

    Parameters
    ----------
    address
        Where the link goes, half hidden; empty when no address is known.
    minutes
        How long a sign-in counts as fresh.
    has_passkey
        Whether the person has a passkey that works at this address.
    back
        The page they go on with, one of `BACK`; empty for the first one.
    trouble
        What did not work just now: ``passkey``, or empty.
    """

    address: str
    minutes: int
    has_passkey: bool
    back: str
    trouble: str


@get(["/me/confirm", "/me/confirm.json"])
async def confirm_page(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Ask a person to prove once more who they are, before what cannot be undone."""
    visit = await desk.visit(request)
    back = request.query_params.get("back", "")[:20]
    view = await confirm_view(desk, visit, back=back)
    return desk.page(visit, "confirm", view)


@post("/me/confirm")
async def ask_to_confirm(
    request: AnyRequest, desk: NamedDependency[Desk], sign_ins: NamedDependency[SignIns]
) -> Response[bytes]:
    """Send a link to an address the person is known by; using it makes the sign-in fresh."""
    visit, _ = await desk.act(request)
    desk.mails_from.check(desk.address_of(request))
    address = address_among(visit.names)
    if address is None or not is_reachable(visit.guest, desk):
        raise Invalid("there is no address to send a link to", hint="sign in at the shop again")
    if desk.mails_to.allows(address):
        sign_ins.soon(address, visit.guest)
    if visit.guest.is_program:
        return as_json({"done": "sign_in.sent"}, status=202)
    return go_to("/me/sign-in/check")


handlers = [confirm_page, ask_to_confirm]


async def confirm_view(
    desk: Desk, visit: Visit, *, back: str = "", trouble: str = ""
) -> ConfirmView:
    """Give what the page tells on which a person confirms who they are."""
    address = address_among(visit.names)
    site = site_of(visit.guest, desk)
    held = [] if site is None else await to_thread(desk.passkeys.of, visit.names)
    return ConfirmView(
        address="" if address is None else hidden_half(address),
        minutes=desk.settings.fresh_minutes,
        has_passkey=site is not None and any(one.site == site.host for one in held),
        back=back if back in BACK else "",
        trouble=trouble,
    )


def place_after(back: str) -> str:
    """Give the page that a person goes on with after they confirmed who they are."""
    return f"/me/{back}" if back in BACK else "/me"
