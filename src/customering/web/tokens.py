"""Who asks: by which key or subject token a request comes, and about whom it may ask."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from customering.app.key_model import Key, Scope
from customering.kernel.errors import Overloaded, Refused
from customering.kernel.ids import Identifier
from customering.kernel.records import to_json
from customering.web.addresses import Proxies, address_of
from customering.web.answers import Headers, Send, answer
from customering.web.entrance import Entrance
from customering.web.gpc import says_gpc
from customering.web.keys import UNKNOWN_KEY, Denied, admit, admit_request, credentials

_TOKEN_DOTS = 2  # a JSON Web Token has three parts

NOT_ABOUT_THEM = Denied(403, "forbidden", "this token speaks for another person")


class Caller(NamedTuple):
    """Who asks.

    Parameters
    ----------
    key
        The key the request carries, or with which its token was signed.
    person
        The one person it may ask about; None when it may ask about everybody.
    address
        Where it comes from.
    text
        The key or token itself, to ask again whether it holds.
    has_gpc
        Whether the request carries a Global Privacy Control signal.
    """

    key: Key
    person: Identifier | None = None
    address: str = ""
    text: str = ""
    has_gpc: bool = False

    @property
    def is_public(self) -> bool:
        """Whether anybody could be asking: a key that stands in every page."""
        return self.key.kind == "write"

    @property
    def is_operator(self) -> bool:
        """Whether it is the shop's own server, which may see how things were weighed."""
        return self.key.kind == "secret"


class Gate:
    """Lets requests in that are not events: who asks, may they, and not too often.

    Parameters
    ----------
    entrance
        What all doors share.

    Raises
    ------
    InvalidSettings
        When a trusted proxy is no address.
    """

    def __init__(self, entrance: Entrance) -> None:
        self._keys = entrance.keys
        self._limiter = entrance.limiter
        self._clock = entrance.live.engine.clock
        settings = entrance.live.settings
        self._public_url = settings.public_url
        self._proxies = Proxies(settings.trusted_proxies)

    def caller(
        self,
        request: Mapping[str, Any],
        headers: Mapping[bytes, bytes],
        scope: Scope,
        *,
        or_public: bool = False,
    ) -> Caller | Denied:
        """Tell who asks, or why they are not let in.

        Parameters
        ----------
        request
            The ASGI scope.
        headers
            Its headers, names in lower case.
        scope
            What it wants to do.
        or_public
            Whether a public write key may do it too, within bounds of its own.

        Raises
        ------
        Overloaded
            When this caller asks too often.
        Unavailable
            When the keys cannot be read.
        """
        now_ms = self._clock()
        text = credentials(headers.items(), request["query_string"])
        key, person = self._read(text, now_ms)
        address = address_of(request, self._proxies)
        self._slow_down(key, address)
        if or_public and key is not None and key.kind == "write":
            scope = "collect"
        denied = admit_request(
            key,
            request,
            headers,
            scope,
            now_ms,
            public_url=self._public_url,
            proxies=self._proxies,
        )
        if denied is not None or key is None:
            return denied or UNKNOWN_KEY
        self._keys.note_use(key.key_id, now_ms)
        return Caller(key, person, address, text or "", says_gpc(request["headers"]))

    def again(self, caller: Caller) -> None:
        """Count one more question of a request that holds several.

        Raises
        ------
        Overloaded
            When this caller asks too often.
        """
        self._slow_down(caller.key, caller.address)

    def still_holds(self, caller: Caller, scope: Scope) -> bool:
        """Tell whether somebody who was let in long ago would still be."""
        now_ms = self._clock()
        key, _ = self._read(caller.text, now_ms)
        return admit(key, None, scope, now_ms) is None

    def _read(self, text: str | None, now_ms: int) -> tuple[Key | None, Identifier | None]:
        """Give the key of a text, and the person when it is a token; no key for what is neither."""
        if text is None:
            return None, None
        if text.count(".") == _TOKEN_DOTS:
            try:
                return self._keys.subject_of(text, now_ms)
            except Refused:
                return None, None  # a bad token is answered like a bad key, and counted like one
        return self._keys.find(text, now_ms), None

    def _slow_down(self, key: Key | None, address: str) -> None:
        seconds = self._limiter.wait(key, address)
        if seconds is not None:
            raise Overloaded(
                "too many requests",
                hint="send fewer, or raise serve.limits",
                retry_after_s=seconds,
            )


def problem_of_denied(denied: Denied) -> dict[str, Any]:
    """Give a refusal at the door as problem details, as `answers.problem` does with errors."""
    return {
        "type": f"urn:customering:problem:{denied.code}",
        "title": HTTPStatus(denied.status).phrase,
        "status": denied.status,
        "detail": denied.message,
        "code": denied.code,
        "hint": "docs/how-to/keys.md says which key may do what",
    }


async def answer_denied(send: Send, denied: Denied, headers: Headers = ()) -> None:
    """Say as problem details that a request is not let in."""
    asks = [(b"www-authenticate", b"Bearer")] if denied.status == HTTPStatus.UNAUTHORIZED else []
    await answer(
        send,
        denied.status,
        to_json(problem_of_denied(denied)),
        b"application/problem+json",
        [*asks, *headers],
    )
