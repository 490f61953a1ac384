"""Letting somebody in, however they proved who they are, and which address is ours at all."""

from ipaddress import ip_address

from litestar import Response

from customering.app.passkeys import Site
from customering.app.rights_desk import PERSON
from customering.app.sessions import Entered
from customering.portal.desk import Desk
from customering.portal.guest import Guest, device_cookie, session_cookie
from customering.portal.pages import as_json, go_to
from customering.portal.sending import SignIns
from customering.web.gpc import says_gpc
from customering.web.problems import AnyRequest
from customering.web.public_address import PublicAddress

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})


async def let_in(
    desk: Desk,
    sign_ins: SignIns,
    guest: Guest,
    entered: Entered,
    request: AnyRequest,
    place: str = "/me",
) -> Response[bytes]:
    """Give the browser its session; a new one is told to the person, its signal is heeded.

    Parameters
    ----------
    place
        The page that is shown next.
    """
    session = entered.session
    assert session is not None, "who is in has a session"
    names = desk.engine.folding.graph.identifiers_of(session.person)
    if says_gpc(request.scope["headers"]):
        await desk.signals.heed([session.person])
    await desk.rights.note_look(session.person, PERSON, "sign_in", session.label)
    if entered.is_new_device:
        sign_ins.tell_new_device(names, session.label, guest)
    cookies = [session_cookie(guest, entered.token)]
    if guest.is_new:
        cookies.append(device_cookie(guest))
    if guest.is_program:
        return as_json({"done": "sign_in.in"}, cookies=cookies)
    return go_to(place, cookies)


def is_ours(public: PublicAddress, desk: Desk) -> bool:
    """Tell whether this address leads here: anybody can write any host into a request."""
    return bool(desk.live.settings.public_url) or _host_of(public) in _LOCAL_HOSTS


def site_of(guest: Guest, desk: Desk) -> Site | None:
    """Give the site that passkeys are made for; None where browsers make none.

    They need a name for it, not a number, and that nobody on the way can change the page.
    """
    public, host = guest.public, _host_of(guest.public)
    is_safe = guest.is_secure or host == "localhost"
    if not is_safe or not is_ours(public, desk) or _is_number(host):
        return None
    return Site(host=host, origin=public.origin, name=desk.settings.shop_name)


def _host_of(public: PublicAddress) -> str:
    """Give the host without its port."""
    return public.host.rpartition(":")[0] if public.host.count(":") == 1 else public.host


def _is_number(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return host.startswith("[")
    return True
