"""Where I am signed in, and signing out everywhere."""

from asyncio import to_thread

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency

from customering.kernel.errors import Absent
from customering.portal.desk import Desk
from customering.web.problems import AnyRequest


class DeviceView(msgspec.Struct, frozen=True, kw_only=True):
    """One browser that is signed in.

    Parameters
    ----------
    session_id
        Names it; lets nobody in.
    label
        It in words; empty where it does not say.
    how
        By a letter, by our care desk, or by the shop's own log-in.
    begun_at, seen_at
        Milliseconds since 1970.
    is_this
        Whether it is the one that asks.
    """

    session_id: str
    label: str
    how: str
    begun_at: int
    seen_at: int
    is_this: bool


class DevicesView(msgspec.Struct, frozen=True, kw_only=True):
    """Every browser that is signed in, the one used last first."""

    devices: list[DeviceView]


@get(["/me/devices", "/me/devices.json"])
async def devices(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Show where the person is signed in."""
    visit = await desk.visit(request)
    held = await to_thread(desk.sessions.of, visit.names)
    view = DevicesView(
        devices=[
            DeviceView(
                session_id=one.session_id,
                label=one.label,
                how=one.how,
                begun_at=one.begun_at,
                seen_at=one.seen_at,
                is_this=one.digest == visit.session.digest,
            )
            for one in held
        ]
    )
    told = request.query_params.get("told", "")[:60]
    return desk.page(visit, "devices", view, said=told)


@post("/me/devices/end")
async def end_one(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Sign one browser out."""
    visit, form = await desk.act(request)
    if not await to_thread(desk.sessions.end_one, visit.names, form.text("session_id")):
        raise Absent("nobody is signed in there", hint="load the page again")
    return desk.done(visit, "/me/devices", "devices.ended")


handlers = [devices, end_one]
