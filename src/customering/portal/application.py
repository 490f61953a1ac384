"""The portal as one Litestar application: ``/me``, and doors without a sign-in: ``/u``, ``/t``."""

import logging
from http import HTTPStatus
from typing import Any, cast

from litestar import Response, get
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler, Message, Scope

from customering.app.rights_desk import RightsDesk
from customering.kernel.errors import CustomeringError, Unavailable
from customering.portal import (
    allow,
    bring,
    confirm,
    devices,
    facts,
    identity,
    mcp,
    passkeys,
    programs,
    relationship,
    sign_in,
    take,
    timeline,
    transfer,
    unsubscribe,
    want,
    why,
)
from customering.portal.desk import Desk
from customering.portal.guest import Forged, NotFresh, NotSignedIn
from customering.portal.pages import ASSET_TYPES, ASSETS, as_json, go_to
from customering.portal.sending import SignIns
from customering.web.answers import Handler, problem, retry_after, status_of
from customering.web.entrance import Entrance
from customering.web.litestar_doors import LitestarDoors
from customering.web.problems import AnyRequest

_HANDLERS: list[ControllerRouterHandler] = [
    *sign_in.handlers,
    *confirm.handlers,
    *relationship.handlers,
    *facts.handlers,
    *timeline.handlers,
    *identity.handlers,
    *allow.handlers,
    *why.handlers,
    *want.handlers,
    *take.handlers,
    *transfer.handlers,
    *bring.handlers,
    *devices.handlers,
    *passkeys.handlers,
    *programs.handlers,
    *unsubscribe.handlers,
]
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    # Not no-referrer: browsers then send no Origin with our own forms.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
    (b"x-frame-options", b"DENY"),
    (b"x-robots-tag", b"noindex"),
)
_UNLESS_SAID = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_logger = logging.getLogger("customering.portal")


@get("/me/{name:str}")
async def asset(name: FromPath[str]) -> Response[bytes]:
    """Give a file of the pages; its address changes with its content, so it is kept for good."""
    if name not in ASSETS:
        raise HTTPException(status_code=404)
    return Response(
        ASSETS[name],
        media_type=ASSET_TYPES[name],
        headers={"cache-control": "public, max-age=31536000, immutable"},
    )


def doors(entrance: Entrance, rights: RightsDesk) -> dict[str, tuple[str, Handler]]:
    """Give the doors of the portal by their paths, or the beginnings of them.

    Parameters
    ----------
    entrance
        What all doors share.
    rights
        Where people's rights are exercised; one for a running home.
    """
    pages = portal(entrance, rights)
    app = cast("Handler", pages)
    found = {"/me": ("portal", app), "/me/": ("portal", app), "/u/": ("portal", app)}
    found["/t/"] = ("portal", app)
    if mcp.is_installed():
        found["/me/mcp"] = ("portal_mcp", mcp.door(app, pages.state["desk"].grants))
    return found


def portal(entrance: Entrance, rights: RightsDesk) -> LitestarDoors:
    """Put the pages together.

    Parameters
    ----------
    entrance, rights
        As of `doors`.
    """
    desk = Desk(entrance, rights)
    shared: dict[str, Any] = {"desk": desk, "sign_ins": SignIns(desk)}
    return LitestarDoors(
        [*_HANDLERS, asset],
        state=State(shared),
        dependencies={name: _given(value) for name, value in shared.items()},
        exception_handlers={
            NotSignedIn: _not_signed_in,
            NotFresh: _not_fresh,
            Forged: _forged,
            CustomeringError: _error,
            HTTPException: _http,
            Exception: _bug,
        },
        before_send=[_add_headers],
        openapi_config=None,
        logging_config=None,
        debug=False,
    )


def _given(value: Any) -> Provide:
    return Provide(lambda: value, sync_to_thread=False)


async def _add_headers(message: Message, scope: Scope) -> None:
    """Add the headers to the beginning of every answer; a hook of Litestar."""
    if message["type"] != "http.response.start":
        return
    headers = list(message["headers"])
    said = {name.lower() for name, _ in headers}
    headers += _ALWAYS
    headers += [(name, value) for name, value in _UNLESS_SAID if name not in said]
    message["headers"] = headers


def _not_signed_in(request: AnyRequest, error: Exception) -> Response[bytes]:
    desk: Desk = request.app.state["desk"]
    guest = desk.guest(request)
    if not guest.is_program:
        return go_to("/me/sign-in")
    return _told(request, 401, "not_signed_in", "nobody is signed in here")


def _not_fresh(request: AnyRequest, error: Exception) -> Response[bytes]:
    desk: Desk = request.app.state["desk"]
    if not desk.guest(request).is_program:
        page = str(request.scope["path"]).split("/")[2]
        return go_to(f"/me/confirm?back={page}" if page in confirm.BACK else "/me/confirm")
    return _told(request, 403, "not_fresh", "this needs a sign-in of the last minutes")


def _forged(request: AnyRequest, error: Exception) -> Response[bytes]:
    return _told(
        request, 403, "forged", "this form did not come from a page of ours, or is too old"
    )


def _error(request: AnyRequest, error: CustomeringError) -> Response[bytes]:
    told = problem(error)
    headers = {name.decode(): value.decode() for name, value in retry_after(error)}
    return _answer(request, status_of(error), told, headers)


def _http(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    status = HTTPStatus(error.status_code)
    return _told(request, status.value, status.name.lower(), status.description or status.phrase)


def _bug(request: AnyRequest, error: Exception) -> Response[bytes]:
    _logger.error(
        "a bug while serving %s %s", request.method, request.scope["path"], exc_info=error
    )
    return _error(request, Unavailable("something is wrong with the server", hint="see its log"))


def _told(request: AnyRequest, status: int, code: str, detail: str) -> Response[bytes]:
    told = {
        "type": f"urn:customering:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "hint": "",
    }
    return _answer(request, status, told, {})


def _answer(
    request: AnyRequest, status: int, told: dict[str, Any], headers: dict[str, str]
) -> Response[bytes]:
    """Tell what went wrong: as problem details, or on a page in words of ours."""
    desk: Desk = request.app.state["desk"]
    guest = desk.guest(request)
    if guest.is_program:
        return as_json(told, status=status, headers=headers, is_problem=True)
    key = f"trouble.{told['code']}"
    view = {
        "status": status,
        "title": guest.words(f"{key}.title" if f"{key}.title" in guest.words else "trouble.title"),
        "text": guest.words(f"{key}.text" if f"{key}.text" in guest.words else "trouble.text"),
        "detail": told["detail"] if status_of_caller(status) else "",
    }
    answer = desk.open_page(guest, "trouble", view, status=status)
    answer.headers.update(headers)
    return answer


def status_of_caller(status: int) -> bool:
    """Tell whether it is for the caller to mend."""
    return status == HTTPStatus.BAD_REQUEST
