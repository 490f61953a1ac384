"""Signing in: by a link in a letter, by its code, or handed over by the shop's own log-in.

Whatever address is asked about, the answer is the same and takes the same time: who it belongs to
is looked up after the answer was given. The link carries its token in the fragment, which browsers
send to nobody; opening it changes nothing, only the button on the page does.
"""

import logging
from asyncio import to_thread

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency

from customering.events.identifiers import normalise
from customering.kernel.errors import Invalid, InvalidEvent, Refused
from customering.portal.agents import label_of
from customering.portal.desk import Desk
from customering.portal.entering import is_ours, let_in, site_of
from customering.portal.guest import (
    Guest,
    language_cookie,
    no_session_cookie,
)
from customering.portal.pages import as_json, go_to
from customering.portal.sending import SignIns
from customering.portal.words import LANGUAGES
from customering.web.problems import AnyRequest

_ADDRESS_LENGTH_MAX = 254
_TOKEN_LENGTH_MAX = 8_000
_logger = logging.getLogger("customering.portal")


class SignInView(msgspec.Struct, frozen=True, kw_only=True):
    """The page to sign in on.

    Parameters
    ----------
    minutes
        How long a link holds.
    has_passkeys
        Whether browsers can use passkeys at this address.
    trouble
        What did not work just now: ``passkey``, or empty.
    """

    minutes: int
    has_passkeys: bool = False
    trouble: str = ""


class CodeView(msgspec.Struct, frozen=True, kw_only=True):
    """The page on which a code may be typed.

    Parameters
    ----------
    minutes
        How long it holds.
    is_wrong
        Whether the last one did not fit.
    """

    minutes: int
    is_wrong: bool = False


class ElsewhereView(msgspec.Struct, frozen=True, kw_only=True):
    """The page of a link that another browser asked for.

    Parameters
    ----------
    code
        To be typed there.
    """

    code: str


@get(["/me/sign-in", "/me/sign-in.json"])
async def sign_in_page(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Show where to sign in."""
    guest = desk.guest(request)
    view = sign_in_view(desk, guest)
    return desk.open_page(guest, "sign_in", view, said=_told(request))


@post("/me/sign-in")
async def ask_for_link(
    request: AnyRequest, desk: NamedDependency[Desk], sign_ins: NamedDependency[SignIns]
) -> Response[bytes]:
    """Take an address; the answer is the same for every one."""
    guest = desk.guest(request)
    form = await desk.form(request, guest)
    desk.mails_from.check(desk.address_of(request))
    text = form.text("email", most=_ADDRESS_LENGTH_MAX)
    try:
        name = normalise("email", text)
    except InvalidEvent:
        name = None
    if name is not None and is_reachable(guest, desk) and desk.mails_to.allows(name):
        sign_ins.soon(name, guest)
    if guest.is_program:
        return as_json({"done": "sign_in.sent"}, status=202)
    return go_to("/me/sign-in/check")


@get("/me/sign-in/check")
async def check_page(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Say that a letter is on its way, and take its code."""
    view = CodeView(minutes=desk.settings.sign_in_minutes)
    return desk.open_page(desk.guest(request), "check", view)


@post("/me/sign-in/code")
async def enter_by_code(
    request: AnyRequest, desk: NamedDependency[Desk], sign_ins: NamedDependency[SignIns]
) -> Response[bytes]:
    """Sign in by a code, in the browser that asked for it."""
    guest = desk.guest(request)
    form = await desk.form(request, guest)
    desk.entries.check(desk.address_of(request))
    entered = await to_thread(
        desk.sessions.enter_code,
        form.text("code", most=40),
        device=guest.device,
        label=label_of(request.headers.get("user-agent", "")),
        before=guest.token,
    )
    if entered.outcome == "in":
        return await let_in(desk, sign_ins, guest, entered, request)
    _logger.warning("a code to sign in did not hold")
    view = CodeView(minutes=desk.settings.sign_in_minutes, is_wrong=True)
    return desk.open_page(guest, "check", view, status=403)


@get("/me/enter")
async def enter_page(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Show the button behind a link; nothing is changed by opening it."""
    guest = desk.guest(request)
    return desk.open_page(guest, "enter", SignInView(minutes=desk.settings.sign_in_minutes))


@post("/me/enter")
async def enter(
    request: AnyRequest, desk: NamedDependency[Desk], sign_ins: NamedDependency[SignIns]
) -> Response[bytes]:
    """Use a link: sign in here, or show the code for the browser that asked."""
    guest = desk.guest(request)
    form = await desk.form(request, guest)
    desk.entries.check(desk.address_of(request))
    entered = await to_thread(
        desk.sessions.enter,
        form.text("token"),
        device=guest.device,
        label=label_of(request.headers.get("user-agent", "")),
        before=guest.token,
    )
    if entered.outcome == "in":
        return await let_in(desk, sign_ins, guest, entered, request)
    if entered.outcome == "elsewhere":
        code = f"{entered.code[:4]} {entered.code[4:]}"
        return desk.open_page(guest, "elsewhere", ElsewhereView(code=code))
    _logger.warning("a link to sign in did not hold")
    view = SignInView(minutes=desk.settings.sign_in_minutes)
    return desk.open_page(guest, "ended", view, status=403)


@post("/me/arrive")
async def arrive(
    request: AnyRequest, desk: NamedDependency[Desk], sign_ins: NamedDependency[SignIns]
) -> Response[bytes]:
    """Let somebody in for whom the shop's own server vouches; its page sends them here by a form.

    That form comes from another site, so it carries no proof of ours: the token is the proof. It
    works once, and ends within minutes.
    """
    guest = desk.guest(request)
    form = await desk.open_form(request)
    desk.entries.check(desk.address_of(request))
    token = form.text("token", most=_TOKEN_LENGTH_MAX)
    try:
        vouched = desk.entrance.keys.handed_over(token, desk.engine.clock())
    except Refused:
        _logger.warning("a token of the shop did not hold")
        view = SignInView(minutes=desk.settings.sign_in_minutes)
        return desk.open_page(guest, "ended", view, status=403)
    entered = await to_thread(
        desk.sessions.enter_by_shop,
        token,
        vouched.person,
        device=guest.device,
        label=label_of(request.headers.get("user-agent", "")),
        fresh_at=vouched.signed_in_at,
    )
    if entered.outcome == "in":
        return await let_in(desk, sign_ins, guest, entered, request)
    view = SignInView(minutes=desk.settings.sign_in_minutes)
    return desk.open_page(guest, "ended", view, status=403)


@post("/me/sign-out")
async def sign_out(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """End this session."""
    visit, _ = await desk.act(request)
    await to_thread(desk.sessions.end, visit.guest.token)
    return left(visit.guest)


@post("/me/sign-out-everywhere")
async def sign_out_everywhere(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """End every session of this person."""
    visit, _ = await desk.act(request)
    await to_thread(desk.sessions.end_all, visit.names)
    return left(visit.guest)


@post("/me/language")
async def choose_language(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Keep a language in this browser."""
    guest = desk.guest(request)
    form = await desk.form(request, guest)
    language = form.text("language")
    if language not in LANGUAGES:
        raise Invalid("there is no such language", hint=f"languages: {', '.join(LANGUAGES)}")
    place = form.text("back", most=100)
    is_page = (
        place.startswith("/me")
        and place.isascii()
        and place.replace("/", "a").replace("-", "a").isalnum()
    )
    return go_to(place if is_page else "/me", [language_cookie(guest, language)])


handlers = [
    sign_in_page,
    ask_for_link,
    check_page,
    enter_by_code,
    enter_page,
    enter,
    arrive,
    sign_out,
    sign_out_everywhere,
    choose_language,
]


def left(guest: Guest, said: str = "sign_out") -> Response[bytes]:
    """Answer somebody whose session ended, and have the browser forget it."""
    cookies = [no_session_cookie(guest)]
    if guest.is_program:
        return as_json({"done": said}, cookies=cookies)
    return go_to(f"/me/sign-in?told={said}", cookies, forgets=True)


def is_reachable(guest: Guest, desk: Desk) -> bool:
    """Tell whether a link to this address leads here."""
    if is_ours(guest.public, desk):
        return True
    _logger.error("no link was sent: set serve.public_url, so that links can be trusted")
    return False


def sign_in_view(desk: Desk, guest: Guest, *, trouble: str = "") -> SignInView:
    """Give what the page to sign in on tells."""
    return SignInView(
        minutes=desk.settings.sign_in_minutes,
        has_passkeys=site_of(guest, desk) is not None,
        trouble=trouble,
    )


def _told(request: AnyRequest) -> str:
    return request.query_params.get("told", "")[:60]
