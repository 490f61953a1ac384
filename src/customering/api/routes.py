"""The Litestar application: every door that is not on a hot path."""

from typing import Any
from urllib.parse import unquote

from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from customering.api import (
    consent,
    decisions,
    front,
    gpc,
    health,
    myterms,
    openapi,
    outcomes,
    people,
    permission_delivery,
    permissions,
    profile_api,
    reference_page,
    rights,
    rights_agents,
    rights_callbacks,
    upload,
    webhooks,
)
from customering.api.reception import Reception
from customering.web.cors import answer_before
from customering.web.entrance import Entrance
from customering.web.litestar_doors import LitestarDoors
from customering.web.problems import exception_handlers
from customering.web.security_headers import add_headers

HANDLERS: list[ControllerRouterHandler] = [
    *people.handlers,
    *consent.handlers,
    *permissions.handlers,
    *permission_delivery.handlers,
    *gpc.handlers,
    *myterms.handlers,
    *decisions.handlers,
    *outcomes.handlers,
    *profile_api.handlers,
    *rights.handlers,
    *rights_agents.handlers,
    *rights_callbacks.handlers,
    *webhooks.handlers,
    *upload.handlers,
    *health.handlers,
    *front.handlers,
    *openapi.handlers,
    *reference_page.handlers,
]
"""Every door of this application."""


class Doors(LitestarDoors):
    """Litestar, with slashes in identifiers and questions of browsers seen to before."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
                await answer_before(send, headers)
                return
            _keep_slashes(scope)
        await super().__call__(scope, receive, send)


def routes(entrance: Entrance) -> Doors:
    """Put the doors together.

    Parameters
    ----------
    entrance
        What all doors share. A handler may ask for it as ``entrance``, or for ``reception``.

    Raises
    ------
    InvalidSettings, InvalidDefinition
        When a setting, or a file of the home that a door needs, makes no sense.
    """
    reception = Reception(entrance)
    shared = {
        "entrance": entrance,
        "reception": reception,
        "front_page": front.Front(reception),
        "uploads": upload.Uploads(reception),
        "webhooks": webhooks.Webhooks(reception),
    }
    return Doors(
        HANDLERS,
        state=State(shared),
        dependencies={name: _given(value) for name, value in shared.items()},
        exception_handlers=exception_handlers(),
        before_send=[add_headers],
        openapi_config=None,  # the document is our own: it tells of the raw doors too
        logging_config=None,
        debug=False,
    )


def _given(value: Any) -> Provide:
    return Provide(lambda: value, sync_to_thread=False)


def _keep_slashes(scope: dict[str, Any]) -> None:
    """Let an encoded slash be a part of what it stands in, as RFC 3986 has it."""
    raw: bytes = scope.get("raw_path") or b""
    path = raw.partition(b"?")[0].decode("latin-1")
    if "%2f" in path.lower():
        scope["path"] = "/".join(
            unquote(part, errors="replace").replace("/", "%2F") for part in path.split("/")
        )
