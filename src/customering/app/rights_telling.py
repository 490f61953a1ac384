"""Telling others of a request: the businesses that process data for us, and agents who ask for it.

What is to be told is kept durably before a request takes effect, and is tried until it was taken
in. Nothing of an answer is believed but what is signed by the one it comes from.
"""

import logging
import os
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from msgspec.structs import replace

from customering.app.erasing_certificate import Signer, with_recipients
from customering.app.home import Home
from customering.app.rights_acts import agent_status
from customering.app.rights_outward import Answer, call, check_address
from customering.consent.rights import Request, RightsSettings
from customering.consent.rights_told import (
    DOMAIN_HEADERS,
    RETRIES_MS,
    SIGNATURE_HEADERS,
    Answered,
    Asked,
    ProcessorSettings,
    Told,
    answered,
    failed,
    identities_for,
    read_answer,
    request_body,
)
from customering.kernel.errors import Absent, CustomeringError, Invalid, Refused, Unavailable
from customering.kernel.ids import Identifier
from customering.kernel.records import to_json
from customering.stores.erasing_journal import ErasureJournal
from customering.stores.rights import RightsStore
from customering.stores.rights_told import AgentCallback, ToldStore

CALLBACK_PATH = "/v1/opendsr/callbacks"
SIGNATURE_HEADER = "customering-signature"
_TAKEN_IN = 201
_OK = 200
_KNOWS_NOBODY = 404

_logger = logging.getLogger("customering.rights")


class TellingHome(Protocol):
    """What telling needs of an open home; `customering.app.engine.Engine` is one."""

    @property
    def home(self) -> Home:
        """Where its files are, and its settings."""
        ...

    @property
    def journal(self) -> ErasureJournal:
        """What was erased."""
        ...

    @property
    def rights(self) -> RightsStore:
        """What people asked for."""
        ...

    @property
    def clock(self) -> Callable[[], int]:
        """The real present. Milliseconds since 1970."""
        ...

    @property
    def signer(self) -> Signer | None:
        """What signs; None in a home without a key."""
        ...


class Telling:
    """Tells processors and agents; every method may be called from any thread.

    Parameters
    ----------
    home
        The home.
    chance
        Gives 16 bytes nobody can guess, for the ids that processors know requests by.
    """

    def __init__(self, home: TellingHome, *, chance: Callable[[int], bytes] = os.urandom) -> None:
        self._home = home
        self._chance = chance
        self._settings: RightsSettings = home.home.loaded.settings.rights
        self._public_url = home.home.loaded.settings.serve.public_url.rstrip("/")
        self.store = ToldStore(home.home.folder)

    def close(self) -> None:
        """Let go of the file."""
        self.store.close()

    @property
    def callback_url(self) -> str:
        """Where processors call us; empty where the settings do not say where we are."""
        return f"{self._public_url}{CALLBACK_PATH}" if self._public_url else ""

    # What is to be told

    def note(self, request_id: str, asked: Asked, names: Sequence[Identifier]) -> list[Told]:
        """Keep durably what every processor is to be told of a request.

        Parameters
        ----------
        names
            The identifiers it is about; each processor gets those that the settings name for it.
        """
        if self.store.of(request_id):
            return []
        now_ms, rows = self._home.clock(), []
        for key, processor in self._settings.processors.items():
            if asked not in processor.requests:
                continue
            told = Told(
                request_id=request_id,
                recipient=key,
                name=processor.name,
                asked=asked,
                subject_request_id=str(UUID(bytes=self._chance(16), version=4)),
                began_at=now_ms,
                next_at=now_ms,
            )
            identities = identities_for(processor, names)
            if not identities:
                told = _ended(told, "nothing", now_ms)
            body = request_body(
                told,
                identities,
                regulation=self._settings.regulation,
                callback_url=self.callback_url,
            )
            rows.append((told, body))
        self.store.add(rows)
        for told, _ in rows:
            if told.has_ended:
                self.store.put(told)
        return [told for told, _ in rows]

    def take_back(self, request_id: str) -> None:
        """Do not tell of an erasure that did not come about; one that was noted is told."""
        if not any(one.request_id == request_id for one in self._home.journal.erasures()):
            self.store.take_back(request_id)

    def changed(self, request_id: str) -> bool:
        """Note that a request changed; tell whether an agent is to be told."""
        return self.store.changed(request_id, self._home.clock())

    def follow(self, request: Request, agent_id: str, agent_request_id: str, url: str) -> None:
        """Keep where an agent wants to hear of changes of its request.

        Raises
        ------
        Invalid
            When that address is never called.
        """
        agent = self._settings.agents[agent_id]
        check_address(url, is_local=agent.is_local)
        steps = len(request.steps)
        self.store.add_callback(
            AgentCallback(request.request_id, agent_id, agent_request_id, url, steps, 0, None)
        )

    # Trying

    def tell_due(self) -> int:
        """Tell and ask everybody whose turn it is; give how many there were."""
        now_ms = self._home.clock()
        due = self.store.due(now_ms)
        for told, body in due:
            self._keep(told, self._tried(told, body))
        for callback in self.store.callbacks_idle():  # another process may have moved it
            if len(self._home.rights.get(callback.request_id)[0].steps) != callback.steps:
                self.store.changed(callback.request_id, now_ms)
        callbacks = self.store.callbacks_due(now_ms)
        for callback in callbacks:
            self._tell_agent(callback)
        return len(due) + len(callbacks)

    def _tried(self, told: Told, body: bytes | None) -> Told:
        """Send a request that was not taken in yet, or ask how far it is."""
        now_ms = self._home.clock()
        processor = self._settings.processors.get(told.recipient)
        if processor is None:
            return failed(told, "the settings do not name it any more", now_ms)
        if body is None:
            at = f"{processor.url.rstrip('/')}/requests/{told.subject_request_id}"
        else:
            at = f"{processor.url.rstrip('/')}/requests"
        try:
            given = call(
                "GET" if body is None else "POST",
                at,
                body=body or b"",
                headers=_headers(processor),
                is_local=processor.is_local,
            )
            if body is not None and given.status == _KNOWS_NOBODY:
                return _ended(told, "nothing", now_ms)
            if given.status != (_OK if body is None else _TAKEN_IN):
                return failed(told, f"it answered with the status {given.status}", now_ms)
            return answered(told, self._read(processor, given), now_ms)
        except CustomeringError as error:
            return failed(told, error.message, now_ms)

    def _read(self, processor: ProcessorSettings, given: Answer) -> Answered:
        check_signature(processor, given.headers, given.body)
        return read_answer(given.body)

    def _keep(self, before: Told, now: Told) -> None:
        self.store.put(now)
        if (before.status, before.told_at) != (now.status, now.told_at):
            self.certify_anew(now.request_id)

    def certify_anew(self, request_id: str) -> None:
        """Put into the certificate of an erasure, if there is one, what recipients say now."""
        lines = [one.line() for one in self.store.of(request_id)]
        if not lines:
            return
        try:
            text = self._home.journal.certificate(request_id)
        except Absent:
            return
        if text is not None:
            fresh = with_recipients(text, lines, self._home.clock(), self._home.signer)
            self._home.journal.certify_anew(request_id, fresh)

    def _tell_agent(self, callback: AgentCallback) -> None:
        """Tell an agent how far a request is now; the last time when it has ended."""
        now_ms = self._home.clock()
        request, _ = self._home.rights.get(callback.request_id)
        agent = self._settings.agents.get(callback.agent_id)
        body = to_json(agent_status(request, callback.agent_request_id))
        is_told = agent is not None and self._reaches(callback.url, body, is_local=agent.is_local)
        if agent is None or (is_told and request.has_ended) or callback.tries >= len(RETRIES_MS):
            self.store.drop_callback(callback.request_id)
        elif is_told:
            told = callback._replace(steps=len(request.steps), tries=0, next_at=None)
            self.store.put_callback(told)
        else:
            next_at = now_ms + RETRIES_MS[callback.tries]
            self.store.put_callback(callback._replace(tries=callback.tries + 1, next_at=next_at))

    def _reaches(self, url: str, body: bytes, *, is_local: bool) -> bool:
        """Send a message of ours, signed; tell whether it was taken in. Its answer is not read."""
        headers = {"content-type": "application/json", **self._signed(body)}
        try:
            return call("POST", url, body=body, headers=headers, is_local=is_local).status == _OK
        except (Invalid, Unavailable) as error:
            _logger.info("an agent was not told: %s", error.message)
            return False

    def _signed(self, body: bytes) -> dict[str, str]:
        signer = self._home.signer
        if signer is None:
            return {}
        key_id, signature = signer(body)
        return {SIGNATURE_HEADER: f"{key_id} {b64encode(signature).decode()}"}

    # Being told

    def take_callback(self, headers: Mapping[str, str], body: bytes) -> Told:
        """Take what a processor tells us by itself; the signature is checked before it is read.

        Raises
        ------
        Refused
            When it is not signed by a processor of the settings, or another one's request.
        Invalid, Absent
            When it is not what the protocol says, or about a request that does not exist.
        """
        domain = _header(headers, DOMAIN_HEADERS)
        found = [
            (key, one)
            for key, one in self._settings.processors.items()
            if domain and one.domain.lower() == domain.lower()
        ]
        if not found:
            raise Refused("no processor of this domain is known here", hint="", check="domain")
        key, processor = found[0]
        check_signature(processor, headers, body)
        answer = read_answer(body)
        told = self.store.get(answer.subject_request_id)
        if told.recipient != key or answer.status_callback_url != self.callback_url:
            raise Refused("it is about the request of somebody else", hint="", check="request")
        now = answered(told, answer, self._home.clock())
        self._keep(told, now)
        return now


def _ended(told: Told, status: Any, now_ms: int) -> Told:
    return replace(told, status=status, ended_at=now_ms, next_at=None)


def _headers(processor: ProcessorSettings) -> dict[str, str]:
    headers = {"content-type": "application/json", "accept": "application/json"}
    token = os.environ.get(processor.token_variable, "") if processor.token_variable else ""
    return {**headers, "authorization": f"Bearer {token}"} if token else headers


def _header(headers: Mapping[str, str], names: Sequence[str]) -> str:
    return next((headers[name] for name in names if headers.get(name)), "")


def check_signature(processor: ProcessorSettings, headers: Mapping[str, str], body: bytes) -> None:
    """Refuse bytes that a processor did not sign by the certificate in the settings.

    Raises
    ------
    Refused
        When the domain is another one, or the signature does not fit.
    """
    domain = _header(headers, DOMAIN_HEADERS)
    if domain.lower() != processor.domain.lower() or not domain:
        raise Refused("what it says is of another domain", hint="see OpenDSR 2.0", check="domain")
    try:
        signature = b64decode("".join(_header(headers, SIGNATURE_HEADERS).split()), validate=True)
    except (NotBase64, ValueError):
        signature = b""
    if not _fits(processor.certificate, signature, body):
        raise Refused(
            "what it says is not signed by its certificate",
            hint="see OpenDSR 2.0",
            check="signature",
        )


def _fits(pem: str, signature: bytes, body: bytes) -> bool:
    """Tell whether a signature is by a certificate or key: RSA, elliptic curves, or Ed25519."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    data = pem.strip().encode()
    try:
        key: Any = (
            x509.load_pem_x509_certificate(data).public_key()
            if b"BEGIN CERTIFICATE" in data
            else load_pem_public_key(data)
        )
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, body, padding.PKCS1v15(), SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, body, ec.ECDSA(SHA256()))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, body)
        else:
            return False
    except (InvalidSignature, ValueError):
        return False
    return True
