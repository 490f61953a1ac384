"""What all Litestar doors do first: who asks, about whom, with which body."""

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import TypeVar, cast
from urllib.parse import parse_qsl, unquote

import msgspec
from litestar import Response

from customering.app.key_model import Scope
from customering.app.people import Person
from customering.app.person_ids import PersonIds
from customering.app.rights_agents import Agents
from customering.app.rights_desk import RightsDesk, desk_of
from customering.events.identifiers import normalise
from customering.kernel.errors import Invalid, InvalidEvent, NoSuchPerson, Unavailable
from customering.kernel.ids import Identifier, PersonId
from customering.kernel.records import to_json
from customering.web.addresses import Proxies, address_of
from customering.web.answers import Receive
from customering.web.bodies import BodyReader, is_too_deep, no_json, too_deep
from customering.web.entrance import Entrance
from customering.web.keys import Denied
from customering.web.problems import AnyRequest, NotLetIn
from customering.web.tokens import NOT_ABOUT_THEM, Caller, Gate

BODY_BYTES_MAX = 65_536
_ARRIVING_BYTES_MAX = 16_000_000
_PERSON_PREFIX = "per_"
_HINT = "GET /openapi.json says what to send"

_Read = TypeVar("_Read")


class Reception:
    """What the doors share beside the entrance.

    Parameters
    ----------
    entrance
        What all doors share.
    """

    def __init__(self, entrance: Entrance) -> None:
        self.entrance = entrance
        self.live = entrance.live
        self.engine = entrance.live.engine
        self.gate = Gate(entrance)
        self.bodies = BodyReader(entrance.live.settings.body_seconds_max, _ARRIVING_BYTES_MAX)
        self._proxies = Proxies(entrance.live.settings.trusted_proxies)
        self._person_ids = PersonIds(entrance.live)

    @cached_property
    def desk(self) -> RightsDesk:
        """Where people's rights are exercised."""
        return desk_of(self.live)

    @cached_property
    def agents(self) -> Agents:
        """Who asks on behalf of people."""
        return Agents(self.engine, self.desk)

    def caller(self, request: AnyRequest, scope: Scope) -> Caller:
        """Tell who asks.

        Raises
        ------
        NotLetIn
            When they may not do this.
        Overloaded
            When they ask too often.
        """
        found = self.gate.caller(request.scope, headers_of(request), scope)
        if isinstance(found, Denied):
            raise NotLetIn(found)
        return found

    def address_of(self, request: AnyRequest) -> str:
        """Give the address a request comes from."""
        return address_of(request.scope, self._proxies)

    async def name_of(self, request: AnyRequest, place: int) -> Identifier:
        """Give the identifier of the person that a path names.

        Parameters
        ----------
        place
            Which part of the path: 2 for ``/v1/people/{who}``. It is read as it was sent, so that a
            slash may be written ``%2F``.

        Raises
        ------
        Invalid
            When it is neither ``type:value`` nor the id of a person.
        NoSuchPerson
            When nobody has this id.
        """
        path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
        parts = path.partition(b"?")[0].decode("latin-1").strip("/").split("/")
        text = unquote(parts[place], errors="replace")
        if text.startswith(_PERSON_PREFIX) and ":" not in text:
            found = await self._person_ids.find(PersonId(text))
            if found is None:
                raise NoSuchPerson(
                    "nobody has this id", hint="look the person up by an identifier instead"
                )
            return found
        return self.normal(text)

    def normal(self, text: str) -> Identifier:
        """Read ``type:value`` as intake does.

        Raises
        ------
        Invalid
            When it is something else, or the value cannot name anybody.
        """
        kind, colon, value = text.partition(":")
        if not colon or not kind or not value:
            raise Invalid(
                "a person is named by type:value or by an id that begins with per_",
                hint="such as user_id:ada or email:ada@example.org",
            )
        try:
            return normalise(kind, value, self.engine.settings.events.default_region)
        except InvalidEvent as error:
            raise Invalid(error.message, hint=error.hint) from error

    async def person(self, request: AnyRequest, place: int = 2) -> tuple[Caller, Person]:
        """Give who asks, and the person the path names.

        Raises
        ------
        NotLetIn
            When the caller may not read people, or not this one.
        NoSuchPerson
            When nothing is known of them.
        Invalid
            When the path names nobody.
        """
        caller = self.caller(request, "people")
        if caller.person is None:
            found = self.live.person(await self.name_of(request, place))
            # Durable before anything is told: people can see who looked at them.
            await self.desk.note_look(
                found.identifiers[0], caller.key.key_id, *look_of(request, place)
            )
            return caller, found
        try:
            name = await self.name_of(request, place)
        except NoSuchPerson:
            raise NotLetIn(NOT_ABOUT_THEM) from None
        if name not in self.engine.folding.graph.identifiers_of(caller.person):
            raise NotLetIn(NOT_ABOUT_THEM)
        return caller, self.live.person(name)

    async def body(self, request: AnyRequest, bytes_max: int = BODY_BYTES_MAX) -> bytes:
        """Read the whole body.

        Raises
        ------
        Invalid
            When it is too large or not what its headers say.
        Overloaded
            When it came too slowly.
        Unavailable
            When the sender went away; nobody reads that answer.
        """
        receive = cast("Receive", request.receive)  # the same protocol, with types of its own
        body = await self.bodies.read(receive, headers_of(request), bytes_max)
        if body is None:
            raise Unavailable("the sender went away")
        return body


def look_of(request: AnyRequest, place: int) -> tuple[str, str]:
    """Say what a request does with a person, for the trail: the act, and the door without names."""
    parts = request.scope["path"].strip("/").split("/")
    parts[place] = "{who}"
    act = "read" if request.method == "GET" else "write"
    return act, f"{request.method} /{'/'.join(parts)}"


def headers_of(request: AnyRequest) -> Mapping[bytes, bytes]:
    """Give the headers of a request, names in lower case."""
    return dict(request.scope["headers"])


def read_as(body: bytes, kind: type[_Read]) -> _Read:
    """Read a body strictly as a record.

    Raises
    ------
    Invalid
        When it does not fit; the message names the path.
    """
    try:
        value = msgspec.json.decode(body, type=kind)
        plain = msgspec.json.decode(body) if body.count(b"{") + body.count(b"[") > 1 else None
    except msgspec.ValidationError as error:
        words = str(error)
        place = "" if " - at `" in words else " - at `$`"
        raise Invalid(words + place, hint=_HINT) from error
    except (ValueError, RecursionError) as error:
        raise no_json(error) from error
    if is_too_deep(body, plain):
        raise too_deep()
    return value


def query_of(request: AnyRequest, known: Collection[str]) -> dict[str, str]:
    """Read the query; of one that is said twice, the last counts.

    Raises
    ------
    Invalid
        When it names something this address does not know.
    """
    text = request.scope["query_string"].decode("latin-1")
    try:
        given = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=50))
    except ValueError as error:
        raise Invalid("the query has more than 50 fields", hint=_HINT) from error
    for name in given:
        if name not in known:
            shown = name if name.isidentifier() and len(name) <= 50 else "..."
            raise Invalid(
                f"there is no parameter {shown!r} - at `?{shown}`",
                hint=f"parameters: {', '.join(sorted(known)) or 'none'}",
            )
    return given


def whole(text: str | None, name: str, otherwise: int, low: int, high: int) -> int:
    """Read a whole number of a query; a given one where it is not said.

    Raises
    ------
    Invalid
        When it is no number from `low` to `high`.
    """
    if text is None:
        return otherwise
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    if not is_number or not low <= int(text) <= high:
        raise Invalid(
            f"{name} is no whole number from {low} to {high} - at `?{name}`",
            hint=f"send {name}={otherwise}",
        )
    return int(text)


def answered(
    value: object, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response[bytes]:
    """Answer with a value as JSON."""
    return Response(
        to_json(value), status_code=status, media_type="application/json", headers=headers or {}
    )
