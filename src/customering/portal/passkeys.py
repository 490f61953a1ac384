"""Passkeys: signing in with a finger, a face or a key, adding them, and the list of them.

Each act is two requests of the one page it stands on: the first gives what the browser has to ask
the device for, the second is a plain form with what the device said.
"""

from asyncio import to_thread
from typing import Literal

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency

from customering.app.passkeys import LABEL_MOST, Site, Told
from customering.app.rights_desk import PERSON
from customering.app.sessions import Entered
from customering.kernel.errors import Absent, Invalid, Refused
from customering.kernel.ids import Identifier, value_of
from customering.portal.agents import label_of
from customering.portal.confirm import confirm_view, place_after
from customering.portal.desk import Desk
from customering.portal.entering import let_in, site_of
from customering.portal.forms import Form
from customering.portal.guest import Guest, name_of
from customering.portal.pages import as_json
from customering.portal.sending import SignIns, address_among
from customering.portal.sign_in import sign_in_view
from customering.web.problems import AnyRequest

_TOLD_MOST = 4_000


class PasskeyView(msgspec.Struct, frozen=True, kw_only=True):
    """One passkey.

    Parameters
    ----------
    passkey_id
        Names it; lets nobody in.
    label
        What the person calls it.
    is_synced
        Whether it is kept in an account of the person, and so on more than one device.
    begun_at, used_at
        Since when, and when it was last used (0 for never). Milliseconds since 1970.
    """

    passkey_id: str
    label: str
    is_synced: bool
    begun_at: int
    used_at: int


class PasskeysView(msgspec.Struct, frozen=True, kw_only=True):
    """The passkeys of the person.

    Parameters
    ----------
    passkeys
        The newest first.
    can_add
        Whether browsers can make one for this address.
    is_fresh
        Whether the sign-in is fresh enough to add or remove one.
    label, label_most
        A name to begin with, and the most characters of one.
    """

    passkeys: list[PasskeyView]
    can_add: bool
    is_fresh: bool
    label: str
    label_most: int


# Signing in


@post("/me/sign-in/passkey/begin")
async def begin_entering(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Give what a browser asks a device for; the same for everybody, and nothing is kept."""
    guest = desk.guest(request)
    await desk.form(request, guest)
    desk.clicks.check(desk.address_of(request))
    site = _site(guest, desk)
    return as_json(desk.passkeys.ask_to_enter(site, "enter", bound_to=guest.device))


@post("/me/sign-in/passkey")
async def enter(
    request: AnyRequest, desk: NamedDependency[Desk], sign_ins: NamedDependency[SignIns]
) -> Response[bytes]:
    """Sign in whoever a device of theirs vouches for."""
    guest = desk.guest(request)
    form = await desk.form(request, guest)
    desk.entries.check(desk.address_of(request))
    person = await _vouched(desk, guest, form, "enter", bound_to=guest.device)
    if person is None or not desk.is_known(person):
        view = sign_in_view(desk, guest, trouble="passkey")
        return desk.open_page(guest, "sign_in", view, status=403)
    entered = await _entered(request, desk, guest, person)
    return await let_in(desk, sign_ins, guest, entered, request)


# Confirming


@post("/me/confirm/passkey/begin")
async def begin_confirming(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Give what a browser asks a device of this person for."""
    visit, _ = await desk.act(request)
    guest = visit.guest
    site = _site(guest, desk)
    asked = await to_thread(
        desk.passkeys.ask_to_enter, site, "confirm", visit.names, bound_to=_bound(guest)
    )
    return as_json(asked)


@post("/me/confirm/passkey")
async def confirm(
    request: AnyRequest, desk: NamedDependency[Desk], sign_ins: NamedDependency[SignIns]
) -> Response[bytes]:
    """Let a device vouch once more for whoever is signed in; the session begins anew."""
    visit, form = await desk.act(request)
    guest = visit.guest
    desk.entries.check(desk.address_of(request))
    back = form.text("back")
    person = await _vouched(desk, guest, form, "confirm", bound_to=_bound(guest))
    if person not in visit.names:
        view = await confirm_view(desk, visit, back=back, trouble="passkey")
        return desk.page(visit, "confirm", view, status=403)
    entered = await _entered(request, desk, guest, person)
    return await let_in(desk, sign_ins, guest, entered, request, place_after(back))


# The list of them


@get(["/me/passkeys", "/me/passkeys.json"])
async def passkeys(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Show the passkeys of the person."""
    visit = await desk.visit(request)
    held = await to_thread(desk.passkeys.of, visit.names)
    browser = label_of(request.headers.get("user-agent", ""))
    view = PasskeysView(
        passkeys=[
            PasskeyView(
                passkey_id=one.passkey_id,
                label=one.label,
                is_synced=one.is_synced,
                begun_at=one.begun_at,
                used_at=one.used_at,
            )
            for one in held
        ],
        can_add=site_of(visit.guest, desk) is not None,
        is_fresh=desk.sessions.is_fresh(visit.session),
        label=browser or visit.words("devices.unknown"),
        label_most=LABEL_MOST,
    )
    told = request.query_params.get("told", "")[:60]
    return desk.page(visit, "passkeys", view, said=told)


@post("/me/passkeys/begin")
async def begin_adding(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Give what a browser asks a device for, to make a passkey."""
    visit, _ = await desk.act(request, fresh=True)
    guest = visit.guest
    address = address_among(visit.names)
    asked = await to_thread(
        desk.passkeys.ask_to_add,
        _site(guest, desk),
        visit.session.person,
        visit.names,
        name_of(visit.person) if address is None else value_of(address),
        bound_to=_bound(guest),
    )
    return as_json(asked)


@post("/me/passkeys")
async def add(
    request: AnyRequest, desk: NamedDependency[Desk], sign_ins: NamedDependency[SignIns]
) -> Response[bytes]:
    """Keep a passkey that a device made; the person is told by a letter."""
    visit, form = await desk.act(request, fresh=True)
    guest = visit.guest
    browser = label_of(request.headers.get("user-agent", ""))
    label = form.text("label") or browser or visit.words("devices.unknown")
    passkey = await to_thread(
        desk.passkeys.add,
        _site(guest, desk),
        visit.session.person,
        visit.names,
        _told(form),
        label,
        bound_to=_bound(guest),
    )
    await desk.rights.note_look(visit.session.person, PERSON, "passkey_added")
    sign_ins.tell_passkey(visit.names, passkey.label, guest)
    return desk.done(visit, "/me/passkeys", "passkeys.added")


@post("/me/passkeys/rename")
async def rename(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Give a passkey another name."""
    visit, form = await desk.act(request)
    passkey_id, label = form.text("passkey_id"), form.text("label")
    if not await to_thread(desk.passkeys.rename, visit.names, passkey_id, label):
        raise _absent()
    return desk.done(visit, "/me/passkeys", "passkeys.renamed")


@post("/me/passkeys/remove")
async def remove(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Remove a passkey; it lets nobody in any more."""
    visit, form = await desk.act(request, fresh=True)
    if not await to_thread(desk.passkeys.remove, visit.names, form.text("passkey_id")):
        raise _absent()
    await desk.rights.note_look(visit.session.person, PERSON, "passkey_removed")
    return desk.done(visit, "/me/passkeys", "passkeys.removed")


handlers = [
    begin_entering,
    enter,
    begin_confirming,
    confirm,
    passkeys,
    begin_adding,
    add,
    rename,
    remove,
]


async def _vouched(
    desk: Desk, guest: Guest, form: Form, use: Literal["enter", "confirm"], *, bound_to: str
) -> Identifier | None:
    """Give for whom a device of theirs vouches; None when it does not hold, whatever the reason."""
    site, told = _site(guest, desk), _told(form)
    try:
        passkey = await to_thread(desk.passkeys.enter, site, use, told, bound_to=bound_to)
    except Invalid:
        return None
    return passkey.person


async def _entered(request: AnyRequest, desk: Desk, guest: Guest, person: Identifier) -> Entered:
    return await to_thread(
        desk.sessions.enter_by_passkey,
        person,
        device=guest.device,
        label=label_of(request.headers.get("user-agent", "")),
        before=guest.token,
    )


def _site(guest: Guest, desk: Desk) -> Site:
    """Give the site passkeys are for.

    Raises
    ------
    Refused
        When browsers make none for this address.
    """
    site = site_of(guest, desk)
    if site is None:
        raise Refused("there are no passkeys here", hint="set serve.public_url to an https address")
    return site


def _bound(guest: Guest) -> str:
    """Give what ties a challenge to this browser and this session."""
    return f"{guest.device} {guest.token}"


def _told(form: Form) -> Told:
    return Told(
        *(
            form.text(name, most=_TOLD_MOST)
            for name in ("credential", "client_data", "proof", "signature", "handle")
        )
    )


def _absent() -> Absent:
    return Absent("there is no such passkey", hint="load the page again")
