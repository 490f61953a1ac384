"""Data Rights Protocol 1.0, the side of the business: requests of agents on behalf of people.

An agent, such as a consumer organisation, signs each request with a key that the settings name, and
shows a token that it was given for this business alone. What a request must pass, in which order,
is what the protocol says: base64, signature, agent, business, issued, not expired.
"""

import secrets
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from typing import Any, Literal

import msgspec

from customering.app.engine import Engine
from customering.app.rights_desk import RightsDesk
from customering.consent.rights import Request, moved, opened
from customering.events.identifiers import normalise
from customering.kernel.clock import parse_instant
from customering.kernel.errors import Absent, Invalid, InvalidEvent, NoSuchPerson, Refused
from customering.kernel.ids import Identifier, stable_id
from customering.kernel.records import Record
from customering.stores.rights_agents import AgentStore

_SIGNATURE_BYTES = 64
_VERSION = "1.0"
_THIRD_PARTIES = ["share", "ads"]

Exercise = Literal[
    "access", "access:categories", "access:specific", "deletion", "sale:opt-out", "sale:opt-in"
]
_KIND_OF: dict[str, str] = {
    "access": "access",
    "access:categories": "access",
    "access:specific": "access",
    "deletion": "erase",
    "sale:opt-out": "object",
    "sale:opt-in": "object",
}
Verify = Callable[[bytes, bytes], bool]
"""Tells whether a signature fits a message, by the key of one agent."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """What every signed message of an agent carries; fields as the protocol names them."""

    agent_id: str
    business_id: str
    issued_at: str
    expires_at: str
    agent_request_id: str = msgspec.field(default="", name="agent-request-id")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent asks for, and the claims about whom; fields as the protocol names them."""

    exercise: Exercise
    version: str = msgspec.field(default=_VERSION, name="drp.version")
    email: str = ""
    email_verified: bool = False
    phone_number: str = ""
    phone_number_verified: bool = False
    name: str = ""
    status_callback: str = ""


class Filed(Record, frozen=True):
    """A request of an agent.

    Parameters
    ----------
    request
        The request.
    agent_request_id
        What the agent calls it.
    """

    request: Request
    agent_request_id: str


def opened_envelope(
    body: bytes, *, agent_id: str, business_id: str, verify: Verify, now_ms: int
) -> tuple[Envelope, bytes]:
    """Open a signed message: the six checks of the protocol, in its order.

    Parameters
    ----------
    body
        Base64 of the Ed25519 signature followed by the JSON that it signs.
    agent_id
        Whose token was shown.
    business_id
        Who we are.
    verify
        Checks signatures of this agent.
    now_ms
        The present. Milliseconds since 1970.

    Raises
    ------
    Invalid
        Whose fact ``check`` names the first one that fails; nothing after it is looked at.
    """
    try:
        data = b64decode(body.strip(), validate=True)
    except (NotBase64, ValueError) as error:
        raise _fault("base64", "the body is not base64") from error
    signature, message = data[:_SIGNATURE_BYTES], data[_SIGNATURE_BYTES:]
    if len(signature) < _SIGNATURE_BYTES or not verify(signature, message):
        raise _fault("signature", "the signature is not that of this agent")
    try:
        envelope = msgspec.json.decode(message, type=Envelope)
        issued_ms = parse_instant(envelope.issued_at)
        expires_ms = parse_instant(envelope.expires_at)
    except (msgspec.MsgspecError, ValueError, OverflowError) as error:
        raise _fault("message", "the signed message is not what the protocol says") from error
    if envelope.agent_id != agent_id:
        raise _fault("agent-id", "the message is of another agent than the token")
    if envelope.business_id != business_id:
        raise _fault("business-id", "the message is for another business")
    if now_ms < issued_ms:
        raise _fault("issued-at", "the message is of the future")
    if now_ms >= expires_ms:
        raise _fault("expires-at", "the message has expired")
    return envelope, message


class Agents:
    """Takes requests of agents; called in the thread of the event loop.

    Parameters
    ----------
    engine, desk
        The running home.
    """

    def __init__(self, engine: Engine, desk: RightsDesk) -> None:
        self._engine = engine
        self._desk = desk
        self._settings = engine.settings.rights
        self._store = AgentStore(engine.home.folder)
        desk.when_stopping(self._store.close)

    @property
    def business_id(self) -> str:
        """Who we are, to agents; empty where none are served."""
        return self._settings.business_id

    def verify_of(self, agent_id: str) -> Verify:
        """Give what checks the signatures of an agent.

        Raises
        ------
        Refused
            When the settings name no such agent.
        """
        known = self._settings.agents.get(agent_id)
        if known is None or not self.business_id:
            raise Refused("this agent is not known here", hint="it is named in [rights.agents]")
        return partial(_verify, known.verify_key)

    async def pair(self, agent_id: str, body: bytes) -> str:
        """Give an agent a token of its own; an older one ends.

        Raises
        ------
        Refused, Invalid
            When it is not known, or its message is not sound.
        """
        self._open(agent_id, body)
        token = secrets.token_urlsafe(32)
        await self._desk.in_thread(
            partial(self._store.put_token, agent_id, _digest(token), self._engine.clock())
        )
        return token

    async def agent_of(self, token: str) -> str | None:
        """Give the agent a token was given to; None for any other token."""
        found = await self._desk.in_thread(partial(self._store.agent_of, _digest(token)))
        return found if found in self._settings.agents else None

    async def file(self, agent_id: str, body: bytes) -> Filed:
        """Keep what an agent asks for; the same asked twice is kept once.

        Raises
        ------
        Refused, Invalid
            When the agent is not known, or its message is not sound.
        """
        envelope, message = self._open(agent_id, body)
        try:
            asked = msgspec.json.decode(message, type=Asked)
        except msgspec.MsgspecError as error:
            raise _fault("message", "the signed message is not what the protocol says") from error
        if asked.version != _VERSION:
            raise _fault("drp.version", f"this is version {_VERSION} of the protocol")
        request_id = stable_id(
            "req", agent_id, envelope.agent_request_id or sha256(message).hexdigest()
        )
        known = await self._find(agent_id, request_id)
        if known is not None:
            return known
        request, who = self._judged(asked, request_id, agent_id)
        if asked.status_callback:
            await self._follow(request, agent_id, envelope.agent_request_id, asked.status_callback)
        await self._desk.keep(request, who)
        named = (request_id, agent_id, envelope.agent_request_id)
        await self._desk.in_thread(partial(self._store.put_request, *named))
        return Filed(request, envelope.agent_request_id)

    async def _follow(
        self, request: Request, agent_id: str, agent_request_id: str, url: str
    ) -> None:
        named = (request, agent_id, agent_request_id, url)
        try:
            await self._desk.in_thread(partial(self._desk.telling.follow, *named))
        except Invalid as error:
            raise _fault("status_callback", error.message) from error

    async def filed(self, agent_id: str, request_id: str) -> Filed:
        """Give a request of this agent.

        Raises
        ------
        Absent
            When it made none of this id.
        """
        found = await self._find(agent_id, request_id)
        if found is None:
            raise Absent("there is no request of this id", hint="check the id")
        return found

    async def revoke(self, agent_id: str, request_id: str, reason: str) -> Filed:
        """Take a request back.

        Raises
        ------
        Absent, Refused
            When it made none of this id, or it has ended.
        """
        filed = await self.filed(agent_id, request_id)
        actor = _actor(agent_id)
        request = await self._desk.act(request_id, "revoke", actor=actor, words=reason)
        return Filed(request, filed.agent_request_id)

    async def _find(self, agent_id: str, request_id: str) -> Filed | None:
        found = await self._desk.in_thread(partial(self._store.request, request_id))
        if found is None or found[0] != agent_id:
            return None
        return Filed(await self._desk.request(request_id), found[1])

    def _open(self, agent_id: str, body: bytes) -> tuple[Envelope, bytes]:
        return opened_envelope(
            body,
            agent_id=agent_id,
            business_id=self.business_id,
            verify=self.verify_of(agent_id),
            now_ms=self._engine.clock(),
        )

    def _judged(
        self, asked: Asked, request_id: str, agent_id: str
    ) -> tuple[Request, Identifier | None]:
        """Make the request: open, waiting for verification, or denied at once."""
        now_ms, actor = self._engine.clock(), _actor(agent_id)
        names = self._names(asked)
        details: Mapping[str, Any] = {"exercise": asked.exercise}
        if asked.exercise == "sale:opt-out":
            details = {**details, "purpose": _THIRD_PARTIES}
        request = opened(
            request_id,
            _KIND_OF[asked.exercise],
            now_ms=now_ms,
            actor=actor,
            details=dict(details),
            subjects=tuple(self._desk.hash_of(name) for name in names),
        )
        if asked.exercise == "sale:opt-in":
            return self._denied(request, "claim_not_covered"), None
        if not names:
            return moved(request, "verify", now_ms=now_ms, actor=actor), None
        for name in names:
            try:
                self._desk.check_known(name)
            except NoSuchPerson:
                continue
            return request, name
        return self._denied(request, "no_match"), None

    def _denied(self, request: Request, reason: str) -> Request:
        return moved(request, "deny", now_ms=self._engine.clock(), actor="operator", reason=reason)

    def _names(self, asked: Asked) -> list[Identifier]:
        """Give the identifiers that the agent says it has verified."""
        claims = (
            ("email", asked.email, asked.email_verified),
            ("phone", asked.phone_number, asked.phone_number_verified),
        )
        found = []
        for kind, value, is_verified in claims:
            if value and is_verified:
                try:
                    region = self._engine.settings.events.default_region
                    found.append(normalise(kind, value, region))
                except InvalidEvent:  # it can name nobody, so it matches nobody
                    continue
        return found


def _fault(check: str, message: str) -> Invalid:
    return Invalid(message, hint="see the Data Rights Protocol 1.0", check=check)


def _actor(agent_id: str) -> str:
    return f"agent {agent_id}"


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "replace")).digest()


def _verify(verify_key: str, signature: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(b64decode(verify_key))
        key.verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
